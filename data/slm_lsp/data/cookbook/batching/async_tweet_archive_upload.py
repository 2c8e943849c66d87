"""Upload an archive of short posts to a Chroma server with asyncio, a few batches in flight at a time.

A local server is started for the occasion.  ``AsyncHttpClient`` sends batches at once, a semaphore
keeps them to a handful, and a progress line is printed as batches are done, in whatever order.
"""

import asyncio
import contextlib
import math
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import chromadb
import httpx
from chromadb.api.types import ReadLevel

POSTS = 240
IN_FLIGHT = 4
EMOJI = {"rain": [1.0, 0.0, 0.0], "sun": [0.0, 1.0, 0.0], "train": [0.0, 0.0, 1.0]}


@contextlib.asynccontextmanager
async def chroma_server():
    """`chroma run` on a free port, stopped again whatever happens."""
    folder = tempfile.mkdtemp(prefix="posts-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = Path(sys.executable).with_name("chroma")
    process = await asyncio.create_subprocess_exec(
        str(command), "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient() as http:
            for _ in range(1200):  # a minute: busy machines are slow to start
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(f"http://127.0.0.1:{port}/api/v2/heartbeat")).is_success:
                        break
                await asyncio.sleep(0.05)
            else:
                raise TimeoutError("the server did not come up")
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def archive():
    """(id, text, hour) as exported; some posts are there twice."""
    words = list(EMOJI)
    for n in range(POSTS):
        yield f"post-{n:04d}", f"{words[n % 3]} again, hour {n % 24} #{words[n * 5 % 3]}", n % 24
        if n % 100 == 99:
            yield f"post-{n:04d}", f"{words[n % 3]} again (edited)", n % 24


def vector(text):
    found = [EMOJI[word] for word in re.findall(r"[a-z]+", text) if word in EMOJI]
    total = [sum(parts) for parts in zip(*found)]
    length = math.sqrt(sum(x * x for x in total)) or 1.0
    return [x / length for x in total]


async def batches(rows, size):
    """Ids are unique within a batch: a repeated post ends the batch and starts the next one."""
    batch = {}
    for row in rows:
        if row[0] in batch or len(batch) == size:
            yield list(batch.values())
            batch = {}
        batch[row[0]] = row
        await asyncio.sleep(0)  # let the uploads breathe while a long archive is read
    if batch:
        yield list(batch.values())


async def upload(collection, rows, size):
    gate = asyncio.Semaphore(IN_FLIGHT)
    flying = peak = done = 0

    async def send(batch):
        nonlocal flying, peak, done
        async with gate:
            flying += 1
            peak = max(peak, flying)
            try:
                await collection.upsert(
                    ids=[row[0] for row in batch],
                    documents=[row[1] for row in batch],
                    embeddings=[vector(row[1]) for row in batch],
                    metadatas=[{"hour": row[2], "length": len(row[1])} for row in batch],
                )
            finally:
                flying -= 1
        done += len(batch)

    # A task group cancels the rest if one batch fails for good, instead of losing the error.
    async with asyncio.TaskGroup() as group:
        async for batch in batches(rows, size):
            group.create_task(send(batch))
    return done, peak


async def main():
    async with chroma_server() as port:
        client = await chromadb.AsyncHttpClient(host="127.0.0.1", port=port)
        size = min(30, await client.get_max_batch_size())
        posts = await client.get_or_create_collection(
            "post_archive", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        sent, peak = await upload(posts, archive(), size)
        assert sent == POSTS + 2 and 1 <= peak <= IN_FLIGHT

        # INDEX_AND_WAL counts what was written but not yet indexed, too.
        assert await posts.count(read_level=ReadLevel.INDEX_AND_WAL) == POSTS
        assert await posts.count() == POSTS

        # Reads may be sent together just as well.
        night, rainy, first = await asyncio.gather(
            posts.get(where={"hour": {"$lt": 5}}, include=["metadatas"]),
            posts.query(query_embeddings=[EMOJI["rain"]], n_results=3, where_document={"$contains": "#rain"}),
            posts.peek(limit=3),
        )
        assert len(night["ids"]) == POSTS // 24 * 5
        assert all(text.startswith("rain") for text in rainy["documents"][0])
        assert len(first["ids"]) == 3

        # Both versions of an edited post went up at about the same time; which one stayed is chance.
        # Where that matters, send repeated ids one after the other.
        edited = await posts.get(ids=["post-0099"])
        assert len(edited["ids"]) == 1 and "rain again" in edited["documents"][0]

        removed = await posts.delete(where={"hour": 3})
        assert removed["deleted"] == POSTS // 24 and await posts.count() == POSTS - POSTS // 24
        print(f"{sent} posts in batches of up to {size}, {peak} at a time; rainy: {rainy['documents'][0][0]}")


if __name__ == "__main__":
    asyncio.run(main())
