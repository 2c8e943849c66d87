"""Move a ship-log collection to a new embedding model: re-embed in pages, resume after a crash, compare, switch.

Vectors of two models cannot live in one collection: usually the dimension differs, and where it does not the
distances mean nothing. So the documents are embedded again into a sibling collection, which takes over the plain name
once it agrees with the old one.
"""

import chromadb
import numpy as np
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

PAGE = 16


def stable_hash(text):
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


@register_embedding_function
class WordHash(EmbeddingFunction[Documents]):
    """The 'model': words hashed into buckets. Version 2 has more buckets and looks at word pairs as well."""

    def __init__(self, version: int = 1) -> None:
        self.version = version
        self.dimension = {1: 24, 2: 64}[version]
        self.embedded = 0

    def __call__(self, input: Documents) -> Embeddings:
        matrix = np.zeros((len(input), self.dimension), dtype=np.float32)
        for row, text in zip(matrix, input):
            words = text.lower().split()
            grams = words + ([f"{a}_{b}" for a, b in zip(words, words[1:])] if self.version == 2 else [])
            for gram in grams:
                row[stable_hash(gram) % self.dimension] += 1.0
            row /= max(float(np.linalg.norm(row)), 1e-6)
        self.embedded += len(input)
        return list(matrix)

    @staticmethod
    def name() -> str:
        return "word-hash"

    def get_config(self) -> dict:
        return {"version": self.version}

    @staticmethod
    def build_from_config(config: dict) -> "WordHash":
        return WordHash(**config)


class Crash(Exception):
    """Stands for everything that stops a long job."""


def reembed(client, source_name, target_name, model, *, crash_after=None):
    """Bring target up to date with source. Pages that are complete are skipped, so it may be run again.

    Returns how many documents were embedded in this run.
    """
    source = client.get_collection(source_name)
    target = client.get_or_create_collection(
        target_name,
        embedding_function=model,
        configuration={"hnsw": {"space": source.configuration["hnsw"]["space"]}},
        metadata={**(source.metadata or {}), "reembedded_from": source_name},
    )
    done = 0
    for offset in range(0, source.count(), PAGE):
        page = source.get(limit=PAGE, offset=offset, include=["documents", "metadatas"])
        present = set(target.get(ids=page["ids"], include=[])["ids"])
        todo = [i for i, key in enumerate(page["ids"]) if key not in present]
        if todo:
            # No embeddings: the target's function makes them. Records without a text could not be re-embedded.
            target.add(
                ids=[page["ids"][i] for i in todo],
                documents=[page["documents"][i] for i in todo],
                metadatas=[page["metadatas"][i] for i in todo],
            )
            done += len(todo)
        if crash_after is not None and done >= crash_after:
            raise Crash(f"after {done} documents")
    # What vanished from the source meanwhile must not survive in the target.
    orphans = set(target.get(include=[])["ids"]) - set(source.get(include=[])["ids"])
    if orphans:
        target.delete(ids=sorted(orphans))
    return done


def overlap_at(k, old, new, questions):
    """Mean share of common results: a sanity check before switching, not a measure of quality."""
    a = old.query(query_texts=questions, n_results=k, include=[])["ids"]
    b = new.query(query_texts=questions, n_results=k, include=[])["ids"]
    return float(np.mean([len(set(x) & set(y)) / k for x, y in zip(a, b)]))


def main():
    client = chromadb.EphemeralClient()
    weather = ["fair wind", "gale warning", "dense fog", "heavy swell", "calm sea"]
    events = ["course held", "sails reefed", "man overboard drill", "fishing nets lost", "radio check", "engine halted"]
    logs = [f"{w} and {e} at watch {n}" for n in range(2) for w in weather for e in events]
    v1 = client.create_collection(
        "ship_logs.v1",
        embedding_function=WordHash(version=1),
        configuration={"hnsw": {"space": "cosine"}},
        metadata={"vessel": "Albatros"},
    )
    v1.add(
        ids=[f"log-{n:03d}" for n in range(len(logs))],
        documents=logs,
        metadatas=[{"day": n // 6} for n in range(len(logs))],
    )

    # New vectors do not fit into the old collection.
    try:
        v1.upsert(ids=["log-000"], documents=[logs[0]], embeddings=WordHash(version=2)([logs[0]]))
    except chromadb.errors.InvalidArgumentError as error:
        print("why not in place:", error)
    else:
        raise AssertionError("64 numbers should not fit into 24")

    model = WordHash(version=2)
    try:
        reembed(client, "ship_logs.v1", "ship_logs.v2", model, crash_after=30)
    except Crash as crash:
        print("first run crashed", crash)
    halfway = client.get_collection("ship_logs.v2").count()
    assert 0 < halfway < len(logs)

    v1.delete(ids=["log-001"])  # the world does not stand still
    second = reembed(client, "ship_logs.v1", "ship_logs.v2", model)
    assert second == len(logs) - halfway, "finished pages were not embedded again"
    assert reembed(client, "ship_logs.v1", "ship_logs.v2", model) == 0

    v2 = client.get_collection("ship_logs.v2")
    assert v2.count() == v1.count() == len(logs) - 1
    assert v2.metadata == {"vessel": "Albatros", "reembedded_from": "ship_logs.v1"}
    assert (v1.get_model().dimension, v2.get_model().dimension) == (None, 64)  # v1: as it was when created
    assert v2.peek(limit=1)["embeddings"].shape == (1, 64)
    assert v2.configuration["embedding_function"].version == 2
    assert v2.get(ids="log-013") == v1.get(ids="log-013")  # texts and metadata are the same

    questions = ["gale warning and sails reefed", "dense fog radio check", "fishing nets lost"]
    agreement = overlap_at(5, v1, v2, questions)
    assert agreement > 0.2
    best = v2.query(query_texts=questions[:1], n_results=1)["documents"][0][0]
    assert best.startswith("gale warning and sails reefed")
    print(f"re-embedded {model.embedded} texts; old and new agree on {agreement:.0%} of the top 5; e.g. {best!r}")

    client.delete_collection("ship_logs.v1")
    v2.modify(name="ship_logs")
    assert [c.name for c in client.list_collections()] == ["ship_logs"]


if __name__ == "__main__":
    main()
