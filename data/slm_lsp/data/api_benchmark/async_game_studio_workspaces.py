"""Manage workspaces of a game studio on one Chroma server with the async client: a database per project, a reset at the end."""
import asyncio
import contextlib
import os
import pathlib
import socket
import sys
import tempfile
import textwrap

import chromadb
import httpx
from chromadb.api.async_client import AsyncAdminClient
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError

MOODS = ["calm", "eerie", "battle", "triumph"]

SOUNDS = [
    ("forest_birds.ogg", "calm", 62), ("cave_drip.ogg", "eerie", 48),
    ("sword_clash.ogg", "battle", 5), ("fanfare.ogg", "triumph", 12),
    ("war_drums.ogg", "battle", 95), ("lullaby.ogg", "calm", 130),
]


def mood_vector(**levels: float) -> list[float]:
    return [levels.get(mood, 0.0) for mood in MOODS]


@contextlib.asynccontextmanager
async def studio_server(root: pathlib.Path):
    """The options of the server are in a file: resetting must be allowed there, not in the client."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    config = root / "server.yaml"
    config.write_text(
        textwrap.dedent(
            f"""\
            port: {port}
            listen_address: "127.0.0.1"
            persist_path: "{root / 'data'}"
            allow_reset: true
            """
        )
    )
    binary = os.path.join(os.path.dirname(sys.executable), "chroma")
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(binary, "run", str(config), stdout=null, stderr=null)
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def first_client(port: int, patience: float = 150.0):
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await chromadb.AsyncHttpClient(
                host="127.0.0.1",
                port=port,
                ssl=False,
                headers={"X-Studio": "lantern"},
                settings=Settings(anonymized_telemetry=False),
            )
        except httpx.TransportError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.3)


async def create_workspace(admin: AsyncAdminClient, studio: str, projects: list[str]) -> None:
    await admin.create_tenant(name=studio)
    for project in projects:
        await admin.create_database(name=project, tenant=studio)
    listed = await admin.list_databases(limit=10, offset=0, tenant=studio)
    assert sorted(d["name"] for d in listed) == sorted(projects)


async def fill(client) -> None:
    library = await client.get_or_create_collection(
        name="sounds",
        configuration={"hnsw": {"space": "ip"}},
        metadata={"lead": "Ines"},
        embedding_function=None,
    )
    await library.add(
        ids=[name for name, *_ in SOUNDS],
        embeddings=[mood_vector(**{mood: 1.0}) for _, mood, _ in SOUNDS],
        metadatas=[{"mood": mood, "seconds": seconds} for _, mood, seconds in SOUNDS],
        uris=[f"s3://lantern/{name}" for name, *_ in SOUNDS],
    )


async def score_scene(client) -> list[str]:
    library = await client.get_collection(name="sounds", embedding_function=None)
    picked = await library.query(
        query_embeddings=[mood_vector(battle=0.9, eerie=0.3)],
        ids=[name for name, _, seconds in SOUNDS if seconds > 10],
        n_results=2,
        where={"mood": {"$ne": "triumph"}},
        include=["uris", "metadatas"],
    )
    return picked["uris"][0]


async def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        async with studio_server(pathlib.Path(tmp)) as port:
            client = await first_client(port)
            admin = AsyncAdminClient(client.get_settings())
            await create_workspace(admin, "lantern-games", ["ember-quest", "tidefall"])
            assert (await admin.get_tenant(name="lantern-games"))["name"] == "lantern-games"

            await client.set_tenant("lantern-games", database="ember-quest")
            await fill(client)
            assert await client.count_collections() == 1
            assert await score_scene(client) == ["s3://lantern/war_drums.ogg", "s3://lantern/cave_drip.ogg"]

            # The second project starts empty, in the same tenant.
            await client.set_database("tidefall")
            assert await client.list_collections(limit=5, offset=0) == []
            with contextlib.suppress(NotFoundError):
                await client.get_collection("sounds", embedding_function=None)
                raise AssertionError("projects must not share sounds")

            # A colleague opens the first project directly, and renames the library.
            colleague = await chromadb.AsyncHttpClient(
                host="127.0.0.1", port=port, tenant="lantern-games", database="ember-quest"
            )
            sounds = await colleague.get_collection("sounds", embedding_function=None)
            await sounds.modify(name="sounds_final", metadata={"lead": "Jon"})
            same = await colleague.get_collection_by_id(sounds.id, embedding_function=None)
            assert same.name == "sounds_final" and same.metadata == {"lead": "Jon"}

            await same.upsert(ids=["fanfare.ogg"], embeddings=[mood_vector(triumph=0.8, calm=0.2)], documents=["brass"])
            short = await same.get(where={"seconds": {"$lte": 12}}, where_document={"$contains": "brass"})
            assert short["ids"] == ["fanfare.ogg"]
            await same.delete(ids=["lullaby.ogg"])
            await same.update(ids=["cave_drip.ogg"], embeddings=[mood_vector(eerie=0.7, calm=0.3)])
            assert await same.count(read_level=chromadb.ReadLevel.INDEX_AND_WAL) == 5
            await colleague.delete_collection("sounds_final")

            await admin.delete_database("tidefall", tenant="lantern-games")
            try:
                await client.set_database("tidefall")
                raise SystemExit("the project is still there")
            except ChromaError as gone:
                print("closed project:", gone)

            await client.set_tenant("lantern-games", database="ember-quest")
            await client.create_collection("leftover", embedding_function=None)
            assert await client.reset()
            print("records per call:", await client.get_max_batch_size(), "on", await client.get_version())


if __name__ == "__main__":
    asyncio.run(main())
