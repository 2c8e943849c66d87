"""Provision a restaurant franchise asynchronously: tenants and databases in parallel, one client per branch.

Everything here is a coroutine, including tenant administration through AsyncAdminClient. A branch's client is
kept in a small cache, as building one costs three requests (identity, tenant, database).
"""
import asyncio
import os
import sys
import sysconfig
import tempfile
from contextlib import AsyncExitStack
from typing import Dict, List, Tuple

import chromadb
from chromadb.api import AsyncClientAPI
from chromadb.api.async_client import AsyncAdminClient
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError

BRANCHES = {"lisbon": 3, "osaka": 2, "quito": 4}  # menus by branch, and how many dishes are new
FLAVOURS = ["salty", "sweet", "sour", "bitter", "umami", "hot"]


class Franchise:
    def __init__(self, port: int):
        self.port = port
        self.admin = AsyncAdminClient(
            Settings(
                chroma_api_impl="chromadb.api.async_fastapi.AsyncFastAPI",
                chroma_server_host="127.0.0.1",
                chroma_server_http_port=port,
            )
        )
        self._clients: Dict[Tuple[str, str], AsyncClientAPI] = {}
        self._lock = asyncio.Lock()

    async def client(self, branch: str, database: str = "menu") -> AsyncClientAPI:
        async with self._lock:  # two tasks must not build the same client twice
            key = (branch, database)
            if key not in self._clients:
                self._clients[key] = await chromadb.AsyncHttpClient(
                    host="127.0.0.1",
                    port=self.port,
                    ssl=False,
                    headers={"X-Branch": branch},
                    settings=Settings(chroma_http_keepalive_secs=5),
                    tenant=branch,
                    database=database,
                )
            return self._clients[key]

    async def open_branch(self, branch: str) -> None:
        try:
            await self.admin.create_tenant(name=branch)
        except ChromaError as error:
            if "already exists" not in str(error):
                raise
        await asyncio.gather(*(self._ensure_database(branch, name) for name in ("menu", "suppliers")))

    async def _ensure_database(self, branch: str, name: str) -> None:
        try:
            await self.admin.get_database(name=name, tenant=branch)
        except NotFoundError:
            await self.admin.create_database(name=name, tenant=branch)

    async def stock_menu(self, branch: str, new_dishes: int) -> int:
        client = await self.client(branch)
        dishes = await client.get_or_create_collection(
            "dishes", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        names = [f"{branch} special {n}" for n in range(new_dishes)]
        await dishes.upsert(
            ids=[name.replace(" ", "-") for name in names],
            documents=names,
            embeddings=[[1.0 + (n * k) % 3 for k in range(len(FLAVOURS))] for n in range(new_dishes)],
        )
        return await dishes.count()


async def start_server(stack: AsyncExitStack) -> int:
    home = stack.enter_context(tempfile.TemporaryDirectory())
    # A throw-away listener tells us a port that is free right now.
    listener = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    process = await asyncio.create_subprocess_exec(
        os.path.join(sysconfig.get_path("scripts"), "chroma"),
        *("run", "--path", home, "--host", "127.0.0.1", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
    )

    async def stop() -> None:
        process.terminate()
        await process.wait()

    stack.push_async_callback(stop)
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return port


async def main() -> None:
    async with AsyncExitStack() as stack:
        franchise = Franchise(await start_server(stack))

        # All branches at once; running it again must be harmless.
        await asyncio.gather(*map(franchise.open_branch, BRANCHES))
        await franchise.open_branch("osaka")
        for branch in BRANCHES:
            listing = await franchise.admin.list_databases(limit=10, offset=0, tenant=branch)
            assert sorted(database["name"] for database in listing) == ["menu", "suppliers"]

        counts: List[int] = await asyncio.gather(
            *(franchise.stock_menu(branch, dishes) for branch, dishes in BRANCHES.items())
        )
        assert dict(zip(BRANCHES, counts)) == BRANCHES
        print("dishes per branch:", dict(zip(BRANCHES, counts)))

        # Each branch answers from its own menu, although the collections share a name.
        async def favourite(branch: str) -> str:
            dishes = await (await franchise.client(branch)).get_collection("dishes", embedding_function=None)
            hits = await dishes.query(query_embeddings=[[1, 2, 3, 1, 2, 3]], n_results=1, include=["documents"])
            return hits["documents"][0][0]

        favourites = await asyncio.gather(*map(favourite, BRANCHES))
        assert [name.split()[0] for name in favourites] == list(BRANCHES)
        print("favourites:", favourites)
        assert len(franchise._clients) == len(BRANCHES), "cached, not rebuilt"

        # One client can also travel.
        auditor = await chromadb.AsyncHttpClient(
            host="127.0.0.1", port=franchise.port, tenant="lisbon", database="menu"
        )
        await auditor.set_database(database="suppliers")
        assert await auditor.count_collections() == 0
        await auditor.set_tenant(tenant="quito", database="menu")
        assert (auditor.tenant, await auditor.count_collections()) == ("quito", 1)
        try:
            await auditor.set_tenant("paris")
        except NotFoundError as error:
            print("not open yet:", error)
        else:
            raise AssertionError("there is no branch in Paris")

        # Closing a branch: its databases go, the tenant's name stays taken.
        await franchise.admin.delete_database(name="menu", tenant="osaka")
        await franchise.admin.delete_database(name="suppliers", tenant="osaka")
        assert list(await franchise.admin.list_databases(tenant="osaka")) == []
        assert (await franchise.admin.get_tenant(name="osaka"))["name"] == "osaka"


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        raise SystemExit("asyncio.timeout needs Python 3.11")
    asyncio.run(main())
