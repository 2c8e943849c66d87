"""Build readable test data for a second-hand bicycle market with record factories instead of parallel lists."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import count

import chromadb
import pytest

KINDS = ("road", "gravel", "mtb", "city", "cargo")


@dataclass(frozen=True)
class Bike:
    """One listing with harmless defaults: a test names only what it is about."""

    id: str
    kind: str = "city"
    price: int = 400
    year: int = 2018
    sold: bool = False
    parts: tuple[str, ...] = ("bell",)
    text: str = "A bicycle."

    @property
    def embedding(self) -> list[float]:
        """Kind as one-hot, price and age as small numbers: near means comparable."""
        onehot = [1.0 if self.kind == kind else 0.0 for kind in KINDS]
        return [*onehot, self.price / 5000, (2025 - self.year) / 50]

    @property
    def metadata(self) -> dict:
        return {"kind": self.kind, "price": self.price, "year": self.year, "sold": self.sold, "parts": list(self.parts)}


@dataclass
class Market:
    """A collection, and the factory that fills it."""

    collection: chromadb.Collection
    _numbers: count = field(default_factory=lambda: count(1))

    def bike(self, **changes) -> Bike:
        """One listing, stored and returned, so that a test can compare with it."""
        made = replace(Bike(id=f"bike-{next(self._numbers)}"), **changes)
        self.add(made)
        return made

    def bikes(self, number: int, **changes) -> list[Bike]:
        return [self.bike(**{k: v(i) if callable(v) else v for k, v in changes.items()}) for i in range(number)]

    def add(self, *bikes: Bike) -> None:
        self.collection.add(
            ids=[b.id for b in bikes],
            embeddings=[b.embedding for b in bikes],
            documents=[b.text for b in bikes],
            metadatas=[b.metadata for b in bikes],
        )


# ---- code under test: three functions of the market's back end


def comparable(collection: chromadb.Collection, bike: Bike, k: int = 3) -> list[str]:
    """Unsold listings like this one, without itself."""
    found = collection.query(
        query_embeddings=[bike.embedding], n_results=k + 1, where={"sold": False}, include=["distances"]
    )
    return [i for i in found["ids"][0] if i != bike.id][:k]


def fair_price(collection: chromadb.Collection, bike: Bike) -> float | None:
    sold = collection.query(
        query_embeddings=[bike.embedding],
        n_results=5,
        where={"$and": [{"sold": True}, {"kind": bike.kind}]},
        include=["metadatas"],
    )["metadatas"][0]
    return sum(row["price"] for row in sold) / len(sold) if sold else None


def archive(collection: chromadb.Collection, before: int) -> int:
    """Drop sold listings of old bicycles."""
    return collection.delete(where={"$and": [{"sold": True}, {"year": {"$lt": before}}]})["deleted"]


# ---- fixtures


@pytest.fixture
def make_market(request):
    """A factory of markets, for tests that need two of them."""
    client, made = chromadb.EphemeralClient(), []

    def make(city: str = "utrecht") -> Market:
        name = f"{city}.{abs(hash(request.node.nodeid)) % 10**8}.{len(made)}"
        made.append(name)
        return Market(client.create_collection(name, metadata={"city": city}, embedding_function=None))

    yield make
    for name in made:
        client.delete_collection(name)
    client.close()


@pytest.fixture
def market(make_market) -> Market:
    return make_market()


# ---- tests


def test_comparable_prefers_the_same_kind(market):
    mine = market.bike(kind="gravel", price=1500)
    other = market.bike(kind="gravel", price=1700)
    market.bikes(3, kind="cargo", price=1500)
    assert comparable(market.collection, mine, k=1) == [other.id]


def test_comparable_leaves_out_sold_ones_and_itself(market):
    mine = market.bike(kind="road")
    market.bike(kind="road", sold=True)
    assert comparable(market.collection, mine) == []


@pytest.mark.parametrize("prices, expected", [((300,), 300), ((300, 500), 400), ((), None)])
def test_fair_price_is_the_mean_of_sales(market, prices, expected):
    for price in prices:
        market.bike(kind="mtb", price=price, sold=True)
    market.bike(kind="mtb", price=9000, sold=False)
    assert fair_price(market.collection, Bike(id="mine", kind="mtb")) == expected


def test_fair_price_uses_the_nearest_five(market):
    market.bikes(5, kind="city", sold=True, price=200, year=2018)
    market.bikes(4, kind="city", sold=True, price=lambda i: 4000 + i, year=1980)
    assert fair_price(market.collection, Bike(id="mine")) == 200


def test_archive_counts_what_it_removes(market):
    market.bikes(6, sold=True, year=lambda i: 2000 + i)
    kept = market.bike(sold=False, year=1990)
    assert archive(market.collection, before=2003) == 3
    assert market.collection.count() == 4 and market.collection.get(ids=[kept.id])["ids"] == [kept.id]


def test_parts_are_searchable(market):
    market.bike(parts=("dynamo", "basket"))
    wanted = market.bike(parts=("dropbar", "dynamo"))
    hits = market.collection.get(where={"$and": [{"parts": {"$contains": "dynamo"}}, {"parts": {"$contains": "dropbar"}}]})
    assert hits["ids"] == [wanted.id] and hits["metadatas"] == [wanted.metadata]


def test_two_cities_do_not_mix(make_market):
    utrecht, ghent = make_market("utrecht"), make_market("ghent")
    bike = utrecht.bike()
    assert ghent.collection.count() == 0
    assert ghent.bike().id == bike.id, "numbers start anew in each market"
    assert [m.collection.metadata["city"] for m in (utrecht, ghent)] == ["utrecht", "ghent"]


def test_random_market_keeps_its_invariant(market):
    rng = random.Random(7)
    bikes = [
        Bike(id=f"r{i}", kind=rng.choice(KINDS), price=rng.randrange(50, 5000), sold=rng.random() < 0.3) for i in range(60)
    ]
    market.add(*bikes)
    for bike in bikes[:10]:
        near = comparable(market.collection, bike, k=4)
        rows = market.collection.get(ids=near)["metadatas"]
        assert bike.id not in near and not any(row["sold"] for row in rows)


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
