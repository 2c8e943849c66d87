"""A FastAPI service that searches court rulings by meaning, court and year, with the collection injected by Depends."""
import hashlib
from functools import lru_cache
from typing import Annotated, Literal

import chromadb
import numpy as np
from chromadb import Collection, Documents, EmbeddingFunction, Embeddings
from pydantic import BaseModel, Field, ValidationError

try:
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.testclient import TestClient
except ImportError:  # just enough of FastAPI to run this file without it
    import inspect
    import re
    from types import SimpleNamespace
    from typing import get_args

    class HTTPException(Exception):
        def __init__(self, status_code, detail):
            self.status_code, self.detail = status_code, detail

    class Depends(SimpleNamespace):
        def __init__(self, dependency):
            super().__init__(dependency=dependency)

    class FastAPI:
        def __init__(self, **_):
            self.routes, self.dependency_overrides = [], {}

        def _verb(verb):
            def declare(self, path, status_code=200, **_):
                pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + r"\Z")
                return lambda f: self.routes.append((verb, pattern, f, status_code)) or f
            return declare

        get, post, delete = _verb("GET"), _verb("POST"), _verb("DELETE")

    class TestClient:
        def __init__(self, app):
            self.app = app

        def _call(self, verb, url, json=None):
            for v, pattern, f, status in self.app.routes:
                m = pattern.match(url)
                if v == verb and m:
                    try:
                        found = {n: self._argument(p.annotation, m.groupdict().get(n), json)
                                 for n, p in inspect.signature(f).parameters.items()}
                        body = f(**found)
                    except ValidationError as e:
                        status, body = 422, {"detail": e.errors()}
                    except HTTPException as e:
                        status, body = e.status_code, {"detail": e.detail}
                    if isinstance(body, BaseModel):
                        body = body.model_dump()
                    return SimpleNamespace(status_code=status, json=lambda: body)
            return SimpleNamespace(status_code=404, json=dict)

        def _argument(self, hint, from_path, json):
            for extra in get_args(hint)[1:]:
                return self.app.dependency_overrides.get(extra.dependency, extra.dependency)()
            return from_path if from_path is not None else hint(**json)

        def get(self, url):
            return self._call("GET", url)

        def post(self, url, json):
            return self._call("POST", url, json)

        def delete(self, url):
            return self._call("DELETE", url)


class StemHashing(EmbeddingFunction[Documents]):
    """Six-letter stems hashed to 300 places; a placeholder for the model you deploy."""

    def __init__(self, places: int = 300):
        self.places = places

    def __call__(self, input: Documents) -> Embeddings:
        out = np.zeros((len(input), self.places), np.float32)
        for i, text in enumerate(input):
            for word in text.lower().split():
                digest = hashlib.sha256(word.strip(".,'")[:6].encode()).digest()
                out[i, int.from_bytes(digest[:3], "big") % self.places] = 1.0
        return list(out)

    @staticmethod
    def name():
        return "stem_hashing"

    def get_config(self):
        return {"places": self.places}

    @staticmethod
    def build_from_config(config):
        return StemHashing(**config)


class RulingIn(BaseModel):
    docket: str = Field(pattern=r"^[A-Z]{2}-\d{4}-\d+$")
    court: Literal["district", "appeal", "supreme"]
    year: int = Field(ge=1900, le=2100)
    holding: str = Field(min_length=10)


class SearchRequest(BaseModel):
    question: str
    courts: list[Literal["district", "appeal", "supreme"]] = []
    since: int | None = None
    top: int = Field(default=3, ge=1, le=20)


class Hit(BaseModel):
    docket: str
    holding: str
    score: float


class SearchResponse(BaseModel):
    hits: list[Hit]


@lru_cache(maxsize=1)
def get_rulings() -> Collection:
    """One client per process: opening a PersistentClient on every request would be slow and wasteful."""
    client = chromadb.PersistentClient(path="./rulings")
    return client.get_or_create_collection("rulings", embedding_function=StemHashing())


Rulings = Annotated[Collection, Depends(get_rulings)]
app = FastAPI(title="Rulings")


# Plain `def` endpoints: FastAPI runs them in its thread pool, so the blocking calls do not stall the loop.
@app.post("/rulings", status_code=201)
def publish(ruling: RulingIn, rulings: Rulings):
    if rulings.get(ids=[ruling.docket], include=[])["ids"]:
        raise HTTPException(status_code=409, detail=f"{ruling.docket} is already published")
    rulings.add(ids=[ruling.docket], documents=[ruling.holding], metadatas=[{"court": ruling.court, "year": ruling.year}])
    return {"docket": ruling.docket, "total": rulings.count()}


@app.post("/search", response_model=SearchResponse)
def search(request: SearchRequest, rulings: Rulings):
    clauses = []
    if request.courts:
        clauses.append({"court": {"$in": request.courts}})
    if request.since is not None:
        clauses.append({"year": {"$gte": request.since}})
    # $and wants at least two clauses; a single one stands alone, none means no filter.
    where = {"$and": clauses} if len(clauses) > 1 else (clauses[0] if clauses else None)
    found = rulings.query(query_texts=[request.question], n_results=request.top, where=where)
    rows = zip(found["ids"][0], found["documents"][0], found["distances"][0])
    return SearchResponse(hits=[Hit(docket=i, holding=d, score=1 - x) for i, d, x in rows])


@app.delete("/rulings/{docket}", status_code=200)
def withdraw(docket: str, rulings: Rulings):
    # delete() does not complain about unknown ids: look first, to be able to answer 404.
    if not rulings.get(ids=[docket], include=[])["ids"]:
        raise HTTPException(status_code=404, detail="no such docket")
    rulings.delete(ids=[docket])
    return {"withdrawn": docket}


def main():
    memory = chromadb.EphemeralClient().create_collection(
        "rulings_test", configuration={"hnsw": {"space": "cosine"}}, embedding_function=StemHashing()
    )
    app.dependency_overrides[get_rulings] = lambda: memory
    http = TestClient(app)

    for docket, court, year, holding in [
        ("CV-2004-17", "district", 2004, "A landlord must return the deposit when the tenant leaves the flat clean."),
        ("CV-2019-3", "appeal", 2019, "A landlord may keep part of the deposit for damage the tenant caused."),
        ("CR-2021-88", "supreme", 2021, "Evidence from an unlawful search of a car must be excluded."),
    ]:
        reply = http.post("/rulings", json={"docket": docket, "court": court, "year": year, "holding": holding})
        assert reply.status_code == 201, reply.json()
    again = http.post("/rulings", json={"docket": "CV-2019-3", "court": "appeal", "year": 2019, "holding": "Something else."})
    assert again.status_code == 409
    assert http.post("/rulings", json={"docket": "x", "court": "moot", "year": 1, "holding": ""}).status_code == 422

    hits = http.post("/search", json={"question": "tenant deposit landlord", "top": 2}).json()["hits"]
    assert {h["docket"] for h in hits} == {"CV-2004-17", "CV-2019-3"}
    recent = http.post("/search", json={"question": "tenant deposit", "since": 2010, "courts": ["appeal", "district"]}).json()
    assert [h["docket"] for h in recent["hits"]] == ["CV-2019-3"]
    assert http.delete("/rulings/CR-2021-88").status_code == 200
    assert http.delete("/rulings/CR-2021-88").status_code == 404
    print("best:", hits[0]["docket"], f"{hits[0]['score']:.2f}", "|", memory.count(), "rulings left")


if __name__ == "__main__":
    main()
