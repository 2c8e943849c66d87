"""Discover topics in job postings, name them by their telling words, and route new postings to a topic.

Spherical k-means finds the groups, class-based TF-IDF names them.  The topics live in a second collection (one
record per topic, its centroid as the embedding), so classifying a new posting is a query with n_results=1.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from typing import Sequence

import chromadb
import numpy as np
from chromadb import Documents, EmbeddingFunction, Embeddings

POSTINGS = {
    "nurse-night": "Registered nurse for night shifts on the surgical ward, patient care and medication",
    "nurse-icu": "Intensive care nurse, ventilated patients, medication charts and ward rounds",
    "midwife": "Midwife for the maternity ward, care of patients before and after birth",
    "paramedic": "Paramedic for ambulance shifts, emergency patient care and medication",
    "backend": "Backend engineer building python services, databases and cloud deployment",
    "sre": "Site reliability engineer for cloud services, deployment pipelines and databases",
    "frontend": "Frontend engineer with typescript, design systems and cloud services",
    "data-eng": "Data engineer for python pipelines, databases and cloud warehouses",
    "chef": "Sous chef for a busy restaurant kitchen, menu planning and food hygiene",
    "baker": "Baker for early kitchen shifts, bread, pastry and food hygiene",
    "waiter": "Waiting staff for restaurant evenings, menu knowledge and wine service",
    "barista": "Barista for a restaurant coffee bar, food service and hygiene",
}
STOPWORDS = frozenset("a an and for of on the with to in before after building busy early".split())


def tokens(text: str) -> list[str]:
    """Lower-cased content words, with the plural s cut so that 'patients' meets 'patient'."""
    return [w.rstrip("s") for w in text.lower().replace(",", " ").split() if w not in STOPWORDS]


class HashedWords(EmbeddingFunction[Documents]):
    def __init__(self, width: int = 512) -> None:
        self.width = width

    def __call__(self, input: Documents) -> Embeddings:
        matrix = np.zeros((len(input), self.width), dtype=np.float32)
        for row, text in enumerate(input):
            for token in tokens(text):
                matrix[row, zlib.adler32(token.encode()) * 2654435761 % (1 << 32) % self.width] += 1
        return list(matrix / np.linalg.norm(matrix, axis=1, keepdims=True).clip(min=1e-9))

    @staticmethod
    def name() -> str:
        return "hashed_words"

    def get_config(self) -> dict[str, int]:
        return {"width": self.width}

    @staticmethod
    def build_from_config(config: dict[str, int]) -> "HashedWords":
        return HashedWords(config["width"])


def spherical_kmeans(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """k-means by cosine.  Seeds by farthest-first traversal: deterministic, good for well separated groups."""
    seeds = [0]
    while len(seeds) < k:
        closest = (x @ x[seeds].T).max(axis=1)
        seeds.append(int(closest.argmin()))
    centroids = x[seeds]
    labels = np.full(len(x), -1)
    while True:
        new = (x @ centroids.T).argmax(axis=1)
        if (new == labels).all():
            return labels, centroids
        labels = new
        sums = np.stack([x[labels == j].sum(axis=0) for j in range(k)])
        centroids = sums / np.linalg.norm(sums, axis=1, keepdims=True)


def telling_words(groups: Sequence[Sequence[str]], n: int = 3) -> list[list[str]]:
    """c-TF-IDF: a word is telling when it is frequent in its own group and rare over all groups."""
    counts = [Counter(t for text in group for t in tokens(text)) for group in groups]
    overall = sum(counts, Counter())
    mean_size = sum(overall.values()) / len(groups)
    ranked = []
    for c in counts:
        score = {w: f * math.log(1 + mean_size / overall[w]) for w, f in c.items()}
        ranked.append(sorted(score, key=lambda w: (-score[w], w))[:n])
    return ranked


def build_topics(client: chromadb.ClientAPI, postings: chromadb.Collection, k: int) -> chromadb.Collection:
    data = postings.get(include=["embeddings", "documents"])
    labels, centroids = spherical_kmeans(np.asarray(data["embeddings"]), k)
    members = [[i for i, label in enumerate(labels) if label == j] for j in range(k)]
    names = telling_words([[data["documents"][i] for i in group] for group in members])

    topics = client.create_collection(
        "topics", configuration={"hnsw": {"space": "cosine"}}, metadata={"source": postings.name}, embedding_function=HashedWords()
    )
    topics.add(
        ids=[f"topic-{j}" for j in range(k)],
        embeddings=centroids,                       # precomputed: the embedding function is not asked
        documents=[", ".join(words) for words in names],
        metadatas=[{"size": len(group), "words": words} for group, words in zip(members, names)],
    )
    postings.update(ids=data["ids"], metadatas=[{"topic": f"topic-{j}"} for j in labels])
    return topics


def route(topics: chromadb.Collection, text: str, doubt: float = 0.85) -> str | None:
    """The topic of an unseen posting, or None when even the best is hardly related."""
    best = topics.query(query_texts=[text], n_results=1, include=["distances"])
    return best["ids"][0][0] if best["distances"][0][0] < doubt else None


def main() -> None:
    client = chromadb.EphemeralClient()
    postings = client.create_collection(
        "postings", embedding_function=HashedWords(), configuration={"hnsw": {"space": "cosine"}}
    )
    postings.add(ids=list(POSTINGS), documents=list(POSTINGS.values()))
    topics = build_topics(client, postings, k=3)
    assert topics.count() == 3

    topic_of = dict(zip(*[postings.get()[k] for k in ("ids", "metadatas")]))
    assert topic_of["nurse-icu"] == topic_of["paramedic"] == topic_of["midwife"]
    assert topic_of["backend"] == topic_of["data-eng"] != topic_of["chef"]

    new = route(topics, "Kitchen porter for a restaurant, food hygiene training given")
    assert new == topic_of["chef"]["topic"]
    assert route(topics, "Quantum lute tuner") is None

    nursing = topics.get(where={"words": {"$contains": "patient"}})
    assert nursing["ids"] == [topic_of["midwife"]["topic"]]
    for tid, label, meta in zip(*[topics.get()[k] for k in ("ids", "documents", "metadatas")]):
        inside = postings.get(where={"topic": tid}, include=[])["ids"]
        assert len(inside) == meta["size"]
        print(f"{label:<32} {', '.join(inside)}")


if __name__ == "__main__":
    main()
