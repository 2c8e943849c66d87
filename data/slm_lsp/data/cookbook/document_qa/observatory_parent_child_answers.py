"""Search small sentences but hand whole paragraphs to the reader, and stay silent when nothing is near.

Small pieces embed sharply; large pieces explain well.  The observatory's visitor
guide therefore lives in two collections: `children` is searched, `parents` is only
ever fetched by id.
"""
from typing import Iterable, Optional, TypedDict

import chromadb
import numpy as np
import numpy.typing as npt

GUIDE = {
    "refractor": (
        "The great refractor was finished in 1887. Its objective lens measures sixty-eight centimetres. "
        "Visitors look through it on the first Saturday of the month."
    ),
    "sun": (
        "Never look at the sun through an unfiltered telescope. The solar room projects the image onto a table, "
        "where sunspots can be drawn safely."
    ),
    "meteorites": (
        "The iron meteorite in the hall weighs eleven kilograms. It fell near the river in 1751. "
        "Children may touch it; it is colder than they expect."
    ),
    "radio": (
        "The small dish listens to hydrogen at twenty-one centimetres. On cloudy nights it is the only instrument at work."
    ),
}

Array = npt.NDArray[np.float32]


class Passage(TypedDict):
    parent: str
    text: str
    evidence: list[str]
    distance: float


class BigramHasher:
    """Letter pairs and triples of each word, log-damped and normalised to length one."""

    def __init__(self, width: int) -> None:
        self.width = width

    def _features(self, text: str) -> Iterable[int]:
        for token in "".join(c if c.isalnum() else " " for c in text.lower()).split():
            if len(token) < 3:
                continue
            for n in (3, 4):
                for i in range(len(token) - n + 1):
                    yield sum(ord(c) * 257**k for k, c in enumerate(token[i : i + n])) % self.width

    def encode(self, texts: list[str]) -> Array:
        counts = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            np.add.at(counts[row], list(self._features(text)), 1.0)
        damped = np.log1p(counts) + 1e-6
        return (damped / np.linalg.norm(damped, axis=1, keepdims=True)).astype(np.float32)


class ParentChildIndex:
    def __init__(self, client: chromadb.ClientAPI, encoder: BigramHasher) -> None:
        self.encoder = encoder
        # Unit vectors: inner product and cosine agree, and "ip" skips the division.
        self.children = client.create_collection(
            name="guide_children",
            configuration={"hnsw": {"space": "ip", "max_neighbors": 32, "ef_construction": 200}},
            get_or_create=True,
        )
        # Parents are never searched.  A collection needs vectors of some kind, so each gets
        # a single zero: one dimension is the smallest index there is.
        self.parents = client.create_collection(name="guide_parents", get_or_create=True)

    def put(self, key: str, paragraph: str) -> None:
        sentences = [s.strip().rstrip(".") + "." for s in paragraph.split(". ") if s.strip()]
        self.forget(key)
        self.parents.add(ids=[key], embeddings=[[0.0]], documents=[paragraph], metadatas=[{"children": len(sentences)}])
        self.children.add(
            ids=[f"{key}/{n}" for n, _ in enumerate(sentences)],
            embeddings=self.encoder.encode(sentences),
            documents=sentences,
            metadatas=[{"parent": key} for _ in sentences],
        )

    def forget(self, key: str) -> int:
        if self.parents.get(ids=[key], include=[])["ids"]:
            self.parents.delete(ids=[key])
        return self.children.delete(where={"parent": key})["deleted"]

    def find(self, question: str, *, sentences: int = 6, cutoff: float = 0.82) -> list[Passage]:
        hits = self.children.query(
            query_embeddings=self.encoder.encode([question]),
            n_results=sentences,
            include=["documents", "metadatas", "distances"],
        )
        # Several children of one parent are evidence for one passage, not several passages.
        grouped: dict[str, Passage] = {}
        for doc, meta, distance in zip(hits["documents"][0], hits["metadatas"][0], hits["distances"][0]):
            if distance > cutoff:
                break  # sorted: nothing nearer will follow
            passage = grouped.setdefault(
                meta["parent"], Passage(parent=meta["parent"], text="", evidence=[], distance=distance)
            )
            passage["evidence"].append(doc)
        if grouped:
            rows = self.parents.get(ids=list(grouped), include=["documents"])
            for key, text in zip(rows["ids"], rows["documents"]):
                grouped[key]["text"] = text
        return list(grouped.values())

    def best(self, question: str) -> Optional[Passage]:
        return next(iter(self.find(question)), None)


def main() -> None:
    index = ParentChildIndex(chromadb.EphemeralClient(), BigramHasher(width=769))
    for key, paragraph in GUIDE.items():
        index.put(key, paragraph)
    assert index.parents.count() == 4
    assert index.children.count() == sum(m["children"] for m in index.parents.get()["metadatas"])

    weight = index.best("How many kilograms does the meteorite weigh?")
    assert weight is not None and weight["parent"] == "meteorites"
    assert "1751" in weight["text"], "the reader gets the whole paragraph"
    assert "1751" not in weight["evidence"][0], "although one sentence was enough to find it"
    print("evidence:", weight["evidence"][0], "\npassage :", weight["text"])

    safe = index.best("can we see sunspots safely in the solar room")
    assert safe is not None and safe["parent"] == "sun"

    silent = index.best("Quelle heure ouvre le café?")
    assert silent is None, silent
    print("unknown question -> no answer rather than a wrong one")

    # Rewriting a paragraph replaces its children; fewer sentences leave no leftovers behind.
    before = index.children.count()
    index.put("radio", "The dish is being repaired.")
    assert index.children.count() == before - 1
    dish = index.best("is the dish repaired?")
    assert dish is not None and dish["evidence"] == ["The dish is being repaired."]
    print("children:", before, "->", index.children.count())


if __name__ == "__main__":
    main()
