"""Measure the recall of HNSW settings against an exact search, and pick the cheapest one that is good enough.

HNSW is approximate. Three knobs trade accuracy for time and memory:
  max_neighbors    edges per node, fixed at creation (memory)
  ef_construction  candidates looked at while inserting, fixed at creation (build time)
  ef_search        candidates looked at while querying, adjustable later (query time)
The data are synthetic star spectra: noisy copies of a few templates, which is hard enough to show a loss.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass

import chromadb
import numpy as np
from chromadb.api.collection_configuration import CreateCollectionConfiguration

STARS, DIMENSION, QUERIES, K = 1200, 96, 40, 10


class PrecomputedOnly(chromadb.EmbeddingFunction[chromadb.Documents]):
    """A named function that refuses to embed: the collection is reconfigurable, and never embeds by accident."""

    def __init__(self) -> None: ...

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        raise TypeError("spectra are measured, not embedded: pass embeddings= or query_embeddings=")

    @staticmethod
    def name() -> str:
        return "precomputed-only"

    def get_config(self) -> dict:
        return {}

    @staticmethod
    def build_from_config(config: dict) -> "PrecomputedOnly":
        return PrecomputedOnly()


@dataclass(frozen=True)
class Candidate:
    max_neighbors: int
    ef_construction: int
    ef_search: int

    def as_configuration(self) -> CreateCollectionConfiguration:
        return {
            "hnsw": {
                "space": "l2",
                "max_neighbors": self.max_neighbors,
                "ef_construction": self.ef_construction,
                "ef_search": self.ef_search,
                # Small thresholds, so that the vectors sit in the graph and not in the exact write buffer.
                "batch_size": 100,
                "sync_threshold": 200,
            }
        }


CANDIDATES = [Candidate(2, 4, 2), Candidate(4, 16, 8), Candidate(16, 100, 40), Candidate(32, 200, 200)]


def spectra(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    stars = rng.normal(size=(STARS, DIMENSION))
    questions = stars[rng.choice(STARS, QUERIES, replace=False)] + rng.normal(scale=0.6, size=(QUERIES, DIMENSION))
    return stars.astype(np.float32), questions.astype(np.float32)


def exact_neighbours(stars: np.ndarray, questions: np.ndarray) -> list[set[str]]:
    squared = ((questions[:, None, :] - stars[None, :, :]) ** 2).sum(axis=2)
    return [{f"star-{i}" for i in np.argsort(row)[:K]} for row in squared]


def recall(collection, questions: np.ndarray, truth: list[set[str]]) -> tuple[float, float]:
    """Share of the true neighbours that came back, and milliseconds per query."""
    begin = time.perf_counter()
    found = collection.query(query_embeddings=questions, n_results=K, include=[])["ids"]
    milliseconds = 1000 * (time.perf_counter() - begin) / len(questions)
    hit = sum(len(truth_row & set(row)) for truth_row, row in zip(truth, found))
    return hit / (K * len(questions)), milliseconds


def bench(client: chromadb.ClientAPI, number: int, stars, questions, truth) -> float:
    candidate = CANDIDATES[number]
    begin = time.perf_counter()
    collection = client.create_collection(
        f"spectra_{number}",
        configuration=candidate.as_configuration(),
        embedding_function=PrecomputedOnly(),
    )
    for start in range(0, STARS, 400):
        chunk = stars[start : start + 400]
        collection.add(ids=[f"star-{start + i}" for i in range(len(chunk))], embeddings=chunk)
    score, milliseconds = recall(collection, questions, truth)
    seconds = time.perf_counter() - begin
    print(f"{candidate}  recall {score:.3f}  {milliseconds:.2f} ms/query  built in {seconds:.2f} s")
    return score


def main() -> None:
    stars, questions = spectra(seed=5)
    truth = exact_neighbours(stars, questions)

    with tempfile.TemporaryDirectory() as folder:
        with chromadb.PersistentClient(path=folder) as client:
            scores = [bench(client, n, stars, questions, truth) for n in range(len(CANDIDATES))]
            stored = client.get_collection("spectra_0").configuration["hnsw"]
            assert (stored["max_neighbors"], stored["ef_construction"], stored["ef_search"]) == (2, 4, 2)
            assert scores[0] < 0.5 < 0.95 < scores[-1]

            good_enough = next(c for c, score in zip(CANDIDATES, scores) if score >= 0.9)
            print("cheapest with recall >= 0.9:", good_enough)

            # ef_search is the knob that can be turned on a living collection; the graph's own two cannot.
            sparse = client.get_collection("spectra_1")
            sparse.modify(configuration={"hnsw": {"ef_search": 400}})
            assert client.get_collection("spectra_1").configuration["hnsw"]["ef_search"] == 400
            unchanged, _ = recall(sparse, questions, truth)

        # An embedded client has the graph in memory already: the new value counts once it is loaded again.
        with chromadb.PersistentClient(path=folder) as client:
            patched, _ = recall(client.get_collection("spectra_1"), questions, truth)

    assert abs(unchanged - scores[1]) < 0.05 and patched > unchanged + 0.2
    print(f"ef_search 8 -> 400 on the sparse graph: {unchanged:.3f} until reopened, then {patched:.3f}")


if __name__ == "__main__":
    main()
