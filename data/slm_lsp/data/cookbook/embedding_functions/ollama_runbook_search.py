"""Search operations runbooks with OllamaEmbeddingFunction against an Ollama-compatible server on loopback.

The server below implements the one endpoint that embedding needs, POST /api/embed; replace its URL by
http://localhost:11434 to use a real Ollama.  A ten-line class stands in for the `ollama` client library.
"""

import json
import sys
import threading
import types
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import chromadb
import httpx
from chromadb.utils.embedding_functions import OllamaEmbeddingFunction


class OllamaClient:
    """What the library's Client does for embed(); the rest of it is not needed here."""

    def __init__(self, host: str, timeout: float) -> None:
        self._http = httpx.Client(base_url=host, timeout=timeout)

    def embed(self, model: str, input: list[str]) -> dict:
        response = self._http.post("/api/embed", json={"model": model, "input": input})
        if response.is_error:
            raise RuntimeError(response.json()["error"])  # ollama.ResponseError in the library
        return response.json()


sys.modules["ollama"] = types.ModuleType("ollama")
sys.modules["ollama"].Client = OllamaClient

SIGNALS = ["disk", "inode", "memory", "oom", "certificate", "tls", "replica", "lag", "queue", "consumer", "dns"]


class OllamaLookalike(BaseHTTPRequestHandler):
    installed = {"nomic-embed-text"}

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/api/embed":
            return self._reply(404, {"error": "not found"})
        if payload["model"] not in self.installed:
            return self._reply(404, {"error": f'model "{payload["model"]}" not found, try pulling it first'})
        vectors = [[1.0 * text.lower().count(signal) + 0.02 for signal in SIGNALS] for text in payload["input"]]
        return self._reply(200, {"model": payload["model"], "embeddings": vectors})

    def _reply(self, status: int, body: dict) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the results."""


@contextmanager
def ollama_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), OllamaLookalike)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


RUNBOOKS = [
    ("disk-full", "Disk above 95%: rotate logs, look for inode exhaustion, extend the volume.", "sev2", "storage"),
    ("oom-kill", "OOM kill: compare memory limit with the heap, take a memory profile before restart.", "sev2", "compute"),
    ("tls-expiry", "Certificate expires in a week: renew it and reload every tls endpoint.", "sev3", "edge"),
    ("replica-lag", "Replica lag above a minute: stop batch jobs, check disk latency of the replica.", "sev1", "storage"),
    ("stuck-queue", "Queue grows: restart the consumer, then look for a poison message in the queue.", "sev1", "messaging"),
    ("dns-flap", "DNS flapping: pin the resolver, lower nothing while it flaps.", "sev1", "edge"),
]


def first(runbooks: chromadb.Collection, alert: str, **filters) -> str:
    result = runbooks.query(query_texts=[alert], n_results=1, include=["documents"], **filters)
    return result["ids"][0][0] if result["ids"][0] else "page a human"


def main() -> None:
    with ollama_server() as url:
        ollama_ef = OllamaEmbeddingFunction(url=url, model_name="nomic-embed-text", timeout=20)
        client = chromadb.EphemeralClient()
        runbooks = client.create_collection("runbooks", embedding_function=ollama_ef)
        runbooks.add(
            ids=[slug for slug, *_ in RUNBOOKS],
            documents=[text for _, text, *_ in RUNBOOKS],
            metadatas=[{"severity": sev, "team": team} for *_, sev, team in RUNBOOKS],
        )

        assert first(runbooks, "inode usage on disk /var is 99%") == "disk-full"
        assert first(runbooks, "disk latency, replica lag", where={"severity": "sev1"}) == "replica-lag"
        elsewhere = {"team": {"$nin": ["edge", "storage"]}}
        assert first(runbooks, "consumer of queue billing died", where=elsewhere) == "stuck-queue"
        assert first(runbooks, "memory", where_document={"$contains": "heap"}) == "oom-kill"
        assert first(runbooks, "memory", where={"team": "payroll"}) == "page a human"

        # Old tutorials give the full endpoint; the function strips the path for them.
        legacy = OllamaEmbeddingFunction(url=f"{url}/api/embeddings", model_name="nomic-embed-text")
        assert len(legacy(["dns"])[0]) == len(SIGNALS)

        # A model that was never pulled fails on first use, not when the function is constructed.
        absent = OllamaEmbeddingFunction(url=url, model_name="mxbai-embed-large", timeout=20)
        try:
            client.create_collection("drafts", embedding_function=absent).add(ids=["x"], documents=["x"])
        except RuntimeError as error:
            print("as expected:", error)
        else:
            raise AssertionError("an absent model embedded something")

        # The server moved.  The URL is not part of the vectors' meaning, the model name is - but the shipped
        # function refuses any update whose configuration names a model, so one attaches a new client on opening.
        moved = OllamaEmbeddingFunction(url=url, model_name="nomic-embed-text", timeout=30)
        try:
            ollama_ef.validate_config_update(ollama_ef.get_config(), moved.get_config())
        except ValueError as error:
            assert "model name cannot be changed" in str(error)
        else:
            raise AssertionError("another model for the same collection")
        reopened = client.get_collection("runbooks", embedding_function=moved)
        assert first(reopened, "certificate for tls endpoint about to expire") == "tls-expiry"

    # Ollama is down: reading and filtering still work, embedding does not.
    assert len(runbooks.get(where={"severity": "sev1"}, include=[])["ids"]) == 3
    try:
        first(runbooks, "is anyone there?")
    except httpx.ConnectError as error:
        print("ollama is down:", type(error).__name__)
    else:
        raise AssertionError("a stopped server answered")


if __name__ == "__main__":
    main()
