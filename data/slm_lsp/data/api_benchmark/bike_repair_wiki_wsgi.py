"""JSON service for a bicycle workshop's repair wiki: a WSGI app whose routes create, search, page, patch and delete articles."""
import io
import json
import re
from urllib.parse import parse_qs
from wsgiref.util import setup_testing_defaults

import chromadb
from chromadb.api.types import EmbeddingFunction
from chromadb.errors import ChromaError

PARTS = ("chain", "brake", "wheel", "spoke", "tyre", "gear", "pedal", "saddle", "fork", "cable", "rim", "disc")


class PartCounter(EmbeddingFunction):
    def __init__(self, parts=PARTS):
        self.parts = tuple(parts)

    def __call__(self, input):
        return [[text.lower().count(part) + 1e-3 for part in self.parts] for text in input]

    def embed_query(self, input):
        # people ask in short: what they name counts once, however often they repeat it
        return [[float(part in text.lower()) + 1e-3 for part in self.parts] for text in input]

    @staticmethod
    def name():
        return "part-counter"

    def get_config(self):
        return {"parts": list(self.parts)}

    @staticmethod
    def build_from_config(config):
        return PartCounter(config["parts"])


class RepairWiki:
    def __init__(self, client=None):
        self.client = client or chromadb.Client()
        self.articles = self.client.get_or_create_collection(
            name="repair-wiki",
            embedding_function=PartCounter(),
            configuration={"hnsw": {"space": "cosine"}},
        )
        self.routes = [
            ("GET", r"/health", self.health),
            ("GET", r"/search", self.search),
            ("GET", r"/articles", self.index),
            ("PUT", r"/articles/(\w+)", self.put),
            ("PATCH", r"/articles/(\w+)", self.patch),
            ("GET", r"/articles/(\w+)", self.read),
            ("DELETE", r"/articles/(\w+)", self.remove),
        ]

    def __call__(self, environ, start_response):
        query = {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(size)) if size else {}
        status, answer = "404 Not Found", {"error": "no such page"}
        for method, pattern, handler in self.routes:
            match = re.fullmatch(pattern, environ["PATH_INFO"])
            if match and method == environ["REQUEST_METHOD"]:
                try:
                    status, answer = handler(*match.groups(), query=query, body=body)
                except (TypeError, ValueError, ChromaError) as problem:
                    status, answer = "400 Bad Request", {"error": str(problem)}
                break
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def health(self, query, body):
        return "200 OK", {"beat": self.client.heartbeat(), "articles": self.articles.count()}

    def search(self, query, body):
        found = self.articles.query(
            query_texts=query["q"],
            n_results=int(query.get("n", 3)),
            where={"level": {"$lte": int(query["level"])}} if "level" in query else None,
            where_document={"$contains": query["must"]} if "must" in query else None,
            include=["metadatas", "distances"],
        )
        return "200 OK", [
            {"id": i, "title": m["title"], "score": round(1 - d, 3)}
            for i, m, d in zip(found["ids"][0], found["metadatas"][0], found["distances"][0])
        ]

    def index(self, query, body):
        page, per_page = int(query.get("page", 0)), 2
        rows = self.articles.get(limit=per_page, offset=page * per_page, include=["metadatas"])
        return "200 OK", {"ids": rows["ids"], "titles": [m["title"] for m in rows["metadatas"]]}

    def put(self, key, query, body):
        self.articles.upsert(
            ids=[key],
            documents=[body["text"]],
            metadatas=[{"title": body["title"], "level": body.get("level", 1)}],
        )
        return "201 Created", {"id": key}

    def patch(self, key, query, body):
        if not self.articles.get(ids=[key], include=[])["ids"]:
            return "404 Not Found", {"error": key}
        text = body.pop("text", None)
        if text is not None:  # a new text is embedded again
            self.articles.update(ids=[key], documents=[text])
        if body:
            self.articles.update(ids=[key], metadatas=[body])
        return "200 OK", {"id": key}

    def read(self, key, query, body):
        row = self.articles.get(ids=key, include=["documents", "metadatas"])
        if not row["ids"]:
            return "404 Not Found", {"error": key}
        return "200 OK", {"text": row["documents"][0], **row["metadatas"][0]}

    def remove(self, key, query, body):
        return "200 OK", self.articles.delete(ids=[key])


def call(app, method, path, body=None, query=""):
    payload = json.dumps(body).encode() if body is not None else b""
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query,
               "CONTENT_LENGTH": str(len(payload)), "wsgi.input": io.BytesIO(payload)}
    setup_testing_defaults(environ)
    seen = []
    answer = b"".join(app(environ, lambda status, headers: seen.append(status)))
    return int(seen[0][:3]), json.loads(answer)


if __name__ == "__main__":
    wiki = RepairWiki()
    pages = {
        "c1": {"title": "Worn chain", "text": "A chain that skips on the gear is worn. Replace chain and gear.", "level": 1},
        "w1": {"title": "Broken spoke", "text": "Replace the spoke, then true the wheel and check the rim.", "level": 3},
        "b1": {"title": "Squealing brake", "text": "Clean the disc and the brake pads.", "level": 1},
        "b2": {"title": "Bleeding a brake", "text": "Open the brake, push oil through until no air is left.", "level": 4},
    }
    for key, page in pages.items():
        assert call(wiki, "PUT", f"/articles/{key}", page)[0] == 201
    assert call(wiki, "GET", "/health")[1]["articles"] == 4

    status, hits = call(wiki, "GET", "/search", query="q=the+brake+rubs+the+disc&level=2")
    assert status == 200 and hits[0]["id"] == "b1"
    print(hits[0])
    assert [h["id"] for h in call(wiki, "GET", "/search", query="q=wheel&n=1&must=spoke")[1]] == ["w1"]
    assert call(wiki, "GET", "/search", query="q=wheel&n=0")[0] == 400  # chromadb refuses n_results=0

    assert call(wiki, "GET", "/articles", query="page=1")[1]["ids"] == ["b1", "b2"]
    assert call(wiki, "PATCH", "/articles/b2", {"level": 5})[0] == 200
    assert call(wiki, "PATCH", "/articles/b1", {"text": "Clean the rim and adjust the cable."})[0] == 200
    assert call(wiki, "GET", "/search", query="q=cable+on+the+rim&n=1")[1][0]["id"] == "b1"
    assert call(wiki, "PATCH", "/articles/zz", {"level": 5})[0] == 404
    assert call(wiki, "GET", "/articles/b2")[1]["level"] == 5
    assert call(wiki, "DELETE", "/articles/c1")[1] == {"deleted": 1}
    assert call(wiki, "GET", "/articles/c1")[0] == 404 and wiki.articles.count() == 3
