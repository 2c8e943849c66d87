"""An aiohttp service for chess arbiters: asks a Chroma server through AsyncHttpClient, opened and closed with the app.

The service and the database are two processes, as in production: this program starts `chroma run` on a free port,
then the web application, and sends it requests concurrently.
"""
import asyncio
import contextlib
import math
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import aiohttp
from aiohttp import web
import chromadb
from chromadb.errors import NotFoundError

RULES = web.AppKey("rules", object)
CHROMA = web.AppKey("chroma", object)
PORT = web.AppKey("chroma_port", int)

BOOK = [
    ("4.3", "A player who deliberately touches a piece must move it if it can be moved.", "touch", 2),
    ("4.2", "A player who says I adjust may straighten pieces on their squares.", "touch", 0),
    ("6.8", "A flag is considered to have fallen when an arbiter observes it or a player claims it.", "clock", 0),
    ("7.5", "An illegal move is corrected and the opponent receives two extra minutes.", "moves", 2),
    ("9.2", "A draw is claimed when the same position appears for the third time.", "draw", 0),
    ("9.6", "The game is drawn when the same position has appeared five times.", "draw", 0),
    ("11.3", "A mobile phone in the playing area loses the game.", "conduct", 3),
]


def embed(text, size=200):
    v = [0.0] * size
    for w in text.lower().replace(".", "").split():
        slot = 0
        for ch in w[:5]:
            slot = (slot * 131 + ord(ch)) % 1_000_003
        v[slot % size] += 1 / math.log(2 + (len(w) < 4) * 20)       # short words count less
    return v


async def chroma_context(app):
    """aiohttp runs this until the yield at start-up and resumes it at shutdown."""
    client = await chromadb.AsyncHttpClient(host="127.0.0.1", port=app[PORT])
    app[CHROMA] = client
    app[RULES] = await client.get_or_create_collection(
        "chess_rules", configuration={"hnsw": {"space": "cosine"}}, metadata={"edition": "2023"}
    )
    yield
    # An AsyncHttpClient has no close(): its HTTP session ends with the event loop that owns it.


@web.middleware
async def chroma_errors(request, handler):
    try:
        return await handler(request)
    except NotFoundError as e:
        return web.json_response({"error": str(e)}, status=404)
    except (ValueError, TypeError) as e:     # TypeError: n_results below 1
        return web.json_response({"error": str(e)}, status=400)


routes = web.RouteTableDef()


@routes.get("/health")
async def health(request):
    beat, version = await asyncio.gather(request.app[CHROMA].heartbeat(), request.app[CHROMA].get_version())
    return web.json_response({"alive": beat > 0, "chroma": version, "rules": await request.app[RULES].count()})


@routes.put("/rules/{number}")
async def put_rule(request):
    body = await request.json()
    await request.app[RULES].upsert(
        ids=[request.match_info["number"]],
        documents=[body["text"]],
        embeddings=[embed(body["text"])],
        metadatas=[{"chapter": body["chapter"], "penalty": body.get("penalty", 0)}],
    )
    return web.json_response({"ok": True})


@routes.get("/ask")
async def ask(request):
    situation = request.query["q"]
    min_penalty = int(request.query.get("min_penalty", 0))
    found = await request.app[RULES].query(
        query_embeddings=[embed(situation)],
        n_results=int(request.query.get("n", 2)),
        where={"penalty": {"$gte": min_penalty}},
        include=["documents", "metadatas"],
    )
    return web.json_response([
        {"rule": i, "text": t, "chapter": m["chapter"]}
        for i, t, m in zip(found["ids"][0], found["documents"][0], found["metadatas"][0])
    ])


@routes.get("/collections/{name}")
async def describe(request):
    collection = await request.app[CHROMA].get_collection(request.match_info["name"])
    sample = await collection.peek(limit=2)
    return web.json_response({"edition": collection.metadata["edition"], "sample": sample["ids"]})


@routes.delete("/chapters/{chapter}")
async def drop_chapter(request):
    result = await request.app[RULES].delete(where={"chapter": request.match_info["chapter"]})
    return web.json_response(result)


def build_app(chroma_port):
    app = web.Application(middlewares=[chroma_errors])
    app[PORT] = chroma_port
    app.cleanup_ctx.append(chroma_context)
    app.add_routes(routes)
    return app


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@contextlib.asynccontextmanager
async def chroma_server(folder):
    port = free_port()
    chroma = Path(sys.executable).with_name("chroma")
    process = await asyncio.create_subprocess_exec(
        str(chroma), "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.get(f"http://127.0.0.1:{port}/api/v2/heartbeat") as r:
                        if r.ok:
                            break
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def main():
    with tempfile.TemporaryDirectory() as folder:
        async with chroma_server(folder) as port:
            runner = web.AppRunner(build_app(port))
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            base = "http://127.0.0.1:%d" % runner.addresses[0][1]
            try:
                async with aiohttp.ClientSession(base) as http:
                    async def fetch(method, url, **kw):
                        async with http.request(method, url, **kw) as r:
                            return r.status, await r.json()

                    await asyncio.gather(*(
                        fetch("PUT", f"/rules/{n}", json={"text": t, "chapter": c, "penalty": p}) for n, t, c, p in BOOK))
                    status, info = await fetch("GET", "/health")
                    assert status == 200 and info["alive"] and info["rules"] == len(BOOK)

                    asked = await asyncio.gather(
                        fetch("GET", "/ask", params={"q": "the same position for the third time", "n": 1}),
                        fetch("GET", "/ask", params={"q": "my opponent touches a piece and does not move it", "n": 1}),
                        fetch("GET", "/ask", params={"q": "he touches a phone", "min_penalty": 3}),
                    )
                    assert [a[1][0]["rule"] for a in asked] == ["9.2", "4.3", "11.3"]
                    assert (await fetch("GET", "/ask", params={"q": "x", "n": -1}))[0] == 400
                    assert (await fetch("GET", "/collections/checkers"))[0] == 404
                    assert (await fetch("GET", "/collections/chess_rules"))[1]["edition"] == "2023"
                    assert (await fetch("DELETE", "/chapters/draw"))[1] == {"deleted": 2}
                    print(f"chroma {info['chroma']}, {info['rules']} rules;", asked[0][1][0]["text"])
            finally:
                await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
