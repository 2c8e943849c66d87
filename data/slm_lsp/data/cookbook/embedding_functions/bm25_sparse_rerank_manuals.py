"""Rerank dense hits on appliance manuals with sparse BM25 vectors: Chroma's own function, and a registered custom one.

A sparse index lives in Chroma Cloud only; a local collection refuses it.  What works everywhere is to use a
SparseEmbeddingFunction as a plain function: embed the dense candidates and the question sparsely, and add the scores.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import chromadb
import numpy as np
from chromadb import K, Schema, SparseEmbeddingFunction, SparseVector, SparseVectorIndexConfig, SparseVectors
from chromadb.errors import ChromaError
from chromadb.utils.embedding_functions import (
    ChromaBm25EmbeddingFunction,
    EmbeddingFunction,
    register_sparse_embedding_function,
    sparse_known_embedding_functions,
)

# BM25 stems its words with snowballstemmer.  Where that is not installed, cutting off endings must do.
try:
    import snowballstemmer  # noqa: F401
except ImportError:

    def stem_word(word: str) -> str:
        for ending in ("ing", "ed", "es", "s"):
            if word.endswith(ending) and len(word) > len(ending) + 2:
                return word[: -len(ending)]
        return word

    fallback = ModuleType("snowballstemmer")
    fallback.stemmer = lambda language: SimpleNamespace(stemWord=stem_word)
    sys.modules["snowballstemmer"] = fallback

MANUALS = {
    "washer-e18": "Error E18: the pump is blocked. Drain the washer, open the filter and clean the pump.",
    "washer-e23": "Error E23: water in the base. Close the tap, dry the base of the washer.",
    "dryer-f57": "Error F57: heater too hot. Clean the lint filter, let the dryer cool.",
    "dish-e15": "Error E15: water in the base of the dishwasher. Tilt the dishwasher to drain it.",
    "dish-e24": "Error E24: the drain hose is kinked or blocked. Clean the filter of the dishwasher.",
    "oven-f01": "Error F01: relay stuck. Switch the oven off at the fuse.",
}


class Gist(EmbeddingFunction[list[str]]):
    """A dense function as they all are: good at topics, blind to codes such as E15 and E18."""

    topics = (("wash", "dish"), ("dryer", "lint"), ("oven", "fuse"), ("pump", "drain", "hose", "blocked"), ("water", "dry"))

    def __init__(self) -> None:
        self.width = len(self.topics)

    def __call__(self, input: list[str]) -> list[np.ndarray]:
        return [
            np.array([0.1 + sum(text.lower().count(word) for word in topic) for topic in self.topics]) for text in input
        ]

    @staticmethod
    def name() -> str:
        return "gist"

    def get_config(self) -> dict:
        return {}

    @staticmethod
    def build_from_config(config: dict) -> Gist:
        return Gist()


@register_sparse_embedding_function
class ErrorCodes(SparseEmbeddingFunction[list[str]]):
    """One dimension per possible code (a letter and two digits), all other words ignored."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, input: list[str]) -> SparseVectors:
        return [self._codes(text) for text in input]

    def _codes(self, text: str) -> SparseVector:
        words = {w.strip(".,:?").upper() for w in text.split()}
        codes = sorted(w for w in words if len(w) == 3 and w[0].isalpha() and w[1:].isdigit())
        # indices must be strictly increasing, hence sorted
        indices = [(ord(code[0]) - ord("A")) * 100 + int(code[1:]) for code in codes]
        return SparseVector(indices=indices, values=[self.weight] * len(indices))

    @staticmethod
    def name() -> str:
        return "error_codes"

    def get_config(self) -> dict:
        return {"weight": self.weight}

    @staticmethod
    def build_from_config(config: dict) -> ErrorCodes:
        return ErrorCodes(config["weight"])


def dot(a: SparseVector, b: SparseVector) -> float:
    other = dict(zip(b.indices, b.values))
    return sum(value * other.get(index, 0.0) for index, value in zip(a.indices, a.values))


def hybrid(manuals: chromadb.Collection, question: str, sparse: list[SparseEmbeddingFunction], k: int = 1) -> list[str]:
    """Dense search for candidates, then 1 - distance plus every sparse score."""
    found = manuals.query(query_texts=[question], n_results=5, include=["documents", "distances"])
    ids, documents, distances = (found[key][0] for key in ("ids", "documents", "distances"))
    scores = 1.0 - np.array(distances)
    for function in sparse:
        wanted = function.embed_query([question])[0]
        scores += [dot(wanted, vector) for vector in function(documents)]
    return [ids[i] for i in np.argsort(-scores)[:k]]


def main() -> None:
    client = chromadb.EphemeralClient()
    manuals = client.create_collection(
        "manuals", embedding_function=Gist(), configuration={"hnsw": {"space": "cosine"}}
    )
    manuals.add(ids=list(MANUALS), documents=list(MANUALS.values()))

    bm25 = ChromaBm25EmbeddingFunction(k=1.2, b=0.75, avg_doc_length=14.0, stopwords=["the", "is", "of", "in", "to"])
    codes = ErrorCodes(weight=3.0)

    question = "washer or dishwasher, water: what is E23?"
    dense_only = hybrid(manuals, question, sparse=[])
    assert dense_only == ["dish-e15"], dense_only  # right topic, wrong machine and code
    assert hybrid(manuals, question, sparse=[codes]) == ["washer-e23"]
    assert hybrid(manuals, "dishwasher hose kinked", sparse=[bm25]) == ["dish-e24"]
    assert hybrid(manuals, "cleaning the lint filters", sparse=[bm25, codes]) == ["dryer-f57"]  # stems meet

    # What the vectors look like: with include_tokens BM25 keeps the words beside their hashes.
    labelled = ChromaBm25EmbeddingFunction(include_tokens=True)(["Drain the pump, drain it"])[0]
    assert sorted(labelled.labels) == ["drain", "pump"] and labelled.indices == sorted(labelled.indices)
    drain = labelled.values[labelled.labels.index("drain")]
    assert drain > labelled.values[labelled.labels.index("pump")]  # twice, but not twice as much: k saturates

    # Registered functions come back from their configuration, like dense ones.
    again = sparse_known_embedding_functions["error_codes"].build_from_config(codes.get_config())
    assert again(["E15 and F01"])[0].values == [3.0, 3.0]
    assert bm25.get_config()["stopwords"] == ["the", "is", "of", "in", "to"]

    # The declaration for a sparse index; local Chroma says no at creation.
    schema = Schema().create_index(
        config=SparseVectorIndexConfig(source_key=K.DOCUMENT, embedding_function=bm25), key="bm25"
    )
    try:
        client.create_collection("manuals-cloud", schema=schema, embedding_function=None)
    except ChromaError as error:
        print("local:", error)
    else:
        raise AssertionError("sparse indexes work locally now: use them instead of this program")
    print("dense:", dense_only[0], "| hybrid:", hybrid(manuals, question, [bm25, codes])[0])


if __name__ == "__main__":
    main()
