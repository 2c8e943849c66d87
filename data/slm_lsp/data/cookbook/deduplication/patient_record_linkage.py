"""Link the records of one patient across three hospital systems that share no common identifier.

Blocking (sex and birth year, as a `where` filter) keeps the comparisons few; the name vector orders what is
left; a score over several fields decides: link, ask a clerk, or open a new master record.
"""
from __future__ import annotations

import datetime as dt
import enum
import itertools
from typing import NamedTuple

import chromadb
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


class Decision(enum.Enum):
    LINK = "link"
    REVIEW = "review"
    NEW = "new"


class Record(NamedTuple):
    key: str
    family: str
    given: str
    born: dt.date
    sex: str
    postcode: str


RECORDS = [
    Record("cardio/1", "Fitzgerald", "Maeve", dt.date(1961, 3, 14), "f", "D04"),
    Record("cardio/2", "O'Connor", "Sean", dt.date(1975, 11, 2), "m", "D08"),
    Record("renal/77", "Fitzgerlad", "Maeve", dt.date(1961, 3, 14), "f", "D04"),
    Record("renal/78", "Fitzgerald", "Maura", dt.date(1961, 9, 30), "f", "T12"),
    Record("lab/5001", "OConnor", "Séan", dt.date(1975, 2, 11), "m", "D08"),   # day and month swapped
    Record("lab/5002", "Nowak", "Zofia", dt.date(1988, 6, 21), "f", "D15"),
    Record("lab/5003", "Fitzgerald", "M.", dt.date(1961, 3, 14), "f", "D06"),
]


def plain(name: str) -> str:
    folded = name.lower().replace("é", "e").replace("ó", "o")
    return "".join(c for c in folded if c in ALPHABET)


def name_vector(family: str, given: str) -> list[float]:
    """Letter counts of the family name, its letter pairs' gaps, and the initial: cheap and typo tolerant."""
    vector = [0.0] * (26 + 26 + 26)
    name = plain(family)
    for c in name:
        vector[ALPHABET.index(c)] += 1
    for a, b in itertools.pairwise(name):
        vector[26 + (ALPHABET.index(b) - ALPHABET.index(a)) % 26] += 0.5
    vector[52 + ALPHABET.index(plain(given)[0])] = 2.0
    return vector


def fields_score(record: Record, meta: dict) -> int:
    """How many independent facts agree, 0..5; the swap of day and month counts half as good."""
    born = dt.date.fromisoformat(meta["born"])
    score = 0
    if record.born == born:
        score += 2
    elif (record.born.day, record.born.month) == (born.month, born.day):
        score += 1
    score += record.postcode == meta["postcode"]
    given, known = plain(record.given), plain(meta["given"])
    score += 2 * (given == known) or (given[0] == known[0])
    return score


class MasterIndex:
    def __init__(self, collection: Collection) -> None:
        self.people = collection
        self._next = itertools.count(1)

    def candidates(self, record: Record) -> list[tuple[str, dict, float]]:
        result = self.people.query(
            query_embeddings=[name_vector(record.family, record.given)],
            n_results=3,
            where={"$and": [{"sex": record.sex}, {"year": {"$in": [record.born.year - 1, record.born.year, record.born.year + 1]}}]},
            include=["metadatas", "distances"],
        )
        return list(zip(result["ids"][0], result["metadatas"][0], result["distances"][0]))

    def decide(self, record: Record) -> tuple[Decision, dict | None]:
        best: tuple[int, dict] | None = None
        for _, meta, distance in self.candidates(record):
            if distance > 0.2:
                break        # results come nearest first, the rest is further off
            score = fields_score(record, meta)
            if best is None or score > best[0]:
                best = (score, meta)
        if best is None or best[0] <= 1:
            return Decision.NEW, None
        return (Decision.LINK if best[0] >= 4 else Decision.REVIEW), best[1]

    def ingest(self, record: Record) -> Decision:
        decision, twin = self.decide(record)
        person = twin["person"] if decision is Decision.LINK else f"P{next(self._next):05d}"
        metadata = {
            "person": person, "given": record.given, "born": record.born.isoformat(), "year": record.born.year,
            "sex": record.sex, "postcode": record.postcode, "needs_review": decision is Decision.REVIEW,
        }
        if decision is Decision.REVIEW:
            metadata["suspect"] = twin["person"]
        self.people.add(
            ids=[record.key],
            embeddings=[name_vector(record.family, record.given)],
            documents=[f"{record.family}, {record.given}"],
            metadatas=[metadata],
        )
        return decision

    def confirm(self, key: str) -> None:
        """A clerk says: yes, the same person.  The record moves; setting a key to None removes it."""
        suspect = self.people.get(ids=[key])["metadatas"][0]["suspect"]
        self.people.update(ids=[key], metadatas=[{"person": suspect, "needs_review": False, "suspect": None}])

    def records_of(self, person: str) -> list[str]:
        return sorted(self.people.get(where={"person": {"$eq": person}}, include=[])["ids"])


def main() -> None:
    client = chromadb.EphemeralClient(settings=Settings(anonymized_telemetry=False))
    index = MasterIndex(client.create_collection("patients", configuration={"hnsw": {"space": "cosine"}}))
    decisions = {r.key: index.ingest(r) for r in RECORDS}
    for key, decision in decisions.items():
        print(f"{key:<10} {decision.value}")

    assert decisions["renal/77"] is Decision.LINK, "a transposed letter is still Maeve"
    assert decisions["renal/78"] is Decision.NEW, "same family name, another woman"
    assert decisions["lab/5001"] is Decision.LINK
    assert decisions["lab/5003"] is Decision.REVIEW

    pending = index.people.get(where={"needs_review": True})
    assert pending["ids"] == ["lab/5003"]
    index.confirm("lab/5003")
    assert index.records_of("P00001") == ["cardio/1", "lab/5003", "renal/77"]
    assert "suspect" not in index.people.get(ids=["lab/5003"])["metadatas"][0]
    persons = {m["person"] for m in index.people.get(include=["metadatas"])["metadatas"]}
    print(len(RECORDS), "records,", len(persons), "persons")
    assert len(persons) == 4


if __name__ == "__main__":
    main()
