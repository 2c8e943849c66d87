"""Validate incoming rental ads with pydantic, store the good ones, and keep the bad ones with their reasons.

An import of ten thousand rows must not die of row 4711. Two nets: a pydantic model catches what can be known
beforehand, and when the database still refuses a batch, it is halved until the culprits stand alone. Both kinds
end in a dead-letter collection, from which they can be corrected and replayed.
"""
from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import chromadb
from chromadb import Schema, StringInvertedIndexConfig
from chromadb.errors import ChromaError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

DIMENSION = 4


class RentalAd(BaseModel):
    """What a row must look like to become a record."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ref: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d{3,}$")]
    text: Annotated[str, StringConstraints(min_length=10, max_length=2000)]
    rent: Annotated[float, Field(gt=0, lt=100_000)]
    rooms: Annotated[int, Field(ge=1, le=30)]
    district: str
    available: date | None = None
    kind: Literal["flat", "house", "room"] = "flat"
    features: list[str] = []
    vector: list[float]

    @field_validator("vector")
    @classmethod
    def _has_our_dimension(cls, vector: list[float]) -> list[float]:
        if len(vector) != DIMENSION:
            raise ValueError(f"{len(vector)} numbers, {DIMENSION} expected")
        return vector

    def metadata(self) -> dict[str, Any]:
        """Chroma takes str, int, float, bool and non-empty lists of them; None and dates have to be translated."""
        meta: dict[str, Any] = {
            "rent": self.rent,
            "rooms": self.rooms,
            "district": self.district,
            "kind": self.kind,
        }
        if self.available:
            meta["available"] = self.available.toordinal()  # a number, so that $lte works on it
        if self.features:
            meta["features"] = self.features
        return meta


class Importer:
    def __init__(self, client: chromadb.ClientAPI) -> None:
        self.ads = client.get_or_create_collection("ads", embedding_function=None)
        # Nobody searches dead letters by meaning: a constant vector makes the collection a plain table.
        # `note` is free text for the person who clears the list: kept, but not indexed.
        self.dead = client.get_or_create_collection(
            name="ads.dead",
            schema=Schema().delete_index(config=StringInvertedIndexConfig(), key="note"),
            embedding_function=None,
        )
        self.calls = 0

    def run(self, rows: Sequence[dict[str, Any]], batch_size: int = 4) -> dict[str, int]:
        good: list[tuple[RentalAd, dict[str, Any]]] = []
        rejected = 0
        for row in rows:
            try:
                good.append((RentalAd.model_validate(row), row))
            except ValidationError as error:
                reasons = [f"{'.'.join(map(str, e['loc'])) or 'row'}: {e['msg']}" for e in error.errors()]
                self._bury(row, "validation", reasons)
                rejected += 1
        # Later rows of the same reference replace earlier ones; within a call ids must be unique.
        unique = list({ad.ref: (ad, row) for ad, row in good}.values())
        refused = 0
        for start in range(0, len(unique), batch_size):
            for row, error in self._store(unique[start : start + batch_size]):
                self._bury(row, "database", [f"{type(error).__name__}: {error}"])
                refused += 1
        return {"stored": len(unique) - refused, "rejected": rejected, "refused": refused}

    def _store(self, batch: Sequence[tuple[RentalAd, dict]]) -> Iterator[tuple[dict, Exception]]:
        """Upsert a batch; on refusal split it, so that log2(n) extra calls isolate one bad row."""
        self.calls += 1
        try:
            self.ads.upsert(
                ids=[ad.ref for ad, _ in batch],
                embeddings=[ad.vector for ad, _ in batch],
                documents=[ad.text for ad, _ in batch],
                metadatas=[ad.metadata() for ad, _ in batch],
            )
        except (ChromaError, ValueError, TypeError) as error:
            if len(batch) == 1:
                yield batch[0][1], error
            else:
                middle = len(batch) // 2
                yield from self._store(batch[:middle])
                yield from self._store(batch[middle:])

    def _bury(self, row: dict[str, Any], stage: str, reasons: list[str]) -> None:
        self.dead.add(
            # Not dead.count(): after a replay has deleted some, numbers would repeat, and add() skips known ids.
            ids=[uuid.uuid4().hex],
            embeddings=[[0.0]],
            documents=[json.dumps(row, default=str)],
            metadatas=[{"stage": stage, "ref": str(row.get("ref", "?")), "reasons": reasons, "note": "open"}],
        )

    def replay(self, corrections: dict[str, dict[str, Any]]) -> dict[str, int]:
        """Apply corrections by reference to dead letters and run them again."""
        letters = self.dead.get(where={"ref": {"$in": list(corrections)}}, include=["documents", "metadatas"])
        rows = [
            {**json.loads(document), **corrections[meta["ref"]]}
            for document, meta in zip(letters["documents"], letters["metadatas"])
        ]
        if letters["ids"]:
            self.dead.delete(ids=letters["ids"])
        return self.run(rows)


def ad(ref: str, **changes: Any) -> dict[str, Any]:
    row = {"ref": ref, "text": f"Bright place near the river, {ref}", "rent": 900, "rooms": 2,
           "district": "Mitte", "vector": [0.2, 0.4, 0.1, 0.9]}
    return {**row, **changes}


ROWS = [
    ad("BE-100"),
    ad("BE-101", rent=-5),
    ad("BE-102", features=["balcony", "lift"], available="2024-09-01"),
    ad("be103"),
    ad("BE-104", vector=[0.1, 0.2]),
    ad("BE-105", vector=[0.1, float("nan"), 0.3, 0.4]),  # passes the model, not the database
    ad("BE-106", text="tiny", rooms=0),
    ad("BE-107", kind="castle"),
    ad("BE-100", rent=950),  # a newer version of the first row
    ad("BE-108", rent="1200.50", available="2024-07-15"),
    ad("BE-109", garden=True),
]


def main() -> None:
    importer = Importer(chromadb.EphemeralClient())
    outcome = importer.run(ROWS)
    print("first run:", outcome)
    assert outcome == {"stored": 3, "rejected": 6, "refused": 1}
    assert sorted(importer.ads.get()["ids"]) == ["BE-100", "BE-102", "BE-108"]
    assert importer.ads.get("BE-100")["metadatas"][0]["rent"] == 950.0
    july = date(2024, 7, 31).toordinal()
    assert importer.ads.get(where={"available": {"$lte": july}}, include=[])["ids"] == ["BE-108"]
    assert importer.ads.get(where={"features": {"$contains": "lift"}}, include=[])["ids"] == ["BE-102"]
    assert importer.calls > 1, "the batch with the NaN was split"

    for meta in importer.dead.get(include=["metadatas"])["metadatas"]:
        print(f"  {meta['ref']:<7} {meta['stage']:<10} {'; '.join(meta['reasons'])[:80]}")
    two_reasons = importer.dead.get(where={"ref": "BE-106"})["metadatas"][0]["reasons"]
    assert len(two_reasons) == 2
    assert importer.dead.get(where={"stage": "database"})["metadatas"][0]["ref"] == "BE-105"

    second = importer.replay({"BE-105": {"vector": [0.1, 0.2, 0.3, 0.4]}, "BE-107": {"kind": "house"}, "BE-101": {}})
    print("replayed:", second)
    assert second == {"stored": 2, "rejected": 1, "refused": 0}
    assert importer.ads.count() == 5 and importer.dead.count() == 5

    # Cleared by hand: everything about castles and gardens goes, whatever the reason was.
    cleared = importer.dead.delete(where_document={"$or": [{"$contains": "castle"}, {"$contains": "garden"}]})
    assert cleared == {"deleted": 1} and importer.dead.count() == 4


if __name__ == "__main__":
    main()
