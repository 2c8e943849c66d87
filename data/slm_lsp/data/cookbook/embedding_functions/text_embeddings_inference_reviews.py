"""Use HuggingFaceEmbeddingServer with a text-embeddings-inference endpoint to find hotel reviews, and survive its limits.

A self-hosted TEI container answers POST /embed with a bare JSON list of vectors.  The endpoint here is a loopback
imitation with an access token and the container's default limit of 32 texts per request.
"""
import json
import os
import re
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import chromadb
from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

TOKEN = "tei-secret"
MAX_CLIENT_BATCH_SIZE = 32
ASPECTS = [
    r"clean|spotless|tidy", r"dirty|stain|smell", r"noise|noisy|loud", r"quiet|silent|calm", r"breakfast|buffet|coffee",
    r"staff|reception|welcome", r"pool|spa|sauna", r"view|balcony|sea", r"wifi|internet|desk",
]


class Tei(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(HTTPStatus.UNAUTHORIZED, {"error": "unauthorized"})
        if len(body["inputs"]) > MAX_CLIENT_BATCH_SIZE:
            return self.answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": "batch size is too large"})
        self.server.batches.append(len(body["inputs"]))
        return self.answer(HTTPStatus.OK, [self.embed(text.lower()) for text in body["inputs"]])

    def embed(self, text: str) -> list[float]:
        return [len(re.findall(pattern, text)) + 0.01 for pattern in ASPECTS]

    def answer(self, status: HTTPStatus, payload: Any) -> None:
        encoded = json.dumps(payload).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format, *args):
        pass


REVIEWS = [
    "Spotless room, but the street is loud at night.",
    "Best breakfast buffet on the island and real coffee.",
    "Reception staff made us feel welcome at two in the morning.",
    "Stain on the carpet, smell in the bath. Never again.",
    "Calm and quiet, a balcony with sea view.",
    "Wifi dropped every hour, the desk wobbled.",
    "The pool closes at six, the sauna was broken.",
    "Quiet room to the yard, tidy, friendly staff.",
]
HOTELS = ["Miramar", "Alpina"]


def in_slices(size: int, add: Callable[..., None], **columns: list) -> int:
    """Call add() with slices of every column; returns the number of calls."""
    total = len(columns["ids"])
    starts = range(0, total, size)
    for start in starts:
        add(**{name: values[start : start + size] for name, values in columns.items()})
    return len(starts)


def scenario(url: str, batches: list[int]) -> None:
    os.environ["HOTEL_TEI_TOKEN"] = TOKEN
    server_ef = HuggingFaceEmbeddingServer(url=url, api_key_env_var="HOTEL_TEI_TOKEN")
    client = chromadb.EphemeralClient()
    reviews = client.create_collection(
        "hotel_reviews",
        embedding_function=server_ef,
        configuration={"hnsw": {"space": "cosine", "ef_construction": 120}},
    )

    # Five rounds of eight reviews = 40 records: one add() would be one request, and over the limit.
    ids = [f"r{n:02d}" for n in range(40)]
    texts = [REVIEWS[n % 8] for n in range(40)]
    rows = [{"hotel": HOTELS[n % 2], "stars": 1 + n % 5, "verified": n % 3 == 0} for n in range(40)]
    try:
        reviews.add(ids=ids, documents=texts, metadatas=rows)
    except ValueError as error:  # the {"error": ...} body is no list of vectors
        print("too large:", str(error)[:60])
    else:
        raise AssertionError("40 texts went through at once")
    assert reviews.count() == 0 and batches == []

    calls = in_slices(MAX_CLIENT_BATCH_SIZE, reviews.add, ids=ids, documents=texts, metadatas=rows)
    assert calls == 2 and batches == [32, 8] and reviews.count() == 40

    quiet = reviews.query(
        query_texts=["a quiet, calm room"],
        n_results=3,
        where={"$and": [{"hotel": {"$eq": "Miramar"}}, {"stars": {"$gt": 3}}]},
    )
    assert "quiet" in quiet["documents"][0][0].lower()
    assert all(row["hotel"] == "Miramar" and row["stars"] > 3 for row in quiet["metadatas"][0])

    both = reviews.query(query_texts=["breakfast and coffee", "internet"], n_results=1, include=["documents"])
    assert [hits[0].split()[0] for hits in both["documents"]] == ["Best", "Wifi"]
    assert batches[-1] == 2, "two query texts travel in one request"

    # include=[] returns ids alone; filters by text never reach the embedding server.
    sent = len(batches)
    complaints = reviews.get(where_document={"$or": [{"$contains": "smell"}, {"$contains": "broken"}]}, include=[])
    assert len(complaints["ids"]) == 10 and len(batches) == sent

    # Only the variable's name is stored, never the token.
    stored = reviews.configuration_json["embedding_function"]["config"]
    assert stored == {"url": url, "api_key_env_var": "HOTEL_TEI_TOKEN"}

    # The container moves to another port.  modify() rewrites the stored url for everyone who opens the collection
    # by name from now on; it is up to you that the same model answers there.
    moved = HuggingFaceEmbeddingServer(url=url.replace("/embed", "/v2/embed"), api_key_env_var="HOTEL_TEI_TOKEN")
    reviews.modify(configuration={"embedding_function": moved})
    reopened = client.get_collection("hotel_reviews")
    assert reopened.configuration_json["embedding_function"]["config"]["url"].endswith("/v2/embed")
    assert reopened.query(query_texts=["sauna"], n_results=1)["documents"][0][0].startswith("The pool")

    # Without the token the endpoint refuses.
    del os.environ["HOTEL_TEI_TOKEN"]
    stranger = HuggingFaceEmbeddingServer(url=url)
    try:
        stranger(["hello"])
    except ValueError as error:
        print("no token:", str(error)[:60])
    else:
        raise AssertionError("an anonymous caller was served")
    print(f"{reviews.count()} reviews in {len(batches)} requests, quiet rooms: {quiet['ids'][0]}")


def main() -> None:
    # threading, because every httpx client keeps its connection open
    with ThreadingHTTPServer(("127.0.0.1", 0), Tei) as server:
        server.batches = []
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            scenario(f"http://127.0.0.1:{server.server_port}/embed", server.batches)
        finally:
            server.shutdown()


if __name__ == "__main__":
    main()
