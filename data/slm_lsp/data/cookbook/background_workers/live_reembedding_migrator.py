"""Re-embed a live collection with a new model behind the readers' backs: async workers, shadow collection, atomic swap.

A poem archive moves from 32 to 64 dimensions.  Readers keep asking for "poems" through AsyncHttpClient the whole time;
writes that arrive during the copy go to both collections; at the end two renames put the new one in place.
"""
import asyncio
import contextlib
import functools
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator

import chromadb
import numpy as np
from chromadb.api import AsyncClientAPI
from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.errors import ChromaError, NotFoundError

LINES = ["the fog comes on little cat feet", "two roads diverged in a yellow wood", "hope is the thing with feathers",
         "do not go gentle into that good night", "shall I compare thee to a summer's day", "the woods are lovely dark and deep",
         "i wandered lonely as a cloud", "because I could not stop for death"]


@functools.cache
def direction(word: str, dim: int) -> np.ndarray:
    return np.random.default_rng([dim, *word.encode()]).standard_normal(dim)


def model(text: str, dim: int) -> np.ndarray:
    """Two 'models': the same idea with another width and another seed, so their vectors do not mix."""
    return np.sum([direction(w, dim) for w in text.lower().split()], axis=0)


class Library:
    """What the application uses.  It re-resolves the collection when its handle has gone stale."""

    def __init__(self, client: AsyncClientAPI) -> None:
        self.client = client
        self.handle: AsyncCollection | None = None
        self.shadow: AsyncCollection | None = None
        self.write_gate = asyncio.Lock()       # writers hold it briefly, the migration at its two turning points
        self.reads = self.refreshes = 0

    async def poems(self) -> AsyncCollection:
        if self.handle is None:
            self.handle = await self.client.get_collection("poems")
        return self.handle

    async def search(self, text: str) -> str:
        for _ in range(5):
            try:
                poems = await self.poems()
                hit = await poems.query(query_embeddings=[model(text, poems.metadata["dim"])], n_results=1)
                self.reads += 1
                return hit["documents"][0][0]
            except ChromaError:
                # A handle names a collection by its id: after the swap that id is retired (NotFoundError, or, in the
                # very moment of deletion, an error about missing segments).  Look the name up again.
                self.handle = None
                self.refreshes += 1
                await asyncio.sleep(0.01)
        raise RuntimeError("no collection to read from")

    async def write(self, pid: str, text: str) -> None:
        async with self.write_gate:
            targets = [await self.poems()] + ([self.shadow] if self.shadow else [])
            await asyncio.gather(*(
                t.upsert(ids=[pid], documents=[text], embeddings=[model(text, t.metadata["dim"])]) for t in targets
            ))


class Migration:
    def __init__(self, library: Library, dim: int, workers: int = 3, page: int = 20, grace: float = 1.5) -> None:
        self.library, self.dim, self.workers, self.page, self.grace = library, dim, workers, page, grace
        self.copied = 0

    async def run(self) -> None:
        client, old = self.library.client, await self.library.poems()
        # A leftover of an aborted attempt would mix with this one.
        with contextlib.suppress(NotFoundError):
            await client.delete_collection("poems_next")
        new = await client.create_collection(
            "poems_next", configuration={"hnsw": {"space": "cosine"}}, metadata={"dim": self.dim}
        )
        async with self.library.write_gate:    # no write is under way that would reach the old one only
            self.library.shadow = new          # from here on, writes go to both
        pages: asyncio.Queue[int] = asyncio.Queue()
        for offset in range(0, await old.count(), self.page):
            pages.put_nowait(offset)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self.copy_pages(pages, old, new))
        async with self.library.write_gate:
            await self.verify(old, new)
            # The gap between the two renames is what Library.search retries over.
            await old.modify(name="poems_retired")
            await new.modify(name="poems")
            self.library.shadow = self.library.handle = None
        # Queries under way still use the old one.  Deletion is not atomic for them: without a grace period they
        # might be answered with ids that have lost their documents.
        await asyncio.sleep(self.grace)
        await client.delete_collection("poems_retired")

    async def copy_pages(self, pages: asyncio.Queue[int], old: AsyncCollection, new: AsyncCollection) -> None:
        while not pages.empty():
            offset = pages.get_nowait()
            rows = await old.get(limit=self.page, offset=offset, include=["documents", "metadatas"])
            # add(), not upsert(): ids that a live write has put there already are newer, and add() leaves them alone.
            await new.add(ids=rows["ids"], documents=rows["documents"], embeddings=[model(d, self.dim) for d in rows["documents"]])
            self.copied += len(rows["ids"])

    async def verify(self, old: AsyncCollection, new: AsyncCollection) -> None:
        a, b = await asyncio.gather(old.get(include=["documents"]), new.get(include=["documents"]))
        differing = dict(zip(a["ids"], a["documents"])).items() ^ dict(zip(b["ids"], b["documents"])).items()
        if differing:
            raise RuntimeError(f"{len(differing)} differences, not swapping: {sorted(differing)[:3]}")


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[int]:
    folder = tempfile.mkdtemp()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        os.path.join(os.path.dirname(sys.executable), "chroma"), "run",
        "--path", folder, "--host", "127.0.0.1", "--port", f"{port}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.terminate()
        await server.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def connect(port: int, patience: float = 60.0) -> AsyncClientAPI:
    """Wait for the port first: each AsyncHttpClient() loads the TLS certificates anew, too dear for polling."""
    async with asyncio.timeout(patience):
        while True:
            with contextlib.suppress(OSError):
                _, probe = await asyncio.open_connection("127.0.0.1", port)
                probe.close()
                return await chromadb.AsyncHttpClient(host="127.0.0.1", port=port)
            await asyncio.sleep(0.05)


async def main() -> None:
    async with database() as port:
        client = await connect(port)
        old = await client.create_collection("poems", configuration={"hnsw": {"space": "cosine"}}, metadata={"dim": 32})
        texts = [f"{LINES[n % 8]} {n}" for n in range(96)]
        await old.add(ids=[f"p{n}" for n in range(96)], documents=texts, embeddings=np.stack([model(t, 32) for t in texts]))

        library = Library(client)
        done = asyncio.Event()
        answers: list[str] = []

        async def reader() -> None:
            while not done.is_set():
                answers.append(await library.search("a lonely cloud wandered"))
                await asyncio.sleep(0.005)

        async def writer() -> None:
            for n in range(5):
                await library.write(f"p{n * 15}", f"revised line {n}")
                await asyncio.sleep(0.01)

        reading = asyncio.create_task(reader())
        migration = Migration(library, dim=64)
        try:
            await asyncio.gather(migration.run(), writer())
            after = await library.search("hope with feathers")
        finally:
            done.set()
            await reading

        assert all("cloud" in a for a in answers), "no reader saw a wrong or missing answer"
        assert "feathers" in after
        fresh = await client.get_collection("poems")
        assert fresh.metadata == {"dim": 64} and fresh.id != old.id
        assert [c.name for c in await client.list_collections()] == ["poems"]
        vector = (await fresh.get(ids=["p3"], include=["embeddings"]))["embeddings"][0]
        assert len(vector) == 64
        revised = await fresh.get(where_document={"$contains": "revised"}, include=[])
        assert len(revised["ids"]) == 5, "writes made during the copy have survived"
        print(f"{migration.copied} copied, {library.reads} reads meanwhile, {library.refreshes} refreshed handle(s)")


if __name__ == "__main__":
    asyncio.run(main())
