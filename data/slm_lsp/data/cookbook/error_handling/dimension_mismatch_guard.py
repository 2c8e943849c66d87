"""Catch wrong vector dimensions early, and say which record and which model is to blame.

A collection's dimension is fixed by its first record, for good. Chroma refuses every other one, but late (after
the whole batch was sent) and without naming the record. The guard below checks a batch first, and remembers the
model's name beside the dimension, since equal dimensions do not make two models compatible.
"""

import chromadb
import numpy as np
from chromadb.errors import InvalidArgumentError


class VectorError(ValueError):
    """A problem with vectors that a person can act on."""


class GuardedVectors:
    """A collection that takes vectors of one model only."""

    def __init__(self, client, name, *, model, dimension):
        self.collection = client.get_or_create_collection(
            name, metadata={"model": model, "dimension": dimension}, embedding_function=None
        )
        stored = self.collection.metadata
        if (stored["model"], stored["dimension"]) != (model, dimension):
            raise VectorError(
                f"{name!r} holds {stored['model']} vectors of {stored['dimension']} dimensions, "
                f"this program makes {model} vectors of {dimension}: re-embed into a new collection"
            )
        self.dimension = dimension

    def _checked(self, keys, vectors):
        problems = []
        rows = []
        for key, vector in zip(keys, vectors, strict=True):
            row = np.asarray(vector, dtype=np.float32)
            if row.ndim != 1:
                problems.append(f"{key}: shape {row.shape}, one row expected (a list of lists passed as one vector?)")
            elif len(row) != self.dimension:
                problems.append(f"{key}: {len(row)} dimensions instead of {self.dimension}")
            elif not np.isfinite(row).all():
                problems.append(f"{key}: NaN or infinity at {np.flatnonzero(~np.isfinite(row)).tolist()}")
            elif not row.any():
                problems.append(f"{key}: all zeros, which usually means an empty text")
            rows.append(row)
        if problems:
            raise VectorError("; ".join(problems))
        return rows

    def upsert(self, ids, embeddings, **rest):
        self.collection.upsert(ids=ids, embeddings=self._checked(ids, embeddings), **rest)

    def nearest(self, vector, n=1):
        (row,) = self._checked(["query"], [vector])
        return self.collection.query(query_embeddings=[row], n_results=n)["ids"][0]


def raw_behaviour(client):
    """What Chroma itself does with wrong vectors."""
    horses = client.create_collection("gaits_raw", embedding_function=None)
    # An empty collection has no dimension yet: anything may be asked, and nothing is found.
    assert horses.query(query_embeddings=[[1.0, 2.0, 3.0]], n_results=1)["ids"] == [[]]
    horses.add(ids=["walk"], embeddings=[[4.0, 0.0, 0.1]])
    for name, call in {
        "add": lambda: horses.add(ids=["trot"], embeddings=[[2.0, 2.0]]),
        "upsert": lambda: horses.upsert(ids=["walk"], embeddings=[[2.0, 2.0]]),
        "update": lambda: horses.update(ids=["walk"], embeddings=[[2.0, 2.0]]),
        "query": lambda: horses.query(query_embeddings=[[2.0, 2.0, 0.0, 0.0]]),
    }.items():
        try:
            call()
        except InvalidArgumentError as error:
            assert "expecting embedding with dimension of 3" in str(error)
            print(f"  {name:<7} {error}")
        else:
            raise AssertionError(name)
    # What the dimension is can be read from a freshly fetched handle.
    assert client.get_collection("gaits_raw", embedding_function=None).get_model().dimension == 3
    # A single bad record takes the whole batch down.
    try:
        horses.add(ids=["amble", "pace", "canter"], embeddings=[[4.0, 1.0, 0.2], [2.0, 2.0], [3.0, 1.0, 0.6]])
    except (InvalidArgumentError, ValueError) as error:
        print(f"  batch   {type(error).__name__}: {str(error)[:60]}")
    else:
        raise AssertionError("one short vector spoils a batch")
    assert horses.count() == 1

    # Not a number is refused too, whether it comes as Python's or numpy's.
    for bad in (float("nan"), np.inf):
        try:
            horses.add(ids=["stumble"], embeddings=[[1.0, bad, 0.0]])
        except InvalidArgumentError as error:
            assert "NaN or Infinity" in str(error)
        else:
            raise AssertionError(f"{bad} became a coordinate")
    # Emptying a collection does not free its dimension.
    horses.delete(ids=["walk"])
    try:
        horses.add(ids=["trot"], embeddings=[[2.0, 2.0]])
    except InvalidArgumentError:
        print("  emptied collections keep their dimension: delete and create them instead")
    else:
        raise AssertionError("the dimension was forgotten")
    client.delete_collection("gaits_raw")
    again = client.create_collection("gaits_raw", embedding_function=None)
    again.add(ids=["trot"], embeddings=[[2.0, 2.0]])
    assert again.count() == 1


def guarded_behaviour(client):
    gaits = GuardedVectors(client, "gaits", model="accelerometer-v1", dimension=4)
    gaits.upsert(
        ids=["walk", "trot", "gallop"],
        embeddings=[[4, 0.2, 0.1, 1.6], [2, 0.5, 0.3, 3.1], [4, 0.9, 0.8, 9.4]],
        documents=["four beats, slow", "two beats, diagonal", "four beats, suspension"],
    )
    assert gaits.nearest([2.1, 0.5, 0.2, 3.3]) == ["trot"]

    faults = {
        "dimension": (["pace"], [[2, 0.4, 0.2]]),
        "shape": (["pace"], [[[2, 0.4, 0.2, 3.0]]]),
        "NaN": (["pace"], [[2, float("nan"), 0.2, 3.0]]),
        "zeros": (["pace"], [np.zeros(4)]),
        "which": (["ok-1", "bad-2", "ok-3"], [[1, 1, 1, 1], [1, 1], [2, 2, 2, 2]]),
    }
    for kind, (ids, vectors) in faults.items():
        try:
            gaits.upsert(ids, vectors)
        except VectorError as error:
            print(f"  {kind:<9} {error}")
            assert ids[0] in str(error) or "bad-2" in str(error)
        else:
            raise AssertionError(kind)
    assert gaits.collection.count() == 3

    # The same dimension from another model is the mistake that Chroma cannot see.
    try:
        GuardedVectors(client, "gaits", model="accelerometer-v2", dimension=4)
    except VectorError as error:
        print(f"  model     {error}")
    else:
        raise AssertionError("another model should be refused")


def main():
    client = chromadb.EphemeralClient()
    print("Chroma alone:")
    raw_behaviour(client)
    print("guarded:")
    guarded_behaviour(client)


if __name__ == "__main__":
    main()
