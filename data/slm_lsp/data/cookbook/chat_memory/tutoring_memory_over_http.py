"""Share one tutoring memory between many lessons at once through a Chroma server and the async client."""

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from dataclasses import dataclass

import chromadb
import httpx
from chromadb.api import AsyncClientAPI
from chromadb.api.models.AsyncCollection import AsyncCollection

SKILLS = ("fractions", "algebra", "geometry", "reading", "spelling", "grammar")


@dataclass(frozen=True)
class Note:
    pupil: str
    lesson: int
    text: str
    mastery: float  # 0..1, the tutor's own estimate


def skill_vector(text: str) -> list[float]:
    """How often each skill is named; an unnamed one keeps a whisper so that no vector is zero."""
    low = text.lower()
    return [low.count(skill) + 0.02 for skill in SKILLS]


@contextlib.asynccontextmanager
async def chroma_server(folder: str):
    """`chroma run` as a child process; yields the port once the heartbeat answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    binary = os.path.join(os.path.dirname(sys.executable), "chroma")
    process = await asyncio.create_subprocess_exec(
        binary, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as http:
            while True:
                if process.returncode is not None:
                    raise RuntimeError(f"the server ended with code {process.returncode}")
                with contextlib.suppress(httpx.TransportError):
                    reply = await http.get(f"http://127.0.0.1:{port}/api/v2/heartbeat")
                    if reply.is_success:
                        break
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class TutoringMemory:
    def __init__(self, notes: AsyncCollection) -> None:
        self.notes = notes

    @classmethod
    async def open(cls, client: AsyncClientAPI) -> "TutoringMemory":
        # Several lessons start at the same moment: get_or_create is safe for all of them.
        notes = await client.get_or_create_collection(
            name="tutoring_notes",
            configuration={"hnsw": {"space": "cosine"}},
            metadata={"skills": ",".join(SKILLS)},
        )
        return cls(notes)

    async def write(self, note: Note) -> None:
        await self.notes.upsert(
            ids=[f"{note.pupil}-{note.lesson}"],
            embeddings=[skill_vector(note.text)],
            documents=[note.text],
            metadatas=[{"pupil": note.pupil, "lesson": note.lesson, "mastery": note.mastery}],
        )

    async def prepare(self, pupil: str, topic: str) -> list[str]:
        """What to look back at before a lesson on a topic."""
        found = await self.notes.query(
            query_embeddings=[skill_vector(topic)],
            n_results=2,
            where={"pupil": pupil},
            include=["documents", "metadatas", "distances"],
        )
        return [
            f"lesson {meta['lesson']}: {text}"
            for text, meta, distance in zip(found["documents"][0], found["metadatas"][0], found["distances"][0])
            if distance < 0.5
        ]

    async def struggling(self, below: float) -> set[str]:
        rows = await self.notes.get(where={"mastery": {"$lt": below}}, include=["metadatas"])
        return {meta["pupil"] for meta in rows["metadatas"]}


NOTES = [
    Note("aiko", 1, "Fractions: adds well, forgets to reduce.", 0.6),
    Note("aiko", 2, "Geometry went smoothly.", 0.9),
    Note("aiko", 3, "Back to fractions, dividing fractions is new.", 0.4),
    Note("ben", 1, "Reading aloud is fluent, spelling less so.", 0.7),
    Note("ben", 2, "Grammar: mixes up tenses.", 0.3),
    Note("carla", 1, "Algebra with two unknowns solved alone.", 0.95),
]


async def lesson(port: int, pupil: str) -> int:
    """One lesson is one client of the server, as it would be in a process of its own."""
    client = await chromadb.AsyncHttpClient(host="127.0.0.1", port=port)
    memory = await TutoringMemory.open(client)
    mine = [note for note in NOTES if note.pupil == pupil]
    await asyncio.gather(*(memory.write(note) for note in mine))
    return len(mine)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with chroma_server(folder) as port:
            written = await asyncio.gather(*(lesson(port, pupil) for pupil in ("aiko", "ben", "carla")))
            assert written == [3, 2, 1]

            client = await chromadb.AsyncHttpClient(host="127.0.0.1", port=port)
            assert await client.heartbeat() > 0
            assert await client.count_collections() == 1
            memory = await TutoringMemory.open(client)
            assert await memory.notes.count() == len(NOTES)

            look_back = await memory.prepare("aiko", "today: fractions again")
            print("aiko:", *look_back, sep="\n   ")
            assert len(look_back) == 2 and all("ractions" in line for line in look_back)
            assert await memory.prepare("ben", "fractions") == [], "another pupil's notes stay out"

            weak = await memory.struggling(below=0.5)
            print("needs help:", sorted(weak))
            assert weak == {"aiko", "ben"}

            # A corrected note keeps its id; a pupil who leaves takes the notes along.
            await memory.write(Note("ben", 2, "Grammar: tenses are clear now.", 0.8))
            assert await memory.struggling(below=0.5) == {"aiko"}
            left = await memory.notes.delete(where={"pupil": "carla"})
            assert left["deleted"] == 1
            newest = await memory.notes.peek(limit=10)
            assert {m["pupil"] for m in newest["metadatas"]} == {"aiko", "ben"}
            print("server", await client.get_version(), "holds", len(newest["ids"]), "notes")


if __name__ == "__main__":
    asyncio.run(main())
