"""Ingest and query weather-station readings concurrently through chromadb.AsyncHttpClient.

Every call of the async client and of its collections is a coroutine, so dozens of stations can
report at the same time without a thread each.
"""

import asyncio
import math
import random
import shutil
import socket
import sys
import tempfile
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from os.path import dirname, join

import chromadb
from chromadb.config import Settings

STATIONS = {"alpine-01": -4.0, "coast-07": 14.0, "desert-03": 31.0, "valley-12": 11.0}
MAX_IN_FLIGHT = 8


@asynccontextmanager
async def local_chroma():
    home = tempfile.mkdtemp(prefix="weather-")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        join(dirname(sys.executable), "chroma"), "run",
        "--path", home, "--host", "127.0.0.1", "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        client = None
        for _ in range(1200):
            try:
                client = await chromadb.AsyncHttpClient(
                    host="127.0.0.1",
                    port=port,
                    ssl=False,
                    headers={"X-Feed": "north"},
                    settings=Settings(chroma_http_max_connections=MAX_IN_FLIGHT),
                    tenant="default_tenant",
                    database="default_database",
                )
                break
            except Exception:  # the port is closed until the server has started
                await asyncio.sleep(0.05)
        if client is None:
            raise TimeoutError("the Chroma server did not start")
        yield client
    finally:
        server.terminate()
        await server.wait()
        shutil.rmtree(home, ignore_errors=True)


def reading(rng, mean, moment):
    """One reading as a vector: temperature, humidity, pressure, wind (roughly unit scale)."""
    swing = 6 * math.sin(moment.hour / 24 * 2 * math.pi)
    celsius = mean + swing + rng.gauss(0, 1)
    return [celsius / 40, rng.uniform(0.2, 0.9), rng.gauss(1.0, 0.01), rng.uniform(0, 1)]


async def report(collection, station, mean, start, gate):
    rng = random.Random(station)

    async def send(hour):
        moment = start + timedelta(hours=hour)
        async with gate:
            await collection.add(
                ids=[f"{station}/{moment:%Y-%m-%dT%H}"],
                embeddings=[reading(rng, mean, moment)],
                metadatas=[{"station": station, "hour": moment.hour, "epoch": int(moment.timestamp())}],
            )

    await asyncio.gather(*(send(hour) for hour in range(12)))


async def main():
    async with local_chroma() as client:
        nanoseconds, version = await asyncio.gather(client.heartbeat(), client.get_version())
        print(f"connected to {version}, heartbeat {nanoseconds}")
        assert (await client.get_user_identity()).tenant == "default_tenant"
        assert client.get_settings().chroma_server_host == "127.0.0.1"  # the one call that is not async

        readings = await client.get_or_create_collection(
            name="readings", metadata={"network": "north"}, embedding_function=None
        )
        start = datetime(2024, 3, 20, tzinfo=timezone.utc)
        gate = asyncio.Semaphore(MAX_IN_FLIGHT)
        await asyncio.gather(
            *(report(readings, station, mean, start, gate) for station, mean in STATIONS.items())
        )
        assert await readings.count() == 12 * len(STATIONS)
        assert len((await readings.peek(limit=5))["ids"]) == 5

        # Two questions at once: they overlap on the wire.
        noon = int((start + timedelta(hours=6)).timestamp())
        hot, morning = await asyncio.gather(
            readings.query(query_embeddings=[[0.85, 0.5, 1.0, 0.5]], n_results=3, include=["metadatas"]),
            readings.get(
                where={"$and": [{"station": "coast-07"}, {"epoch": {"$lt": noon}}]}, include=["metadatas"]
            ),
        )
        assert {meta["station"] for meta in hot["metadatas"][0]} == {"desert-03"}
        assert len(morning["ids"]) == 6
        print("hottest hours:", hot["ids"][0])

        # A sensor was broken: correct one reading, drop the station's early ones.
        await readings.update(ids=["coast-07/2024-03-20T11"], metadatas=[{"quality": "estimated"}])
        await readings.upsert(
            ids=["coast-07/2024-03-20T12"],
            embeddings=[[0.4, 0.6, 1.0, 0.3]],
            metadatas=[{"station": "coast-07", "hour": 12, "epoch": noon + 6 * 3600}],
        )
        removed = await readings.delete(where={"$and": [{"station": "alpine-01"}, {"hour": {"$lte": 3}}]})
        assert removed["deleted"] == 4
        assert await readings.count() == 12 * len(STATIONS) + 1 - 4

        await readings.modify(name="readings_2024_03")
        names = [collection.name for collection in await client.list_collections()]
        assert names == ["readings_2024_03"] and await client.count_collections() == 1
        await client.delete_collection("readings_2024_03")
        print("readings kept until the month's end, then deleted:", await client.count_collections(), "left")


if __name__ == "__main__":
    asyncio.run(main())
