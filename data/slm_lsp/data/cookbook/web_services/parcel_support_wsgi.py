"""WSGI application (no framework) that finds past support cases for a lost or damaged parcel, with caching headers.

Any WSGI server can run `application`; here it is exercised in-process with wsgiref's own helpers.  An ETag derived
from a revision counter in the collection's metadata lets clients revalidate without running the query again.
"""

import io
import json
import urllib.parse
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import chromadb
import numpy as np


class HTTPError(Exception):
    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class CaseStore:
    """Past cases by the letter-group profile of their description."""

    DIM = 26 * 27

    def __init__(self, client: chromadb.ClientAPI) -> None:
        self.collection = client.get_or_create_collection(
            "parcel_cases", configuration={"hnsw": {"space": "cosine"}}, metadata={"revision": 0}
        )

    @classmethod
    def profile(cls, text: str) -> np.ndarray:
        """Letter-pair counts: 26 x 27, where the last column is the end of a word."""
        vector = np.zeros(cls.DIM, dtype=np.float32)
        for word in text.lower().split():
            codes = [ord(c) - 97 for c in word if "a" <= c <= "z"]
            for a, b in zip(codes, codes[1:] + [26]):
                vector[a * 27 + b] += 1
        return vector

    @property
    def revision(self) -> int:
        return self.collection.metadata["revision"]

    def record(self, number: str, text: str, **facts) -> None:
        self.collection.upsert(
            ids=[number], embeddings=[self.profile(text)], documents=[text], metadatas=[facts]
        )
        # modify(metadata=...) replaces the whole dict; there is one key only, so nothing is lost.
        self.collection.modify(metadata={"revision": self.revision + 1})

    def similar(self, text: str, carrier: str | None, limit: int) -> list[dict]:
        vector = self.profile(text)
        if not vector.any():
            raise HTTPError("400 Bad Request", "describe what happened")
        found = self.collection.query(
            query_embeddings=vector,
            n_results=limit,
            where={"carrier": {"$eq": carrier}} if carrier else None,
            include=["documents", "metadatas", "distances"],
        )
        keys = ("ids", "documents", "metadatas", "distances")
        return [
            {"case": i, "text": t, "similarity": round(1 - d, 3), **m}
            for i, t, m, d in zip(*(found[k][0] for k in keys))
        ]


def make_application(store: CaseStore):
    def search(environ, params):
        etag = f'"r{store.revision}"'
        if environ.get("HTTP_IF_NONE_MATCH") == etag:
            return "304 Not Modified", [("ETag", etag)], None
        limit = params.get("limit", "3")
        if not limit.isdigit() or not 1 <= int(limit) <= 50:
            raise HTTPError("400 Bad Request", "limit must be 1..50")
        hits = store.similar(params.get("q", ""), params.get("carrier"), int(limit))
        return "200 OK", [("ETag", etag), ("Cache-Control", "private, max-age=0")], hits

    def create(environ, params):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            case = json.loads(environ["wsgi.input"].read(length))
            store.record(case.pop("number"), case.pop("text"), **case)
        except (json.JSONDecodeError, KeyError, ValueError, TypeError) as error:
            # Chroma raises ValueError for metadata it cannot store, e.g. a nested dict.
            raise HTTPError("400 Bad Request", f"{type(error).__name__}: {error}") from error
        return "201 Created", [], {"revision": store.revision}

    def outcomes(environ, params):
        """How did cases like these end?  A count per outcome over the whole collection, page by page."""
        tally, offset, page = {}, 0, 100
        while rows := store.collection.get(limit=page, offset=offset, include=["metadatas"])["metadatas"]:
            for meta in rows:
                tally[meta["outcome"]] = tally.get(meta["outcome"], 0) + 1
            offset += page
        return "200 OK", [], tally

    routes = {("GET", "/cases"): search, ("POST", "/cases"): create, ("GET", "/outcomes"): outcomes}

    def application(environ, start_response):
        params = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
        try:
            view = routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            if view is None:
                raise HTTPError("404 Not Found", environ["PATH_INFO"])
            status, headers, payload = view(environ, params)
        except HTTPError as error:
            status, headers, payload = error.status, [], {"error": str(error)}
        if payload is None:
            start_response(status, headers)
            return [b""]
        body = json.dumps(payload, indent=1).encode("utf-8")
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
        return [body]

    return application


def ask(application, method, target, payload=None, **headers):
    """One request through wsgiref's validator, which complains about every breach of PEP 3333."""
    path, _, query = target.partition("?")
    data = json.dumps(payload).encode() if payload is not None else b""
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
               "CONTENT_LENGTH": str(len(data)), "wsgi.input": io.BytesIO(data), **headers}
    setup_testing_defaults(environ)
    seen = {}
    chunks = validator(application)(environ, lambda status, heads, exc=None: seen.update(status=status, **dict(heads)))
    body = b"".join(chunks)
    chunks.close()
    return seen["status"], json.loads(body) if body else None, seen


def main() -> None:
    app = make_application(CaseStore(chromadb.EphemeralClient()))
    cases = [
        {"number": "C-1", "text": "box arrived crushed and the vase inside is broken", "carrier": "swift", "outcome": "refund"},
        {"number": "C-2", "text": "marked as delivered but nothing in my mailbox", "carrier": "swift", "outcome": "resent"},
        {"number": "C-3", "text": "parcel crushed, lamp broken into pieces", "carrier": "postal", "outcome": "refund"},
        {"number": "C-4", "text": "courier left it with a neighbour I do not know", "carrier": "postal", "outcome": "found"},
    ]
    for case in cases:
        assert ask(app, "POST", "/cases", case)[0] == "201 Created"

    status, hits, head = ask(app, "GET", "/cases?q=the+glass+was+broken+and+the+box+crushed&limit=2")
    assert status == "200 OK" and {h["case"] for h in hits} == {"C-1", "C-3"}
    assert ask(app, "GET", "/cases?q=anything", HTTP_IF_NONE_MATCH=head["ETag"])[0] == "304 Not Modified"
    postal = ask(app, "GET", "/cases?q=broken+box&carrier=postal")[1]
    assert [h["carrier"] for h in postal] == ["postal", "postal"]

    assert ask(app, "POST", "/cases", {"number": "C-9", "text": "odd", "outcome": {"nested": 1}})[0].startswith("400")
    assert ask(app, "GET", "/cases?q=%3F%3F")[0].startswith("400")
    assert ask(app, "GET", "/nowhere")[0] == "404 Not Found"
    ask(app, "POST", "/cases", {**cases[1], "outcome": "refund"})
    fresh = ask(app, "GET", "/cases?q=broken", HTTP_IF_NONE_MATCH=head["ETag"])
    assert fresh[0] == "200 OK" and fresh[2]["ETag"] != head["ETag"], "a write makes the cached answer stale"
    print("outcomes:", ask(app, "GET", "/outcomes")[1], "| best match:", hits[0]["case"], hits[0]["similarity"])


if __name__ == "__main__":
    main()
