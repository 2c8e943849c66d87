"""Run one `chroma run` server for the whole test session, and run each parcel-tracking test embedded and over HTTP.

Embedded Chroma and a server differ in small ways (error classes, headers, batches by wire size), which is why code
that goes to production against a server should be tested against one.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import chromadb
import httpx
import pytest
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory, pytestconfig):
    """Yields the port of a running server.  Session scope: starting it takes a second or more."""
    # HttpClient.close() leaves its idle connections to the garbage collector, which a suite with
    # `filterwarnings = error` would report as a failure.
    pytestconfig.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    port = _unused_port()
    data = tmp_path_factory.mktemp("server")
    log = (data / "server.log").open("wb")
    executable = Path(sys.executable).parent / "chroma"
    process = subprocess.Popen(
        [executable, "run", "--path", data, "--host", "127.0.0.1", "--port", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
    )
    try:
        for _ in range(600):
            if process.poll() is not None:
                pytest.fail(f"server ended with {process.returncode}: {(data / 'server.log').read_text()}")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            pytest.fail("server did not come up")
        yield port
        gc.collect()  # now, while the filter above is in force
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


@pytest.fixture(scope="session")
def http_client(chroma_server):
    with chromadb.HttpClient(
        host="127.0.0.1",
        port=chroma_server,
        ssl=False,
        headers={"X-Request-Source": "pytest"},
        settings=Settings(anonymized_telemetry=False),
    ) as client:
        yield client


@pytest.fixture
def embedded_client(tmp_path):
    with chromadb.PersistentClient(path=tmp_path / "db") as client:
        yield client


@pytest.fixture(params=["embedded_client", "http_client"], ids=["embedded", "http"])
def client(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def parcels(client):
    """Depot coordinates serve as embeddings: the nearest parcel is literally the nearest."""
    collection = client.create_collection(
        name="parcels", embedding_function=None, configuration={"hnsw": {"space": "l2"}}, metadata={"depot": "Gent"}
    )
    collection.add(
        ids=["JJD-1", "JJD-2", "JJD-3", "JJD-4"],
        embeddings=[[51.05, 3.72], [51.21, 4.40], [50.85, 4.35], [51.20, 3.22]],
        metadatas=[
            {"state": "in_transit", "kg": 1.2},
            {"state": "delivered", "kg": 0.4},
            {"state": "in_transit", "kg": 14.0},
            {"state": "lost", "kg": 2.5},
        ],
        documents=["books", "letters", "a washing machine part", "shoes"],
    )
    yield collection
    client.delete_collection("parcels")


def test_nearest_parcel(parcels):
    near_bruges = parcels.query(query_embeddings=[[51.2, 3.2]], n_results=2, include=["documents", "distances"])
    assert near_bruges["ids"] == [["JJD-4", "JJD-1"]]
    assert near_bruges["distances"][0][0] == pytest.approx(0.0004, abs=1e-4)


def test_filters_behave_alike(parcels):
    heavy = parcels.get(where={"$and": [{"state": "in_transit"}, {"kg": {"$gt": 10}}]}, include=["documents"])
    assert heavy["documents"] == ["a washing machine part"]
    assert parcels.get(where_document={"$regex": "^(books|shoes)$"}, include=[])["ids"] == ["JJD-1", "JJD-4"]


def test_paging_is_stable(parcels):
    pages = [parcels.get(limit=3, offset=start, include=[])["ids"] for start in (0, 3)]
    assert [len(page) for page in pages] == [3, 1]
    assert len({i for page in pages for i in page}) == 4


def test_delete_reports_a_number(parcels):
    assert parcels.delete(where={"state": {"$ne": "in_transit"}}, limit=1)["deleted"] == 1
    assert parcels.count() == 3


def test_missing_collection(client):
    with pytest.raises(NotFoundError):
        client.get_collection("pallets", embedding_function=None)


def test_wrong_dimension(parcels):
    with pytest.raises(ChromaError, match="dimension"):
        parcels.add(ids=["JJD-5"], embeddings=[[1.0, 2.0, 3.0]])
    assert parcels.count() == 4


def test_metadata_and_configuration_travel(client, parcels):
    again = client.get_collection("parcels", embedding_function=None)
    assert again.id == parcels.id and again.metadata == {"depot": "Gent"}
    assert again.configuration_json["hnsw"]["space"] == "l2"
    assert client.get_collection_by_id(parcels.id, embedding_function=None).name == "parcels"


def test_server_facts(http_client):
    assert http_client.heartbeat() > 1_600_000_000 * 10**9  # nanoseconds
    assert http_client.get_version()
    assert http_client.get_max_batch_size() > 100


def test_two_http_clients_see_one_database(chroma_server, http_client):
    other = chromadb.HttpClient(host="127.0.0.1", port=chroma_server)
    http_client.create_collection("shared", embedding_function=None)
    assert "shared" in [c.name for c in other.list_collections()]
    other.delete_collection("shared")
    assert http_client.count_collections() == 0
    other.close()


def test_nobody_listening():
    with pytest.raises(ValueError, match="Could not connect to a Chroma server"):
        chromadb.HttpClient(host="127.0.0.1", port=_unused_port())


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
