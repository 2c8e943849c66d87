"""Answer questions about medicine leaflets with numbered citations that point at exact character ranges.

A sentence that cannot be traced to its leaflet is worthless to a pharmacist, so each
stored passage carries the offsets of its text, and every citation is checked
against the original before it is shown.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

import chromadb
import numpy as np

LEAFLETS = {
    "amoxil-250": (
        "Take one capsule three times a day with water. "
        "Do not take this medicine if you are allergic to penicillin. "
        "Finish the whole course even if you feel better. "
        "Common side effects are nausea and a mild skin rash."
    ),
    "ibuprofen-400": (
        "Take one tablet up to three times a day after food. "
        "Do not take with a stomach ulcer or severe heart failure. "
        "Drinking alcohol raises the risk of stomach bleeding. "
        "Do not use in the last three months of pregnancy."
    ),
    "loratadine-10": (
        "Take one tablet once a day, with or without food. "
        "Most people do not become drowsy, but do not drive until you know how it affects you. "
        "Store below 25 degrees, out of the reach of children."
    ),
}


@dataclass(frozen=True)
class Citation:
    leaflet: str
    start: int
    end: int

    @property
    def quote(self) -> str:
        return LEAFLETS[self.leaflet][self.start : self.end]


@dataclass
class Answer:
    question: str
    lines: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    def render(self) -> str:
        notes = [f"  [{n}] {c.leaflet}, characters {c.start}-{c.end}" for n, c in enumerate(self.citations, 1)]
        return "\n".join([f"Q: {self.question}", *self.lines, *notes])


def trigram_matrix(texts: list[str], width: int = 1024) -> np.ndarray:
    """Character trigrams, so that 'pregnant' still meets 'pregnancy'."""
    matrix = np.zeros((len(texts), width), dtype=np.float32)
    for row, text in zip(matrix, texts):
        for word in re.findall(r"[a-z0-9]{3,}", text.lower()):
            padded = f"<{word}>"
            for i in range(len(padded) - 2):
                a, b, c = padded[i : i + 3].encode()
                row[(a * 961 + b * 31 + c) % width] += 1.0
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)


def sentences_with_offsets(text: str):
    for match in re.finditer(r"[^.]+\.", text):
        lead = len(match.group()) - len(match.group().lstrip())
        yield match.start() + lead, match.end()


class LeafletDesk:
    def __init__(self, client: chromadb.ClientAPI) -> None:
        # Vectors are computed here and handed over, so the collection needs no embedding function.
        self.passages = client.get_or_create_collection(
            name="leaflet_passages",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine"}},
        )

    def load(self, leaflet: str, text: str) -> int:
        spans = list(sentences_with_offsets(text))
        quotes = [text[a:b] for a, b in spans]
        # A heading-like prefix lets a question that names the drug find its leaflet.
        vectors = trigram_matrix([f"{leaflet} {quote}" for quote in quotes])
        self.passages.upsert(
            ids=[f"{leaflet}@{a}" for a, _ in spans],
            embeddings=vectors,
            documents=quotes,
            metadatas=[{"leaflet": leaflet, "start": a, "end": b} for a, b in spans],
            uris=[f"leaflet://{leaflet}#char={a},{b}" for a, b in spans],
        )
        return len(spans)

    def answer(self, question: str, *, leaflet: str | None = None, limit: int = 2, cutoff: float = 0.85) -> Answer:
        found = self.passages.query(
            query_embeddings=trigram_matrix([question]),
            n_results=limit,
            where={"leaflet": leaflet} if leaflet else None,
            include=["documents", "metadatas", "distances", "uris"],
        )
        answer = Answer(question)
        rows = zip(found["documents"][0], found["metadatas"][0], found["distances"][0], found["uris"][0])
        for document, meta, distance, uri in rows:
            if distance > cutoff:  # too far away to be called an answer
                continue
            citation = Citation(meta["leaflet"], meta["start"], meta["end"])
            if citation.quote != document:
                raise RuntimeError(f"{uri} no longer matches the leaflet it was cut from")
            answer.citations.append(citation)
            answer.lines.append(f"A: {document} [{len(answer.citations)}]")
        if not answer.lines:
            answer.lines.append("A: The leaflets do not say. Please ask the pharmacist.")
        return answer


def main() -> None:
    desk = LeafletDesk(chromadb.EphemeralClient())
    loaded = sum(desk.load(name, text) for name, text in LEAFLETS.items())
    assert loaded == desk.passages.count() == 11

    allergy = desk.answer("I am allergic to penicillin, can I take amoxil?")
    print(allergy.render(), end="\n\n")
    assert allergy.citations[0].leaflet == "amoxil-250"
    assert "allergic to penicillin" in allergy.citations[0].quote

    pregnant = desk.answer("can a pregnant woman use it in the last months", leaflet="ibuprofen-400", limit=1)
    print(pregnant.render(), end="\n\n")
    assert pregnant.citations[0].quote == "Do not use in the last three months of pregnancy."

    nothing = desk.answer("Xylophone lessons?", limit=3, cutoff=0.6)
    print(nothing.render())
    assert not nothing.citations and "pharmacist" in nothing.lines[0]

    # A leaflet edited behind the index's back must be noticed, never quoted wrongly.
    LEAFLETS["loratadine-10"] = "NEW TEXT. " + LEAFLETS["loratadine-10"]
    try:
        desk.answer("drowsy, may I drive?", leaflet="loratadine-10")
    except RuntimeError as stale:
        print("\nrefused:", stale)
    else:
        raise AssertionError("a stale citation went through")


if __name__ == "__main__":
    main()
