"""Cache embedding vectors themselves: a wrapper embedding function that asks Chroma before it asks the paid model.

Re-indexing the same corpus under other chunk metadata, running tests, or A/B-testing
index settings embeds the same texts again and again.  The wrapper looks every text up
by digest in a collection of its own and only sends the unknown ones on.
"""

import hashlib
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, cast

import chromadb
import numpy as np
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings


class Model(Protocol):
    name: str
    dimension: int

    def encode(self, texts: list[str]) -> np.ndarray: ...


class PaidModel:
    """Counts what it is asked for; otherwise a seeded random vector per text."""

    name = "paid-embed-3"
    dimension = 48

    def __init__(self) -> None:
        self.requests = 0
        self.texts: list[str] = []

    def encode(self, texts: list[str]) -> np.ndarray:
        self.requests += 1
        self.texts += texts
        seeds = (int(hashlib.sha1(t.encode()).hexdigest()[:12], 16) for t in texts)
        return np.stack([np.random.default_rng(seed).normal(size=self.dimension) for seed in seeds])


class CachedEmbedding(EmbeddingFunction[Documents]):
    def __init__(self, model: Model, store: chromadb.Collection) -> None:
        self.model = model
        self.store = store
        self.hits = self.misses = 0
        self._lock = threading.Lock()

    def _key(self, text: str) -> str:
        # The model's name is part of the key: two models never share a vector.
        return hashlib.sha256(f"{self.model.name}\0{text}".encode()).hexdigest()

    def __call__(self, input: Documents) -> Embeddings:
        keys = [self._key(text) for text in input]
        with self._lock:  # look-up and fill are one step, or two threads would pay for the same text
            known = self._load(list(dict.fromkeys(keys)))
            unknown = {key: text for key, text in zip(keys, input) if key not in known}
            self.hits += len(keys) - len(unknown)
            self.misses += len(unknown)
            if unknown:
                vectors = self.model.encode(list(unknown.values()))
                self.store.add(
                    ids=list(unknown),
                    embeddings=vectors,
                    metadatas=[{"model": self.model.name, "chars": len(text)} for text in unknown.values()],
                )
                # Read back through float32, so that a hit later is bit for bit the same as the miss now.
                known |= {key: row.astype(np.float32) for key, row in zip(unknown, vectors)}
        return cast(Embeddings, [known[key] for key in keys])

    def _load(self, keys: list[str]) -> dict[str, np.ndarray]:
        found = self.store.get(ids=keys, include=["embeddings"])
        return {key: np.asarray(row, dtype=np.float32) for key, row in zip(found["ids"], found["embeddings"])}

    @staticmethod
    def name() -> str:
        return "cached-embedding"

    def get_config(self) -> dict[str, Any]:
        # Only what can be written down.  The live model and store have to be handed in again.
        return {"model": self.model.name}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "CachedEmbedding":
        model = PaidModel()
        if config["model"] != model.name:
            raise ValueError(f"no such model: {config['model']}")
        return CachedEmbedding(model, chromadb.EphemeralClient().get_or_create_collection("vector_cache"))


STARS = [
    "Vega is the fifth-brightest star in the night sky.",
    "Betelgeuse is a red supergiant near the end of its life.",
    "Sirius has a white dwarf for a companion.",
    "Polaris stands less than a degree from the pole.",
    "Barnard's star moves faster across the sky than any other.",
]


def run(folder: str) -> None:
    model = PaidModel()
    with chromadb.PersistentClient(path=folder) as client:
        # The cache is never searched, so the cheapest graph will do.
        store = client.get_or_create_collection(
            "vector_cache", configuration={"hnsw": {"max_neighbors": 4, "ef_construction": 10, "ef_search": 10}}
        )
        embed = CachedEmbedding(model, store)

        catalogue = client.create_collection("stars", embedding_function=embed)
        catalogue.add(ids=[f"star-{n}" for n in range(5)], documents=STARS)
        assert (embed.hits, embed.misses) == (0, 5) and model.requests == 1

        # The same corpus under other settings costs nothing.
        trial = client.create_collection(
            "stars-cosine-trial", embedding_function=embed, configuration={"hnsw": {"space": "cosine"}}
        )
        trial.add(ids=[f"star-{n}" for n in range(5)], documents=STARS, metadatas=[{"trial": True}] * 5)
        assert model.requests == 1 and embed.hits == 5

        same = catalogue.get(include=["embeddings"])["embeddings"]
        # A cosine index keeps unit vectors, so what it returns may differ in the last bit.
        np.testing.assert_allclose(trial.get(include=["embeddings"])["embeddings"], same, rtol=1e-5)

        # A text twice in one call is paid for once.
        catalogue.upsert(ids=["new-1", "new-2"], documents=["Algol winks every three days."] * 2)
        assert model.texts.count("Algol winks every three days.") == 1

        # Popular queries are texts too.
        for _ in range(3):
            nearest = catalogue.query(query_texts=[STARS[2]], n_results=1)
            assert nearest["ids"] == [["star-2"]] and nearest["distances"][0][0] < 1e-6
        assert model.requests == 2

        # Eight threads want the same unseen text at the same time.
        with ThreadPoolExecutor(max_workers=8) as pool:
            vectors = list(pool.map(lambda _: embed(["Mira fades and returns."])[0], range(8)))
        assert all(np.array_equal(vectors[0], v) for v in vectors)
        assert model.texts.count("Mira fades and returns.") == 1
        print(f"first run : {embed.hits} hits, {embed.misses} misses, {model.requests} requests")

    # The next process starts with a warm cache and a new model object.
    model = PaidModel()
    with chromadb.PersistentClient(path=folder) as client:
        embed = CachedEmbedding(model, client.get_collection("vector_cache"))
        catalogue = client.get_collection("stars", embedding_function=embed)
        found = catalogue.query(query_texts=[STARS[0]], n_results=1, include=["documents"])
        assert found["documents"][0][0] == STARS[0] and model.requests == 0
        sizes = client.get_collection("vector_cache").get(where={"chars": {"$gt": 50}}, include=["metadatas"])
        print(f"second run: {embed.hits} hits, {model.requests} requests; {len(sizes['ids'])} long texts cached")
        assert {m["model"] for m in sizes["metadatas"]} == {"paid-embed-3"}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="stars-") as scratch:
        run(scratch)
