"""Feed wire stories into Chroma with a pool of asyncio workers, one AsyncHttpClient each, from one queue.

The queue is bounded, so a slow server slows the readers down instead of filling memory (back-pressure).
"""
import asyncio
import contextlib
import hashlib
import socket
import subprocess
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from sys import executable

import chromadb
from chromadb import ReadLevel
from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.config import Settings
from chromadb.errors import NotFoundError

WORKERS = 3
BATCH = 16
DIMENSIONS = 48


def trigram_vector(text: str) -> list[float]:
    """Character trigrams hashed into a fixed number of buckets, signed so that collisions cancel out."""
    vector = [0.0] * DIMENSIONS
    padded = f"  {text.lower()} "
    for start in range(len(padded) - 2):
        checksum = zlib.crc32(padded[start : start + 3].encode())
        vector[checksum % DIMENSIONS] += 1.0 if checksum & 0x8000 else -1.0
    return vector


@dataclass
class Story:
    desk: str
    headline: str
    key: str = field(init=False)

    def __post_init__(self) -> None:
        # A wire repeats itself; the id is the content, so that repeats collapse.
        self.key = hashlib.sha1(f"{self.desk}:{self.headline}".encode()).hexdigest()[:16]


async def wire(queue: "asyncio.Queue[Story | None]") -> int:
    subjects = ["Harbour strike", "Election night", "Championship final", "Budget vote", "Flood warning"]
    verbs = ["enters second day", "goes to a recount", "decided late", "postponed", "lifted", "worries experts"]
    sent = 0
    for round_ in range(4):
        for subject in subjects:
            for verb in verbs:
                # Every other round repeats the previous one word for word.
                await queue.put(Story(desk=subject.split()[0].lower(), headline=f"{subject} {verb} ({round_ // 2})"))
                sent += 1
    for _ in range(WORKERS):
        await queue.put(None)
    return sent


async def worker(number: int, port: int, queue: "asyncio.Queue[Story | None]") -> int:
    client = await chromadb.AsyncHttpClient(
        host="127.0.0.1",
        port=port,
        ssl=False,
        headers={"X-Worker": str(number)},
        settings=Settings(chroma_http_max_connections=2),
        tenant="default_tenant",
        database="default_database",
    )
    stories = await client.get_collection("stories", embedding_function=None)
    written, batch = 0, {}
    while True:
        story = await queue.get()
        if story is not None:
            batch[story.key] = story  # one id must not occur twice within a call
        if batch and (story is None or len(batch) >= BATCH):
            await store(stories, batch)
            written += len(batch)
            batch = {}
        if story is None:
            return written


async def store(stories: AsyncCollection, batch: dict[str, Story]) -> None:
    await stories.upsert(
        ids=list(batch),
        embeddings=[trigram_vector(story.headline) for story in batch.values()],
        documents=[story.headline for story in batch.values()],
        metadatas=[{"desk": story.desk, "length": len(story.headline)} for story in batch.values()],
    )


async def newsroom(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(Exception):
            editor = await chromadb.AsyncHttpClient(host="127.0.0.1", port=port)
            break
        await asyncio.sleep(0.1)
    else:
        raise TimeoutError("no server")

    stories = await editor.create_collection(
        name="stories",
        configuration={"hnsw": {"space": "cosine"}},
        metadata={"language": "en"},
        embedding_function=None,
        get_or_create=True,
    )
    assert stories.configuration_json["hnsw"]["space"] == "cosine"
    queue: asyncio.Queue[Story | None] = asyncio.Queue(maxsize=2 * BATCH)
    sent, *written = await asyncio.gather(wire(queue), *(worker(n, port, queue) for n in range(WORKERS)))
    kept = await stories.count(read_level=ReadLevel.INDEX_AND_WAL)  # every committed write
    print(f"{sent} stories on the wire, {written} written by the workers, {kept} kept")
    assert sent == 120 and kept == 60
    assert kept <= sum(written) <= sent

    hits = await stories.query(
        query_embeddings=[trigram_vector("harbour strike is in its second day")],
        n_results=2,
        where={"desk": {"$ne": "election"}},
        where_document={"$contains": "(1)"},
        include=["documents", "distances"],
    )
    assert hits["documents"][0][0] == "Harbour strike enters second day (1)"
    print(f"  {hits['distances'][0][0]:.2f} {hits['documents'][0][0]}")

    # Handles can be fetched by id as well as by name; a renamed collection keeps its id.
    again = await editor.get_collection_by_id(id=stories.id, embedding_function=None)
    await again.modify(metadata={"language": "en", "closed": True})
    with contextlib.suppress(NotFoundError):
        await editor.get_collection(name="corrections", embedding_function=None)
        raise AssertionError("there is no such collection")
    assert (await editor.get_collection("stories", embedding_function=None)).metadata["closed"] is True


def main() -> None:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        arguments = ["run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(
            [Path(executable).with_name("chroma"), *arguments], stdout=subprocess.DEVNULL
        )
        stack.callback(server.wait)  # callbacks run in reverse: terminate first, then wait
        stack.callback(server.terminate)
        asyncio.run(newsroom(port))


if __name__ == "__main__":
    main()
