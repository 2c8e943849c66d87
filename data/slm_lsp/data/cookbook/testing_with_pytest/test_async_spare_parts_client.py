"""Async tests of a tractor dealer's spare-part search with AsyncHttpClient, pytest-asyncio and a server per module."""
import asyncio
import contextlib
import gc
import shutil
import socket
import subprocess
import sysconfig
import time

import chromadb
import pytest
import pytest_asyncio
from chromadb.api import AsyncClientAPI
from chromadb.errors import ChromaError, NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="module")

CATALOGUE = [
    ("FD-100", "Fuel filter for series 5", [1.0, 0.0, 0.1], {"series": 5, "stock": 12}),
    ("FD-200", "Fuel filter for series 7", [1.0, 0.0, 0.3], {"series": 7, "stock": 0}),
    ("BR-310", "Brake disc, rear", [0.0, 1.0, 0.2], {"series": 5, "stock": 3}),
    ("BR-311", "Brake pad set", [0.1, 0.9, 0.2], {"series": 7, "stock": 40}),
    ("HY-900", "Hydraulic hose 2 m", [0.1, 0.1, 1.0], {"series": 7, "stock": 7}),
]


class PartsDesk:
    """The code under test: several lookups at once, and reservations that must not oversell."""

    def __init__(self, parts):
        self.parts = parts
        self.lock = asyncio.Lock()

    @classmethod
    async def open(cls, client: AsyncClientAPI, name: str = "parts"):
        return cls(await client.get_or_create_collection(name, embedding_function=None))

    async def alternatives(self, *numbers, k=1):
        """For each part number the nearest other parts that are in stock, all looked up concurrently."""

        async def one(number):
            own = await self.parts.get(ids=[number], include=["embeddings"])
            if not own["ids"]:
                raise KeyError(number)
            near = await self.parts.query(
                query_embeddings=own["embeddings"], n_results=k + 1, where={"stock": {"$gt": 0}}, include=[]
            )
            return [i for i in near["ids"][0] if i != number][:k]

        return dict(zip(numbers, await asyncio.gather(*map(one, numbers))))

    async def reserve(self, number):
        async with self.lock:  # read-modify-write: Chroma has no atomic increment
            row = (await self.parts.get(ids=[number]))["metadatas"][0]
            if row["stock"] == 0:
                return False
            await self.parts.update(ids=[number], metadatas=[{"stock": row["stock"] - 1}])
            return True


@pytest.fixture(scope="module")
def server_port(tmp_path_factory, request):
    # sockets that an HTTP client leaves open must not fail a suite which turns warnings into errors
    request.config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chroma = shutil.which("chroma", path=sysconfig.get_path("scripts"))
    argv = [chroma, "run", "--host", "127.0.0.1", "--port", str(port), "--path", str(tmp_path_factory.mktemp("db"))]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline and server.poll() is None, "the server does not answer"
            time.sleep(0.1)
        yield port
        gc.collect()  # as long as the filter applies
        server.terminate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server_port):
    # An async client belongs to the event loop it was made in, so tests and fixtures share the module's loop.
    return await chromadb.AsyncHttpClient(host="127.0.0.1", port=server_port)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(client):
    desk = await PartsDesk.open(client)
    numbers, texts, vectors, rows = map(list, zip(*CATALOGUE))
    await desk.parts.add(ids=numbers, documents=texts, embeddings=vectors, metadatas=rows)
    yield desk
    await client.delete_collection("parts")


async def test_alternatives_are_in_stock(desk):
    found = await desk.alternatives("FD-200", "BR-310")
    assert found == {"FD-200": ["FD-100"], "BR-310": ["BR-311"]}


async def test_one_unknown_number_fails_the_whole_request(desk):
    with pytest.raises(KeyError, match="XX-1"):
        await desk.alternatives("FD-100", "XX-1")


async def test_concurrent_reservations_do_not_oversell(desk):
    outcomes = await asyncio.gather(*(desk.reserve("BR-310") for _ in range(5)))
    assert outcomes.count(True) == 3
    left = await desk.parts.get(ids=["BR-310"])
    assert left["metadatas"] == [{"series": 5, "stock": 0}]


async def test_every_collection_method_is_awaitable(desk):
    assert await desk.parts.count() == 5
    assert len((await desk.parts.peek(limit=2))["ids"]) == 2
    await desk.parts.upsert(ids=["HY-901"], documents=["Hydraulic hose 3 m"], embeddings=[[0.1, 0.1, 1.1]])
    hoses = await desk.parts.get(where_document={"$contains": "hose"}, limit=10, offset=0, include=["documents"])
    assert sorted(hoses["ids"]) == ["HY-900", "HY-901"]
    assert (await desk.parts.delete(where_document={"$contains": "3 m"}))["deleted"] == 1
    await desk.parts.modify(metadata={"dealer": "Hofer"})
    assert desk.parts.metadata == {"dealer": "Hofer"}


async def test_client_methods(client, desk):
    assert await client.count_collections() == 1
    assert [c.name for c in await client.list_collections(limit=5, offset=0)] == ["parts"]
    assert (await client.get_collection("parts", embedding_function=None)).id == desk.parts.id
    assert await client.heartbeat() > 0 and await client.get_max_batch_size() > 0
    assert (await client.get_version()).count(".") == 2
    assert client.get_settings().chroma_server_host == "127.0.0.1"  # the one method that is not awaited


async def test_errors_are_raised_at_the_await(client, desk):
    with pytest.raises(NotFoundError):
        await client.get_collection("tractors", embedding_function=None)
    with pytest.raises(ChromaError, match="dimension"):
        await desk.parts.query(query_embeddings=[[1.0]], n_results=1)


async def test_forgetting_await_gives_a_coroutine_not_a_number(desk):
    forgotten = desk.parts.count()
    assert asyncio.iscoroutine(forgotten)
    assert await forgotten == 5


if __name__ == "__main__":
    # run as a script, the asyncio plugin is imported before pytest can rewrite its asserts
    raise SystemExit(pytest.main([__file__, "-q", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]))
