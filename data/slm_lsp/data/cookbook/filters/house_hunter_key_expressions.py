"""Write filters as Python expressions with chromadb's K and turn them into where dictionaries.

``K("price") < 300_000`` reads better than nested dicts, catches typing errors early and composes
with & and |.  Written for chromadb's search(), the expressions serve get(), query() and delete() as
well: those take the dictionary that to_dict() gives.
"""
from functools import reduce
from operator import and_, or_
from typing import Iterable

import chromadb
from chromadb import K
from chromadb.execution.expression.operator import Where as Expression

# Naming the keys once keeps misspelt ones out of the filters.
PRICE = K("price")
ROOMS = K("rooms")
BUILT = K("built")
TOWN = K("town")
HEATING = K("heating")
FEATURES = K("features")

HOUSES = [
    ("h1", "Farmhouse with barn", "Ober", 420_000, 7, 1890, "wood", ["barn", "cellar", "orchard"]),
    ("h2", "Terraced house", "Unter", 265_000, 4, 1974, "gas", ["cellar"]),
    ("h3", "Bungalow by the lake", "Unter", 510_000, 5, 1968, "heat pump", ["sauna", "jetty"]),
    ("h4", "Townhouse, needs work", "Mittel", 198_000, 6, 1908, "oil", ["cellar", "attic"]),
    ("h5", "Timber-frame new build", "Ober", 389_000, 5, 2022, "heat pump", ["attic"]),
    ("h6", "Tiny house", "Mittel", 89_000, 1, 2020, "wood", ["sauna"]),
]


class HouseIndex:
    def __init__(self, client: chromadb.ClientAPI):
        self.collection = client.create_collection(name="houses_for_sale", embedding_function=None)

    def load(self, houses) -> None:
        keys = ["town", "price", "rooms", "built", "heating", "features"]
        self.collection.add(
            ids=[house[0] for house in houses],
            documents=[house[1] for house in houses],
            metadatas=[dict(zip(keys, house[2:])) for house in houses],
            embeddings=[[house[3] / 500_000, house[4] / 7] for house in houses],
        )

    def ids(self, wish: Expression) -> list[str]:
        return self.collection.get(where=wish.to_dict(), include=[])["ids"]

    def cheapest(self, wish: Expression, n: int = 1) -> list[str]:
        """Nearest to "costs nothing, has seven rooms": a vector search under the same filter."""
        found = self.collection.query(
            query_embeddings=[[0.0, 1.0]], n_results=n, where=wish.to_dict(), include=["documents"]
        )
        return found["documents"][0]


def all_of(wishes: Iterable[Expression]) -> Expression:
    return reduce(and_, wishes)


def any_of(wishes: Iterable[Expression]) -> Expression:
    return reduce(or_, wishes)


def family_wish(children: int, budget: int, workshop: bool) -> Expression:
    """Wishes put together step by step, as a form would."""
    wish = (PRICE <= budget) & (ROOMS >= 2 + children)
    if workshop:
        wish &= any_of(FEATURES.contains(place) for place in ("barn", "cellar", "attic"))
    return wish


def main() -> None:
    index = HouseIndex(chromadb.EphemeralClient())
    index.load(HOUSES)

    # Each comparison, and what it becomes.
    pairs = [
        (PRICE < 200_000, {"price": {"$lt": 200_000}}),
        (BUILT >= 2000, {"built": {"$gte": 2000}}),
        (TOWN != "Mittel", {"town": {"$ne": "Mittel"}}),
        (TOWN.is_in(["Ober", "Unter"]), {"town": {"$in": ["Ober", "Unter"]}}),
        (HEATING.not_in(["oil", "gas"]), {"heating": {"$nin": ["oil", "gas"]}}),
        (FEATURES.contains("sauna"), {"features": {"$contains": "sauna"}}),
        (FEATURES.not_contains("cellar"), {"features": {"$not_contains": "cellar"}}),
    ]
    for expression, dictionary in pairs:
        assert expression.to_dict() == dictionary
        # The way back, for filters that were stored as JSON.
        assert Expression.from_dict(dictionary) == expression

    # & and | bind tighter than comparisons in Python, so every comparison needs its brackets.
    cosy = (TOWN == "Ober") & ((HEATING == "wood") | (BUILT > 2000))
    assert cosy.to_dict() == {
        "$and": [
            {"town": {"$eq": "Ober"}},
            {"$or": [{"heating": {"$eq": "wood"}}, {"built": {"$gt": 2000}}]},
        ]
    }
    assert index.ids(cosy) == ["h1", "h5"]

    # Chains of & stay flat instead of nesting deeper and deeper.
    flat = all_of([PRICE > 0, ROOMS > 3, BUILT > 1950, HEATING != "oil"])
    assert len(flat.to_dict()["$and"]) == 4
    assert index.ids(flat) == ["h2", "h3", "h5"]

    assert index.ids(family_wish(children=3, budget=430_000, workshop=True)) == ["h1", "h4", "h5"]
    assert index.ids(family_wish(children=3, budget=400_000, workshop=True)) == ["h4", "h5"]
    assert index.cheapest(family_wish(2, 300_000, workshop=False), n=2) == ["Townhouse, needs work", "Terraced house"]

    # K.DOCUMENT brings the text into the same expression, which where_document alone cannot do: this
    # "or" spans a word of the description and a metadata key.
    handy_or_hot = K.DOCUMENT.contains("needs work") | FEATURES.contains("sauna")
    assert handy_or_hot.to_dict()["$or"][0] == {"#document": {"$contains": "needs work"}}
    assert index.ids(handy_or_hot) == ["h3", "h4", "h6"]

    # The expression itself is not a dictionary; forgetting to_dict() is noticed at once.
    try:
        index.collection.get(where=cosy)
    except ValueError as error:
        assert "Expected where to be a dict" in str(error)
    else:
        raise AssertionError("get() should ask for a dictionary")

    sold = index.collection.delete(where=((TOWN == "Unter") & (PRICE < 300_000)).to_dict())
    assert sold["deleted"] == 1 and index.collection.count() == 5

    print("cosy:", cosy.to_dict())
    print("for a family of five:", index.cheapest(family_wish(3, 430_000, True), n=3))


if __name__ == "__main__":
    main()
