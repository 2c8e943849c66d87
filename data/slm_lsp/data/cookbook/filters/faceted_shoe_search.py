"""Faceted search in a shoe shop: choices per facet, with counts that follow the other choices.

The rule that makes facets feel right: the counts next to a facet's values apply all filters *except*
that facet's own, so that ticking "red" still shows how many blue ones there would be.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Iterable, Mapping, Optional, Sequence

import chromadb
from chromadb.api.models.Collection import Collection

FACETS = ("brand", "colour", "size")  # "size" is a list: one model comes in many
PRICE_BANDS = {"under 60": (0, 60), "60 to 120": (60, 120), "120 and more": (120, None)}


@dataclass(frozen=True)
class Selection:
    chosen: Mapping[str, Sequence] = field(default_factory=dict)
    band: Optional[str] = None
    text: Optional[str] = None

    def tick(self, facet, *values) -> "Selection":
        return replace(self, chosen={**self.chosen, facet: values})

    def where(self, leave_out: Optional[str] = None):
        """The metadata filter, optionally blind to one facet; None if nothing is chosen."""
        clauses = []
        for facet, values in self.chosen.items():
            if facet == leave_out or not values:
                continue
            if facet == "size":  # any of the sizes is in the list
                sizes = [{"size": {"$contains": size}} for size in values]
                clauses.append(sizes[0] if len(sizes) == 1 else {"$or": sizes})
            else:
                clauses.append({facet: {"$in": list(values)}})
        if self.band and leave_out != "price":
            low, high = PRICE_BANDS[self.band]
            clauses.append({"price": {"$gte": low}})
            if high is not None:
                clauses.append({"price": {"$lt": high}})
        if not clauses:
            return None
        return clauses[0] if len(clauses) == 1 else {"$and": clauses}

    def where_document(self):
        return {"$contains": self.text} if self.text else None


def count_values(metadatas: Iterable[Mapping], facet: str) -> Counter:
    counts: Counter = Counter()
    for facts in metadatas:
        value = facts.get(facet)
        counts.update(value if isinstance(value, list) else [value])
    return counts


def count_bands(metadatas: Iterable[Mapping]) -> Counter:
    counts: Counter = Counter()
    for facts in metadatas:
        for band, (low, high) in PRICE_BANDS.items():
            if facts["price"] >= low and (high is None or facts["price"] < high):
                counts[band] += 1
    return counts


def facet_counts(shoes: Collection, selection: Selection) -> dict[str, Counter]:
    counted = {}
    for facet in (*FACETS, "price"):
        visible = shoes.get(
            where=selection.where(leave_out=facet),
            where_document=selection.where_document(),
            include=["metadatas"],
        )["metadatas"]
        counted[facet] = count_bands(visible) if facet == "price" else count_values(visible, facet)
    return counted


def results(shoes: Collection, selection: Selection, foot: Sequence[float], n: int = 5) -> list[str]:
    """What is on the page: filtered by everything, ordered by fit."""
    answer = shoes.query(
        query_embeddings=[list(foot)],
        n_results=n,
        where=selection.where(),
        where_document=selection.where_document(),
        include=["documents"],
    )
    return answer["documents"][0]


def stock(client: chromadb.ClientAPI) -> Collection:
    # Vector: how wide, how stiff, how warm.
    models = [
        ("Fjell hiking boot, waterproof", "Nordlys", "brown", [40, 41, 42, 43], 149.0, [0.7, 0.9, 0.8]),
        ("Fjell trail shoe, waterproof", "Nordlys", "red", [38, 39, 40], 99.0, [0.6, 0.6, 0.4]),
        ("Piazza loafer", "Bruno", "brown", [41, 42, 44], 119.5, [0.4, 0.3, 0.2]),
        ("Piazza ballerina", "Bruno", "red", [36, 37, 38], 59.9, [0.3, 0.1, 0.1]),
        ("Court sneaker, canvas", "Ando", "blue", [39, 40, 41, 42], 54.0, [0.5, 0.2, 0.2]),
        ("Court sneaker, leather", "Ando", "red", [40, 42], 79.0, [0.5, 0.4, 0.3]),
        ("Rain clog, waterproof", "Ando", "blue", [36, 38, 40], 35.0, [0.9, 0.3, 0.3]),
    ]
    shoes = client.create_collection("shoe_shop")
    shoes.add(
        ids=[f"{brand[:2].upper()}{index:03}" for index, (_, brand, *_) in enumerate(models)],
        documents=[title for title, *_ in models],
        metadatas=[
            {"brand": brand, "colour": colour, "size": sizes, "price": price}
            for _, brand, colour, sizes, price, _ in models
        ],
        embeddings=[shape for *_, shape in models],
    )
    return shoes


def main() -> None:
    shoes = stock(chromadb.EphemeralClient())
    wide_foot = [0.8, 0.4, 0.4]

    start = Selection()
    assert start.where() is None
    counts = facet_counts(shoes, start)
    assert counts["brand"] == {"Ando": 3, "Nordlys": 2, "Bruno": 2}
    assert counts["size"][40] == 5 and counts["price"]["under 60"] == 3

    red = start.tick("colour", "red")
    counts = facet_counts(shoes, red)
    assert counts["colour"] == {"red": 3, "brown": 2, "blue": 2}, "its own facet is left out of the count"
    assert counts["brand"] == {"Nordlys": 1, "Bruno": 1, "Ando": 1}, "the others follow"

    red_40 = red.tick("size", 40, 41)
    assert set(results(shoes, red_40, wide_foot)) == {"Fjell trail shoe, waterproof", "Court sneaker, leather"}
    assert facet_counts(shoes, red_40)["colour"] == {"red": 2, "brown": 2, "blue": 2}

    affordable = replace(red_40, band="60 to 120", text="waterproof")
    assert results(shoes, affordable, wide_foot) == ["Fjell trail shoe, waterproof"]
    assert facet_counts(shoes, affordable)["price"] == {"60 to 120": 1}, "values with no shoe do not appear"

    # A choice that leads nowhere is visible before it is made: no brown shoe under 60.
    cheap = Selection(band="under 60")
    assert facet_counts(shoes, cheap)["colour"].get("brown", 0) == 0

    for facet, values in facet_counts(shoes, red_40).items():
        print(f"{facet:<7}", "  ".join(f"{value} ({n})" for value, n in values.most_common()))
    print("shown:  ", " | ".join(results(shoes, red_40, wide_foot)))


if __name__ == "__main__":
    main()
