"""Ingest a news wire into a Chroma server concurrently with asyncio, then serve editors' questions from the same event loop."""
import asyncio
import itertools
import random
import shutil
import sys
import tempfile
from pathlib import Path

import httpx

import chromadb
from chromadb.api.models.AsyncCollection import AsyncCollection

DESKS = ["politics", "science", "sport", "culture"]
VOCABULARY = {
    "politics": ["minister", "vote", "budget", "coalition", "treaty"],
    "science": ["telescope", "vaccine", "fossil", "reactor", "genome"],
    "sport": ["final", "penalty", "sprint", "medal", "coach"],
    "culture": ["opera", "novel", "gallery", "festival", "premiere"],
}
INDEX = {word: i for i, word in enumerate(itertools.chain.from_iterable(VOCABULARY.values()))}


def vectorise(text: str) -> list[float]:
    vector = [0.0] * len(INDEX)
    for token in text.lower().split():
        if token in INDEX:
            vector[INDEX[token]] += 1.0
    return vector


def wire(seed: int, size: int) -> list[dict]:
    """Simulated dispatches: an id, a line of text, the desk, and an urgency from 1 (flash) to 5."""
    rng = random.Random(seed)
    items = []
    for n in range(size):
        desk = DESKS[n % len(DESKS)]
        words = rng.sample(VOCABULARY[desk], 3)
        items.append({"id": f"wire-{n:04d}", "text": " ".join(words), "desk": desk, "urgency": rng.randint(1, 5)})
    return items


async def launch(data_dir: str, port: int) -> asyncio.subprocess.Process:
    chroma = Path(sys.executable).with_name("chroma")
    return await asyncio.create_subprocess_exec(
        str(chroma), "run", "--path", data_dir, "--host", "127.0.0.1", "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )


async def connect(port: int):
    for _ in range(400):
        try:
            return await chromadb.AsyncHttpClient(host="127.0.0.1", port=port)
        except httpx.ConnectError:  # not listening yet
            await asyncio.sleep(0.25)
    raise TimeoutError("no Chroma server")


async def store(collection: AsyncCollection, batch: list[dict], gate: asyncio.Semaphore) -> int:
    async with gate:
        await collection.upsert(
            ids=[item["id"] for item in batch],
            embeddings=[vectorise(item["text"]) for item in batch],
            documents=[item["text"] for item in batch],
            metadatas=[{"desk": item["desk"], "urgency": item["urgency"]} for item in batch],
        )
    return len(batch)


async def ask(collection: AsyncCollection, question: str, desk: str) -> list[str]:
    result = await collection.query(
        query_embeddings=[vectorise(question)],
        n_results=4,
        where={"desk": desk},
        include=["documents", "distances"],
    )
    return result["documents"][0]


async def newsroom(port: int) -> None:
    client = await connect(port)
    assert await client.heartbeat() > 0
    dispatches = await client.create_collection(
        name="wire",
        metadata={"agency": "Example Press"},
        configuration={"hnsw": {"space": "cosine", "max_neighbors": 24}},
        embedding_function=None,
        get_or_create=True,
    )

    items = wire(seed=7, size=120)
    gate = asyncio.Semaphore(4)  # the server is not flooded, however long the wire gets
    batches = [items[i : i + 25] for i in range(0, len(items), 25)]
    stored = await asyncio.gather(*(store(dispatches, batch, gate) for batch in batches))
    assert sum(stored) == await dispatches.count() == 120

    vaccine, opera = await asyncio.gather(
        ask(dispatches, "new vaccine genome", "science"),
        ask(dispatches, "opera premiere tonight", "culture"),
    )
    assert all("vaccine" in text or "genome" in text for text in vaccine)
    assert any("opera" in text for text in opera)
    print("science:", vaccine[0], "| culture:", opera[0])

    # Flash news first: everything with urgency 1 or 2, ten to a page.
    flashes, page = [], 0
    while True:
        part = await dispatches.get(
            where={"urgency": {"$in": [1, 2]}}, limit=10, offset=page * 10, include=["metadatas"]
        )
        if not part["ids"]:
            break
        flashes += part["ids"]
        page += 1
    expected = [i["id"] for i in items if i["urgency"] <= 2]
    assert sorted(flashes) == sorted(expected)

    # A correction to one dispatch, a look at a few, and the spiking of stale ones.
    await dispatches.update(ids=["wire-0002"], metadatas=[{"urgency": 1, "corrected": True}])
    corrected = await dispatches.get(ids=["wire-0002"])
    assert corrected["metadatas"][0] == {"desk": "sport", "urgency": 1, "corrected": True}
    sample = await dispatches.peek(limit=3)
    assert len(sample["ids"]) == 3

    spiked = await dispatches.delete(where={"urgency": 5}, where_document={"$not_contains": "final"})
    left = await dispatches.count()
    assert left == 120 - spiked["deleted"] < 120
    print(f"{len(flashes)} flashes, {spiked['deleted']} spiked, {left} left")


async def main() -> None:
    folder = tempfile.mkdtemp(prefix="wire-")
    listener = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    server = await launch(folder, port)
    try:
        await newsroom(port)
    finally:
        server.terminate()
        await server.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
