"""Test a repository class for insurance claims: its mapping to records, its errors, search and optimistic locking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal

import chromadb
import pytest
from chromadb.errors import DuplicateIDError, NotFoundError
from pydantic import BaseModel, ConfigDict, Field

Peril = Literal["fire", "water", "theft", "storm", "glass"]
PERILS: tuple[Peril, ...] = ("fire", "water", "theft", "storm", "glass")


class Claim(BaseModel):
    model_config = ConfigDict(frozen=True)

    number: str = Field(pattern=r"^C-\d{4}$")
    peril: Peril
    amount: float = Field(gt=0)
    reported: dt.date
    story: str
    open: bool = True
    version: int = 1


class ClaimNotFound(LookupError): ...
class ClaimExists(ValueError): ...
class StaleClaim(RuntimeError): ...


class ClaimRepository:
    """Everything that the rest of the application knows about Chroma."""

    def __init__(self, client: chromadb.ClientAPI, office: str) -> None:
        self._claims = client.get_or_create_collection(
            name=f"claims-{office}",
            metadata={"office": office, "schema": 3},
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=None,
        )

    @staticmethod
    def _vector(peril: str, story: str) -> list[float]:
        text = story.lower()
        hints = ("burn smoke", "pipe leak", "stolen lock", "wind roof", "window")
        counts = [sum(text.count(word) for word in words.split()) for words in hints]
        return [0.05 + (peril == p) + hinted for p, hinted in zip(PERILS, counts)]

    @staticmethod
    def _row(claim: Claim) -> dict[str, str | int | float | bool]:
        # dates as ordinals, because $gte and $lt compare numbers only
        return {
            "peril": claim.peril,
            "amount": claim.amount,
            "reported": claim.reported.toordinal(),
            "open": claim.open,
            "version": claim.version,
        }

    @staticmethod
    def _claim(number: str, story: str, row: dict) -> Claim:
        return Claim(number=number, story=story, **{**row, "reported": dt.date.fromordinal(row["reported"])})

    # -- reading
    def __len__(self) -> int:
        return self._claims.count()

    def find(self, number: str) -> Claim:
        got = self._claims.get(ids=[number], include=["documents", "metadatas"])
        if not got["ids"]:
            raise ClaimNotFound(number)
        return self._claim(number, got["documents"][0], got["metadatas"][0])

    def reported_between(self, first: dt.date, last: dt.date) -> list[Claim]:
        got = self._claims.get(
            where={"$and": [{"reported": {"$gte": first.toordinal()}}, {"reported": {"$lte": last.toordinal()}}]}
        )
        claims = [self._claim(*parts) for parts in zip(got["ids"], got["documents"], got["metadatas"])]
        return sorted(claims, key=lambda claim: claim.reported)

    def similar_to(self, claim: Claim, limit: int = 3) -> list[Claim]:
        others = self._claims.query(
            query_embeddings=[self._vector(claim.peril, claim.story)],
            n_results=limit + 1,
            include=["documents", "metadatas"],
        )
        rows = zip(others["ids"][0], others["documents"][0], others["metadatas"][0])
        return [self._claim(*row) for row in rows if row[0] != claim.number][:limit]

    # -- writing
    def add(self, *claims: Claim) -> None:
        # add() keeps an existing record silently, which an insurer cannot afford
        taken = self._claims.get(ids=[c.number for c in claims], include=[])["ids"]
        if taken:
            raise ClaimExists(", ".join(sorted(taken)))
        self._claims.add(
            ids=[c.number for c in claims],
            embeddings=[self._vector(c.peril, c.story) for c in claims],
            documents=[c.story for c in claims],
            metadatas=[self._row(c) for c in claims],
        )

    def save(self, claim: Claim) -> Claim:
        if self.find(claim.number).version != claim.version:
            raise StaleClaim(claim.number)
        saved = claim.model_copy(update={"version": claim.version + 1})
        self._claims.update(
            ids=[saved.number],
            embeddings=[self._vector(saved.peril, saved.story)],
            documents=[saved.story],
            metadatas=[self._row(saved)],
        )
        return saved

    def purge_closed(self, before: dt.date) -> int:
        closed = {"$and": [{"open": False}, {"reported": {"$lt": before.toordinal()}}]}
        return self._claims.delete(where=closed)["deleted"]


# ---------------------------------------------------------------------------------------- tests
FIRE = Claim(number="C-0001", peril="fire", amount=12_000, reported=dt.date(2024, 1, 5), story="Smoke from the oven")
LEAK = Claim(number="C-0002", peril="water", amount=900.5, reported=dt.date(2024, 2, 29), story="Pipe leak at the sink")
LOCK = Claim(number="C-0003", peril="theft", amount=450, reported=dt.date(2024, 3, 1), story="Lock cut", open=False)


@pytest.fixture
def claims(request) -> Iterator[ClaimRepository]:
    # closing the last in-memory client drops its data, so no test sees another's claims
    with chromadb.EphemeralClient() as client:
        repository = ClaimRepository(client, office=request.node.originalname)
        repository.add(FIRE, LEAK, LOCK)
        yield repository


@pytest.mark.parametrize("claim", [FIRE, LEAK, LOCK], ids=lambda claim: claim.peril)
def test_round_trip(claims: ClaimRepository, claim: Claim) -> None:
    assert claims.find(claim.number) == claim


def test_unknown_number(claims: ClaimRepository) -> None:
    with pytest.raises(ClaimNotFound, match="C-9999"):
        claims.find("C-9999")


def test_adding_twice_is_an_error_and_changes_nothing(claims: ClaimRepository) -> None:
    with pytest.raises(ClaimExists, match="^C-0001$"):
        claims.add(FIRE.model_copy(update={"amount": 1.0}), LEAK.model_copy(update={"number": "C-0004"}))
    assert claims.find("C-0001").amount == 12_000 and len(claims) == 3


def test_the_same_number_twice_in_one_call_is_left_to_chroma(claims: ClaimRepository) -> None:
    twin = LEAK.model_copy(update={"number": "C-0007"})
    with pytest.raises(DuplicateIDError, match="C-0007"):
        claims.add(twin, twin)
    assert len(claims) == 3


def test_date_range_is_inclusive_and_sorted(claims: ClaimRepository) -> None:
    found = claims.reported_between(dt.date(2024, 2, 29), dt.date(2024, 3, 1))
    assert [c.number for c in found] == ["C-0002", "C-0003"]


def test_similar_claims_exclude_the_claim_itself(claims: ClaimRepository) -> None:
    burst = Claim(number="C-0005", peril="water", amount=80, reported=dt.date(2024, 5, 1), story="Burst pipe")
    claims.add(burst)
    assert claims.similar_to(burst, limit=1) == [LEAK]
    assert burst not in claims.similar_to(burst, limit=10)


def test_second_writer_loses(claims: ClaimRepository) -> None:
    mine, theirs = claims.find("C-0002"), claims.find("C-0002")
    saved = claims.save(theirs.model_copy(update={"amount": 1200.0}))
    assert saved.version == 2
    with pytest.raises(StaleClaim):
        claims.save(mine.model_copy(update={"open": False}))
    assert claims.find("C-0002") == saved


def test_purge_spares_open_claims(claims: ClaimRepository) -> None:
    assert claims.purge_closed(before=dt.date(2025, 1, 1)) == 1
    assert claims.find("C-0001").open and claims.find("C-0002").open


def test_offices_are_separate_collections() -> None:
    with chromadb.EphemeralClient() as client:
        east, west = ClaimRepository(client, "east"), ClaimRepository(client, "west")
        east.add(FIRE)
        assert (len(east), len(west)) == (1, 0)
        client.delete_collection("claims-east")
        with pytest.raises(NotFoundError):
            len(east)  # the object outlives its collection


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
