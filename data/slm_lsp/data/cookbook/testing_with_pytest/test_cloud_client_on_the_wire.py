"""Pytest checks of what an app sends to Chroma Cloud: its key, its tenant's paths, its bodies, without any cloud.

The app under test is a plant nursery's stock finder. A recording HTTP server on loopback stands where the cloud would
be; the tests read its tape. That catches what a stubbed client object cannot: a key in the wrong header, a request to
another tenant, a vector that was rounded on its way.
"""

import gc
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import chromadb
import pytest
from chromadb.config import Settings

TENANT, DATABASE, KEY = "t-nursery", "stock", "ck-0123456789"
BASE = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}"
PLANTS = UUID("6f1c1f0e-3a52-4d0a-9d6c-0c3a9a1b2c3d")


# --- the app -----------------------------------------------------------------------------------------------------


class StockFinder:
    """Finds plants for a garden's light, water and frost, each from 0 to 1."""

    def __init__(self, client: chromadb.ClientAPI):
        self.client = client
        self.plants = client.get_or_create_collection(name="plants", embedding_function=None)

    def deliver(self, name: str, needs: list[float], pots: int) -> None:
        self.plants.upsert(ids=[name], embeddings=[needs], metadatas=[{"pots": pots}])

    def suited(self, garden: list[float]) -> list[str]:
        found = self.plants.query(
            query_embeddings=[garden], n_results=2, where={"pots": {"$gte": 1}}, include=["distances"]
        )
        return found["ids"][0]


# --- the tape recorder -------------------------------------------------------------------------------------------


class Tape(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Recorder)
        self.requests: list[tuple[str, str, dict[str, str], object]] = []
        self.replies = {
            "GET /api/v2/auth/identity": {"user_id": "u-1", "tenant": TENANT, "databases": [DATABASE]},
            f"GET /api/v2/tenants/{TENANT}": {"name": TENANT},
            f"GET {BASE}": {"id": str(UUID(int=1)), "name": DATABASE, "tenant": TENANT},
            "GET /api/v2/pre-flight-checks": {"max_batch_size": 300},
            f"GET {BASE}/collections_count": 1,
            f"POST {BASE}/collections": {
                "id": str(PLANTS), "name": "plants", "tenant": TENANT, "database": DATABASE, "metadata": None,
                "dimension": None, "configuration_json": {}, "version": 0, "log_position": 0, "schema": None,
            },
            f"POST {BASE}/collections/{PLANTS}/upsert": {},
            f"POST {BASE}/collections/{PLANTS}/query": {
                "ids": [["lavender", "thyme"]], "distances": [[0.1, 0.2]], "embeddings": None, "documents": None,
                "uris": None, "metadatas": None, "include": ["distances"],
            },
        }  # fmt: skip

    def sent_to(self, tail: str) -> list[object]:
        return [body for _, path, _, body in self.requests if path.endswith(tail)]


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep the connection, as the real service does

    def handle_any(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        self.server.requests.append((self.command, path, dict(self.headers), json.loads(raw) if raw else None))
        content = json.dumps(self.server.replies[f"{self.command} {path}"]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = handle_any

    def log_message(self, format, *args): ...


@pytest.fixture
def tape():
    recorder = Tape()
    worker = threading.Thread(target=recorder.serve_forever, args=(0.02,))
    worker.start()
    yield recorder
    recorder.shutdown()
    worker.join()
    recorder.server_close()


@pytest.fixture
def connect(tape):
    """A function that opens a client of the recorder, and closes it after the test."""
    opened = []

    def open_client(tenant=TENANT, database=DATABASE):
        client = chromadb.CloudClient(
            tenant=tenant,
            database=database,
            api_key=KEY,
            settings=Settings(anonymized_telemetry=False),
            cloud_host="127.0.0.1",
            cloud_port=tape.server_port,
            enable_ssl=False,
        )
        opened.append(client)
        return client

    yield open_client
    while opened:
        opened.pop().close()
    gc.collect()  # the pools go here, where their warning is not an error


# A closed client leaves its pool of connections to the garbage collector; strict suites would call that a leak.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")

# --- the tests ---------------------------------------------------------------------------------------------------


def test_every_request_carries_the_key_in_chromas_own_header(tape, connect):
    StockFinder(connect()).deliver("lavender", [0.9, 0.2, 0.6], pots=12)
    assert len(tape.requests) >= 5
    for _, _, headers, _ in tape.requests:
        sent = {name.lower(): value for name, value in headers.items()}
        assert sent["x-chroma-token"] == KEY
        assert "authorization" not in sent  # that one is HttpClient's, not the cloud's


@pytest.mark.parametrize("named", [{}, {"tenant": None}, {"database": None}, {"tenant": None, "database": None}])
def test_what_is_not_named_follows_from_the_key(connect, named):
    client = connect(**named)
    assert (client.tenant, client.database) == (TENANT, DATABASE)


def test_a_delivery_is_sent_as_it_was_counted(tape, connect):
    finder = StockFinder(connect())
    finder.deliver("thyme", [1.0, 0.25, 0.5], pots=3)
    [body] = tape.sent_to(f"{PLANTS}/upsert")
    assert body["ids"] == ["thyme"]
    assert body["metadatas"] == [{"pots": 3}]


def test_a_question_asks_only_for_plants_in_stock(tape, connect):
    names = StockFinder(connect()).suited([0.8, 0.1, 0.5])
    assert names == ["lavender", "thyme"]
    [body] = tape.sent_to(f"{PLANTS}/query")
    assert body["where"] == {"pots": {"$gte": 1}}
    assert body["n_results"] == 2 and body["include"] == ["distances"]


def test_no_request_leaves_the_tenant(tape, connect):
    client = connect()
    assert client.count_collections() == 1
    assert client.get_max_batch_size() == 300
    general = {"/api/v2/auth/identity", "/api/v2/pre-flight-checks"}
    others = [path for _, path, _, _ in tape.requests if path not in general]
    assert others and all(path.startswith(f"/api/v2/tenants/{TENANT}") for path in others)


def test_without_a_key_nothing_is_sent(tape, monkeypatch):
    monkeypatch.delenv("CHROMA_API_KEY", raising=False)
    with pytest.raises(ValueError, match="api_key"):
        chromadb.CloudClient(cloud_host="127.0.0.1", cloud_port=tape.server_port, enable_ssl=False)
    assert tape.requests == []


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
