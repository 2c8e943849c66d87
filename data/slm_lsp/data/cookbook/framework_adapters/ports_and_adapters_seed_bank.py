"""A seed bank whose domain knows only a `SimilarityIndex` protocol, kept alike by Chroma and by a plain dictionary.

One contract checks both adapters; the domain and its tests never import chromadb.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import chromadb
from chromadb.errors import InvalidArgumentError

Facet = str | int | float | bool


# ============================================================ the port, owned by the domain
@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    key: str
    vector: tuple[float, ...]
    facets: Mapping[str, Facet]


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    key: str
    distance: float


class WrongDimension(ValueError):
    """Raised by every adapter, whatever its library calls it."""


@runtime_checkable
class SimilarityIndex(Protocol):
    def put(self, entries: Sequence[Entry]) -> None: ...

    def drop(self, keys: Sequence[str]) -> None: ...

    def nearest(self, vector: Sequence[float], limit: int, having: Mapping[str, Facet] | None = None) -> list[Match]: ...

    def __len__(self) -> int: ...


# ============================================================ adapter 1: Chroma
class ChromaIndex:
    def __init__(self, client: chromadb.ClientAPI, name: str) -> None:
        self._collection = client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "l2"}}
        )
        self._batch = client.get_max_batch_size()

    def put(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), self._batch):
            batch = entries[start : start + self._batch]
            # upsert merges metadata; the port promises replacement, so stale facets are removed first
            self._collection.delete(ids=[entry.key for entry in batch])
            with self._translated_errors():
                self._collection.add(
                    ids=[entry.key for entry in batch],
                    embeddings=[list(entry.vector) for entry in batch],
                    metadatas=[dict(entry.facets) or None for entry in batch],
                )

    def drop(self, keys: Sequence[str]) -> None:
        if keys:
            self._collection.delete(ids=list(keys))

    def nearest(self, vector: Sequence[float], limit: int, having: Mapping[str, Facet] | None = None) -> list[Match]:
        conditions = [{key: {"$eq": value}} for key, value in (having or {}).items()]
        where = {"$and": conditions} if len(conditions) > 1 else (conditions or [None])[0]
        with self._translated_errors():
            result = self._collection.query(
                query_embeddings=[list(vector)], n_results=limit, where=where, include=["distances"]
            )
        # Chroma's l2 is the square of the Euclidean distance that the port speaks of
        return [Match(key, math.sqrt(d)) for key, d in zip(result["ids"][0], result["distances"][0])]

    def __len__(self) -> int:
        return self._collection.count()

    @staticmethod
    @contextmanager
    def _translated_errors() -> Iterator[None]:
        try:
            yield
        except InvalidArgumentError as error:
            if "dimension" in str(error):
                raise WrongDimension(str(error)) from error
            raise


# ============================================================ adapter 2: a dictionary
class DictIndex:
    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def put(self, entries: Sequence[Entry]) -> None:
        width = {len(entry.vector) for entry in [*self._entries.values(), *entries]}
        if len(width) > 1:
            raise WrongDimension(f"vectors of {sorted(width)} dimensions")
        self._entries |= {entry.key: entry for entry in entries}

    def drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._entries.pop(key, None)

    def nearest(self, vector: Sequence[float], limit: int, having: Mapping[str, Facet] | None = None) -> list[Match]:
        wanted = (having or {}).items()
        matches = [
            Match(entry.key, math.dist(entry.vector, vector))
            for entry in self._entries.values()
            if wanted <= dict(entry.facets).items()
        ]
        return sorted(matches, key=lambda match: match.distance)[:limit]

    def __len__(self) -> int:
        return len(self._entries)


# ============================================================ the domain: no import of chromadb below this line but in main
@dataclasses.dataclass
class SeedBank:
    index: SimilarityIndex

    @staticmethod
    def traits(frost: float, drought: float, days: int) -> tuple[float, float, float]:
        return (frost, drought, days / 100)

    def deposit(self, accession: str, *, frost: float, drought: float, days: int, crop: str, viable: bool = True) -> None:
        self.index.put([Entry(accession, self.traits(frost, drought, days), {"crop": crop, "viable": viable})])

    def substitute_for(self, accession: str, crop: str, *, frost: float, drought: float, days: int) -> str | None:
        near = self.index.nearest(self.traits(frost, drought, days), 5, having={"crop": crop, "viable": True})
        return next((match.key for match in near if match.key != accession), None)


def contract(make: Callable[[], SimilarityIndex]) -> None:
    """What every adapter has to do.  In a repository this is a parametrised test."""
    index = make()
    assert isinstance(index, SimilarityIndex)
    assert len(index) == 0 and index.nearest([0.0, 0.0], 3) == []
    index.put([Entry("a", (0.0, 0.0), {"kind": "x", "n": 1}), Entry("b", (3.0, 4.0), {"kind": "y"})])
    index.put([Entry("c", (9.0, 9.0), {})])
    assert [m.key for m in index.nearest((0.5, 0.5), 2)] == ["a", "b"]
    assert abs(index.nearest((0.0, 0.0), 5, having={"kind": "y"})[0].distance - 5.0) < 1e-5
    assert index.nearest((0.0, 0.0), 5, having={"kind": "x", "n": 2}) == []
    index.put([Entry("a", (9.0, 9.5), {"kind": "z"})])  # replaces vector and facets alike
    assert len(index) == 3 and index.nearest((0.0, 0.0), 5, having={"n": 1}) == []
    assert [m.key for m in index.nearest((9.0, 9.4), 1)] == ["a"]
    index.drop(["a", "never-there"])
    index.drop([])
    assert len(index) == 2
    try:
        index.put([Entry("d", (1.0,), {})])
    except WrongDimension:
        assert len(index) == 2
    else:
        raise AssertionError("a vector of another dimension was accepted")


def main() -> None:
    with tempfile.TemporaryDirectory() as vault, chromadb.PersistentClient(vault) as client:
        for make in (DictIndex, lambda: ChromaIndex(client, "contract")):
            contract(make)

        answers = []
        for index in (DictIndex(), ChromaIndex(client, "accessions")):
            bank = SeedBank(index)
            bank.deposit("TRI-1", frost=0.9, drought=0.2, days=210, crop="wheat")
            bank.deposit("TRI-2", frost=0.8, drought=0.3, days=200, crop="wheat")
            bank.deposit("TRI-3", frost=0.9, drought=0.2, days=208, crop="wheat", viable=False)
            bank.deposit("HOR-1", frost=0.9, drought=0.2, days=205, crop="barley")
            answers.append(bank.substitute_for("TRI-1", "wheat", frost=0.9, drought=0.2, days=210))
        assert answers == ["TRI-2", "TRI-2"]
        assert len(ChromaIndex(client, "accessions")) == 4  # reopened
    print("both adapters keep the contract; substitute for TRI-1:", answers[0])


if __name__ == "__main__":
    main()
