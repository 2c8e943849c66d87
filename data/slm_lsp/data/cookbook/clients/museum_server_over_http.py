"""Run a Chroma server for a museum catalogue and let two HttpClients, the curators, share it."""
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import chromadb
import httpx
from chromadb.config import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def chroma_server(data_dir):
    """`chroma run` as a child process; yields its port once the heartbeat answers."""
    port = free_port()
    command = Path(sys.executable).with_name("chroma")
    process = subprocess.Popen(
        [str(command), "run", "--path", str(data_dir), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}")
            try:
                httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1).raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise TimeoutError("no heartbeat within a minute") from None
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def connect(port: int, curator: str) -> chromadb.ClientAPI:
    return chromadb.HttpClient(
        host="127.0.0.1",
        port=port,
        ssl=False,
        # Extra headers travel with every request: handy for a proxy's access log.
        headers={"X-Curator": curator},
        settings=Settings(anonymized_telemetry=False),
        tenant="default_tenant",
        database="default_database",
    )


# period (centuries before now, scaled), metalwork, ceramics, textile
OBJECTS = [
    ("inv-0041", "Bronze oil lamp with a griffin handle", [0.9, 1.0, 0.0, 0.0], "Rome"),
    ("inv-0112", "Red-figure krater, symposium scene", [1.0, 0.0, 1.0, 0.0], "Athens"),
    ("inv-0305", "Fragment of a silk tapestry with birds", [0.5, 0.0, 0.0, 1.0], "Antioch"),
    ("inv-0417", "Silver spoon engraved with a fish", [0.7, 0.9, 0.0, 0.0], "Antioch"),
]


def main():
    with tempfile.TemporaryDirectory() as data_dir, chroma_server(data_dir) as port:
        ines = connect(port, "ines")
        omar = connect(port, "omar")

        beat = ines.heartbeat()  # nanoseconds since the epoch, by the server's clock
        assert abs(beat / 1e9 - time.time()) < 60
        limit = ines.get_max_batch_size()
        print(f"server API {ines.get_version()}, up to {limit} records a call")
        assert len(OBJECTS) <= limit

        catalogue = ines.create_collection(
            "catalogue",
            configuration={"hnsw": {"space": "cosine", "ef_search": 40}},
            metadata={"museum": "Harbour Museum"},
            embedding_function=None,
        )
        ids, texts, vectors, origins = zip(*OBJECTS)
        catalogue.add(
            ids=list(ids),
            documents=list(texts),
            embeddings=[list(v) for v in vectors],
            metadatas=[{"found": place} for place in origins],
        )

        # Omar opened his client before the collection existed; he reads the server, not a copy.
        his_view = omar.get_collection(name="catalogue", embedding_function=None)
        assert his_view.metadata == {"museum": "Harbour Museum"} and his_view.count() == 4
        metal = his_view.query(query_embeddings=[0.8, 1.0, 0.0, 0.0], n_results=2)
        assert set(metal["ids"][0]) == {"inv-0041", "inv-0417"}
        from_antioch = his_view.get(where={"found": "Antioch"}, include=["documents"])
        assert sorted(from_antioch["ids"]) == ["inv-0305", "inv-0417"]

        his_view.update(ids=["inv-0305"], metadatas=[{"on_loan": True}])
        record = catalogue.get(ids="inv-0305")
        assert record["metadatas"][0] == {"found": "Antioch", "on_loan": True}
        print("Ines sees Omar's note:", record["documents"][0], record["metadatas"][0])

        settings = omar.get_settings()
        assert (settings.chroma_server_host, settings.chroma_server_http_port) == ("127.0.0.1", port)
        assert settings.chroma_server_headers["X-Curator"] == "omar"

    # With the server gone, building a client fails at once, with a message that says why.
    try:
        connect(port, "late visitor")
    except ValueError as error:
        assert "Could not connect to a Chroma server" in str(error)
        print("closed for tonight:", error)
    else:
        raise AssertionError("nobody should answer")


if __name__ == "__main__":
    main()
