"""A FastAPI service that accepts public-tender documents at once and indexes them in a background task.

The client gets 202 and a job id; chunking, embedding and writing happen after the response has been sent.  The
job's state is kept in Chroma, too, in a collection of its own, so that any worker process can report it.
"""
import asyncio
import time
import uuid
import zlib
from contextlib import asynccontextmanager
from types import SimpleNamespace

import chromadb
from pydantic import BaseModel

try:
    from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
except ImportError:
    # Without FastAPI the routes are ordinary coroutines: the decorators keep them as they are.
    class FastAPI:
        def __init__(self, lifespan=None):
            self.state = SimpleNamespace()
            self.post = self.get = lambda path, **options: (lambda endpoint: endpoint)

    class BackgroundTasks:
        def __init__(self):
            self.tasks = []

        def add_task(self, func, *args, **kwargs):
            self.tasks.append((func, args, kwargs))

        async def __call__(self):
            for func, args, kwargs in self.tasks:
                await asyncio.to_thread(func, *args, **kwargs)

    class HTTPException(Exception):
        def __init__(self, status_code: int, detail: str = ""):
            self.status_code, self.detail = status_code, detail

    Request = SimpleNamespace


class Tender(BaseModel):
    reference: str
    authority: str
    closes: int          # YYYYMMDD: integers compare, date strings do not ($gt and $lt take numbers)
    text: str


@asynccontextmanager
async def lifespan(app):
    """Open the database when the process starts, close it when it stops."""
    client = chromadb.EphemeralClient(settings=chromadb.Settings(anonymized_telemetry=False))
    app.state.passages = client.get_or_create_collection("tender_passages", configuration={"hnsw": {"space": "cosine"}})
    app.state.jobs = client.get_or_create_collection("indexing_jobs")
    app.state.client = client
    yield
    client.close()


app = FastAPI(lifespan=lifespan)


def embed(text: str) -> list[float]:
    vector = [0.01] * 160
    for word in text.lower().split():
        vector[zlib.crc32(word.strip(".,;")[:7].encode()) % 160] += 1
    return vector


def split(text: str, words_per_chunk: int = 12, overlap: int = 3) -> list[str]:
    words = text.split()
    step = words_per_chunk - overlap
    return [" ".join(words[i:i + words_per_chunk]) for i in range(0, max(len(words) - overlap, 1), step)]


def note(jobs, job_id: str, state: str, **facts) -> None:
    # The vector of a job means nothing, but every record needs one: a single zero is the cheapest.
    jobs.upsert(ids=[job_id], embeddings=[[0.0]], metadatas=[{"state": state, "at": time.time(), **facts}])


def index_tender(passages, jobs, job_id: str, tender: Tender) -> None:
    """Runs after the response.  An exception here would only reach the log, so it becomes the job's state."""
    note(jobs, job_id, "running")
    try:
        if not tender.text.strip():
            raise ValueError("the document is empty")
        chunks = split(tender.text)
        # Replace, not add: a corrected tender may have fewer passages than its first version.
        passages.delete(where={"reference": tender.reference})
        passages.add(
            ids=[f"{tender.reference}#{n}" for n in range(len(chunks))],
            documents=chunks,
            embeddings=[embed(c) for c in chunks],
            metadatas=[{"reference": tender.reference, "authority": tender.authority, "closes": tender.closes}] * len(chunks),
        )
        note(jobs, job_id, "done", passages=len(chunks))
    except Exception as error:
        note(jobs, job_id, "failed", reason=f"{type(error).__name__}: {error}")


@app.post("/tenders", status_code=202)
async def upload(tender: Tender, background: BackgroundTasks, request: Request):
    job_id = uuid.uuid4().hex
    state = request.app.state
    await asyncio.to_thread(note, state.jobs, job_id, "queued", reference=tender.reference)
    background.add_task(index_tender, state.passages, state.jobs, job_id, tender)
    return {"job": job_id}


@app.get("/jobs/{job_id}")
async def job_status(job_id: str, request: Request):
    row = await asyncio.to_thread(request.app.state.jobs.get, ids=[job_id])
    if not row["ids"]:
        raise HTTPException(status_code=404, detail="unknown job")
    return {k: v for k, v in row["metadatas"][0].items() if k != "at"}


@app.get("/tenders/open")
async def open_tenders(q: str, today: int, request: Request):
    """The best passage of each tender that has not closed yet."""
    found = await asyncio.to_thread(
        request.app.state.passages.query,
        query_embeddings=[embed(q)], n_results=20, where={"closes": {"$gte": today}}, include=["metadatas", "documents"],
    )
    best = {}
    for meta, passage in zip(found["metadatas"][0], found["documents"][0]):
        best.setdefault(meta["reference"], passage)
    return best


ROADS = ("Resurfacing of the county road between the mill and the station. Night work only. Bidders show three "
         "comparable asphalt contracts and an insurance of two million.")
LUNCH = "School lunch for four hundred pupils. Menus are vegetarian twice a week. Bidders name a dietician."


async def scenario():
    async with lifespan(app):
        request = SimpleNamespace(app=app)

        async def post(tender):
            """What the framework does: answer first, then run the tasks."""
            later = BackgroundTasks()
            answer = await upload(tender, later, request)
            before = await job_status(answer["job"], request)
            await later()
            return before["state"], await job_status(answer["job"], request)

        before, after = await post(Tender(reference="2024-R7", authority="Kilbride", closes=20240630, text=ROADS))
        assert before == "queued" and after["state"] == "done"
        first_count = after["passages"]
        _, lunch = await post(Tender(reference="2024-S1", authority="Kilbride", closes=20240815, text=LUNCH))
        assert lunch == {"state": "done", "passages": 2, "reference": "2024-S1"}, lunch    # upsert merges keys

        _, failed = await post(Tender(reference="2024-X", authority="Moy", closes=20241231, text="  "))
        assert failed["state"] == "failed" and "empty" in failed["reason"]

        # A shorter correction replaces all passages of the first version.
        short = Tender(reference="2024-R7", authority="Kilbride", closes=20240630, text="Resurfacing cancelled, see 2024-R9.")
        _, corrected = await post(short)
        assert corrected["passages"] == 1 < first_count
        assert app.state.passages.count() == 3

        answer = await open_tenders("vegetarian school lunch", 20240801, request)
        assert list(answer) == ["2024-S1"], "the road tender has closed"
        try:
            await job_status("nope", request)
            raise AssertionError("expected 404")
        except HTTPException as error:
            assert error.status_code == 404
        states = [m["state"] for m in app.state.jobs.get(include=["metadatas"])["metadatas"]]
        print("jobs:", sorted(states), "| passages:", app.state.passages.count(), "| open:", answer)


if __name__ == "__main__":
    asyncio.run(scenario())
