"""Raw ASGI application for a school library: lifespan events, worker threads for Chroma, and a limit on parallel queries.

Chroma's embedded client is synchronous; calling it in a coroutine would stop every other request.  Each call goes
through `Database.run`, which uses a thread and a semaphore.  httpx drives the app in-process, without a socket.
"""
import asyncio
import json
import re
from typing import Any, Awaitable, Callable
from urllib.parse import parse_qs

import chromadb
import httpx

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SUBJECTS = ("dragons", "space", "detective", "animals", "history", "magic", "sea", "friendship", "school", "robots")

BOOKS = [
    ("978-1", "The Last Dragon Rider", 9, {"dragons": 5, "magic": 3, "friendship": 2}, ["en"]),
    ("978-2", "Moonbase Kids", 10, {"space": 5, "robots": 3, "school": 2}, ["en", "de"]),
    ("978-3", "The Missing Trophy", 8, {"detective": 5, "school": 4}, ["en"]),
    ("978-4", "Whale Song", 7, {"sea": 5, "animals": 5}, ["en", "fr"]),
    ("978-5", "Knights and Dragons", 12, {"dragons": 3, "history": 5}, ["de"]),
    ("978-6", "My Robot Detective", 11, {"robots": 4, "detective": 4, "friendship": 1}, ["en"]),
]


def subject_vector(weights: dict[str, float]) -> list[float]:
    return [float(weights.get(s, 0)) for s in SUBJECTS]


class Database:
    def __init__(self, parallel: int = 4) -> None:
        self.gate = asyncio.Semaphore(parallel)
        self.busiest = self._running = 0
        self.client = chromadb.EphemeralClient()
        self.shelf = self.client.get_or_create_collection(
            "library_shelf", configuration={"hnsw": {"space": "cosine"}}, metadata={"school": "Hazelwood"}
        )

    async def run(self, method: Callable[..., Any], /, **kwargs: Any) -> Any:
        async with self.gate:
            self._running += 1
            self.busiest = max(self.busiest, self._running)
            try:
                return await asyncio.to_thread(method, **kwargs)
            finally:
                self._running -= 1


class Library:
    """The ASGI callable.  State exists between lifespan.startup and lifespan.shutdown only."""

    db: Database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            status, payload = await self.dispatch(scope, receive)
            body = json.dumps(payload).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self.db = await asyncio.to_thread(Database)
                except Exception as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                self.db.client.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def dispatch(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        route = f"{scope['method']} {scope['path']}"
        query = {k: v[0] for k, v in parse_qs(scope["query_string"].decode()).items()}
        if route == "GET /recommend":
            return await self.recommend(query)
        if match := re.fullmatch(r"GET /books/([\w-]+)/similar", route):
            return await self.similar(match[1])
        if match := re.fullmatch(r"PUT /books/([\w-]+)", route):
            return await self.put(match[1], json.loads(await self.read(receive)))
        return 404, {"error": route}

    @staticmethod
    async def read(receive: Receive) -> bytes:
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                return body

    async def put(self, isbn: str, book: dict[str, Any]) -> tuple[int, Any]:
        unknown = set(book["subjects"]) - set(SUBJECTS)
        if unknown:
            return 422, {"error": f"unknown subjects {sorted(unknown)}"}
        await self.db.run(
            self.db.shelf.upsert,
            ids=[isbn],
            embeddings=[subject_vector(book["subjects"])],
            documents=[book["title"]],
            metadatas=[{"age": book["age"], "languages": book["languages"], "on_loan": False}],
        )
        return 200, {"isbn": isbn}

    async def recommend(self, query: dict[str, str]) -> tuple[int, Any]:
        likes = {s: 1.0 for s in query.get("likes", "").split(",") if s in SUBJECTS}
        if not likes:
            return 400, {"error": "name at least one subject", "subjects": SUBJECTS}
        age = int(query.get("age", 99))
        found = await self.db.run(
            self.db.shelf.query,
            query_embeddings=[subject_vector(likes)],
            n_results=2,
            where={"$and": [{"age": {"$lte": age}}, {"languages": {"$contains": query.get("lang", "en")}}]},
        )
        return 200, found["documents"][0]

    async def similar(self, isbn: str) -> tuple[int, Any]:
        me = await self.db.run(self.db.shelf.get, ids=[isbn], include=["embeddings"])
        if not me["ids"]:
            return 404, {"error": "no such book"}
        # Two rows, for the nearest to a book is the book itself.
        near = await self.db.run(self.db.shelf.query, query_embeddings=me["embeddings"], n_results=2, include=["documents"])
        return 200, [t for i, t in zip(near["ids"][0], near["documents"][0]) if i != isbn]


class Running:
    """Sends the lifespan events that a server such as uvicorn would send."""

    def __init__(self, app: Library) -> None:
        self.app, self.inbox, self.outbox = app, asyncio.Queue(), asyncio.Queue()

    async def __aenter__(self) -> httpx.AsyncClient:
        self.task = asyncio.create_task(self.app({"type": "lifespan"}, self.inbox.get, self.outbox.put))
        await self.inbox.put({"type": "lifespan.startup"})
        assert (await self.outbox.get())["type"] == "lifespan.startup.complete"
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://library")
        return self.http

    async def __aexit__(self, *exc: object) -> None:
        await self.http.aclose()
        await self.inbox.put({"type": "lifespan.shutdown"})
        await self.task


async def main() -> None:
    library = Library()
    async with Running(library) as http:
        answers = await asyncio.gather(*(
            http.put(f"/books/{isbn}", json={"title": t, "age": a, "subjects": s, "languages": langs})
            for isbn, t, a, s, langs in BOOKS
        ))
        assert [a.status_code for a in answers] == [200] * len(BOOKS)
        assert library.db.shelf.count() == len(BOOKS)

        picks = (await http.get("/recommend", params={"likes": "dragons,magic", "age": 10})).json()
        assert picks[0] == "The Last Dragon Rider" and "Knights and Dragons" not in picks
        german = (await http.get("/recommend", params={"likes": "dragons", "lang": "de"})).json()
        assert german[0] == "Knights and Dragons"
        assert (await http.get("/books/978-3/similar")).json() == ["My Robot Detective"]
        assert (await http.get("/books/978-99/similar")).status_code == 404
        bad = await http.put("/books/978-7", json={"title": "?", "age": 6, "subjects": {"ponies": 1}, "languages": ["en"]})
        assert bad.status_code == 422 and library.db.shelf.count() == 6

        burst = await asyncio.gather(*(http.get("/recommend", params={"likes": "space"}) for _ in range(30)))
        assert all(r.json()[0] == "Moonbase Kids" for r in burst)
        assert 1 < library.db.busiest <= 4
        print(f"{len(burst)} concurrent requests, at most {library.db.busiest} in Chroma at once; picks: {picks}")


if __name__ == "__main__":
    asyncio.run(main())
