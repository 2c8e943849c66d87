"""Turn the columns that chromadb returns into dataclasses, for get() and query() alike.

Results come back column by column, and columns that were not asked for are None.  Zipping them by
hand in every place is how off-by-one mistakes are made; two small functions do it once.  The domain
is an amateur astronomer's log of observations.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Generic, Iterator, Optional, TypeVar

import chromadb
import numpy as np
from chromadb import GetResult, QueryResult

T = TypeVar("T")


@dataclass(frozen=True)
class Observation:
    """One row.  ``None`` means not asked for, or not stored: the two look the same in a result."""

    id: str
    note: Optional[str] = None
    facts: dict[str, Any] = field(default_factory=dict)
    vector: Optional[np.ndarray] = field(default=None, compare=False, repr=False)
    uri: Optional[str] = None
    distance: Optional[float] = None

    @property
    def magnitude(self) -> Optional[float]:
        return self.facts.get("mag")


def column(values: Optional[list[T]]) -> Iterator[Optional[T]]:
    """A column to zip with: itself, or None for ever."""
    # Not `values or repeat(None)`: the truth value of a numpy array is an error.
    return repeat(None) if values is None else iter(values)


def from_get(result: GetResult) -> list[Observation]:
    """get() and peek(): flat columns."""
    return [
        Observation(id=id_, note=note, facts=dict(facts or {}), vector=vector, uri=uri)
        for id_, note, facts, vector, uri in zip(
            result["ids"],
            column(result["documents"]),
            column(result["metadatas"]),
            column(result["embeddings"]),
            column(result["uris"]),
        )
    ]


def from_query(result: QueryResult) -> list[list[Observation]]:
    """query(): one more level, a list per question."""
    answers = []
    for nth, ids in enumerate(result["ids"]):

        def nested(name: str, nth: int = nth) -> Iterator[Any]:
            return column(None if result[name] is None else result[name][nth])

        answers.append(
            [
                Observation(id_, note, dict(facts or {}), vector, uri, distance)
                for id_, note, facts, vector, uri, distance in zip(
                    ids,
                    nested("documents"),
                    nested("metadatas"),
                    nested("embeddings"),
                    nested("uris"),
                    nested("distances"),
                )
            ]
        )
    return answers


@dataclass
class Page(Generic[T]):
    items: list[T]
    total: int

    @property
    def share(self) -> str:
        return f"{len(self.items)} of {self.total}"


def log_book() -> chromadb.Collection:
    book = chromadb.EphemeralClient().create_collection(
        "observations", configuration={"hnsw": {"space": "cosine"}}
    )
    book.add(
        ids=["M13", "M31", "M42", "saturn-0612", "meteor"],
        # right ascension and declination as a direction, and how large the thing looks
        embeddings=[[-0.4, -0.7, 0.6], [0.7, 0.1, 0.7], [0.1, 1.0, -0.1], [1.0, -0.2, -0.1], [0.5, 0.5, 0.5]],
        documents=[
            "Globular, resolved at the edge",
            "Dust lane faintly",
            "Trapezium split, four stars",
            None,
            "Bright, blue",
        ],
        metadatas=[
            {"mag": 5.8, "kind": "cluster"},
            {"mag": 3.4, "kind": "galaxy"},
            {"mag": 4.0, "kind": "nebula"},
            {"mag": 0.6, "kind": "planet"},
            None,
        ],
        uris=["sketch/m13.png", None, "sketch/m42.png", None, None],
    )
    return book


def main() -> None:
    book = log_book()

    # The defaults: documents and metadatas.
    rows = {row.id: row for row in from_get(book.get())}
    assert rows["M42"] == Observation("M42", "Trapezium split, four stars", {"mag": 4.0, "kind": "nebula"})
    assert rows["meteor"].facts == {} and rows["saturn-0612"].note is None

    # Everything that get() can include.
    full = from_get(book.get(include=["documents", "metadatas", "embeddings", "uris"]))
    assert all(isinstance(row.vector, np.ndarray) for row in full)
    assert [row.uri for row in full if row.uri] == ["sketch/m13.png", "sketch/m42.png"]

    # Nothing but the ids: rows all the same, with nothing in them.
    bare = from_get(book.get(include=[]))
    assert [row.id for row in bare] == [row.id for row in full] and bare[0].note is None

    # peek() has the shape of get(), vectors included.
    assert from_get(book.peek(limit=2))[0].vector.shape == (3,)

    directions = [[0.0, 1.0, 0.0], [0.6, 0.1, 0.8]]
    orion, andromeda = from_query(
        book.query(
            query_embeddings=directions,
            n_results=3,
            include=["documents", "metadatas", "distances", "uris", "embeddings"],
        )
    )
    assert orion[0].id == "M42" and andromeda[0].id == "M31"
    assert [row.distance for row in orion] == sorted(row.distance for row in orion)
    assert np.allclose(orion[0].vector, [0.1, 1.0, -0.1])

    # No match is an empty list per question, which must survive the conversion.
    nothing = from_query(book.query(query_embeddings=directions, where={"mag": {"$gt": 9}}))
    assert nothing == [[], []]

    bright = Page(from_get(book.get(where={"mag": {"$lt": 5}})), total=book.count())
    assert bright.share == "3 of 5"
    for row in sorted(bright.items, key=lambda row: row.magnitude):
        print(f"{row.id:<12} mag {row.magnitude}  {row.note or '(no note)'}")


if __name__ == "__main__":
    main()
