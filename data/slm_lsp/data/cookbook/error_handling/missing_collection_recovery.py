"""Survive collections that are missing, deleted by somebody else, or created by two workers at once.

A long-running parcel tracker caches its collection handle. When an operator drops and rebuilds the collection
the handle goes stale; the tracker reopens it and tries once more, instead of failing until it is restarted.
"""

import functools
import logging
from typing import Callable, Optional, TypeVar

import chromadb
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection
from chromadb.errors import ChromaError, InvalidArgumentError, NotFoundError

log = logging.getLogger("parcels")
T = TypeVar("T")


def find_collection(client: ClientAPI, name: str) -> Optional[Collection]:
    """None if there is no such collection. Other errors pass: they do not mean "missing"."""
    try:
        return client.get_collection(name, embedding_function=None)
    except NotFoundError:
        return None


def create_exclusively(client: ClientAPI, name: str, **options) -> Optional[Collection]:
    """Create a collection, or None if somebody else has. Exactly one of several workers gets the handle.

    The class of the "already exists" error depends on where the database runs, so the text decides.
    """
    try:
        return client.create_collection(name, embedding_function=None, **options)
    except InvalidArgumentError:
        raise  # a name that is not allowed: trying again would not help
    except ChromaError as error:
        if "already exists" in str(error):
            return None
        raise


def drop(client: ClientAPI, name: str) -> bool:
    """DROP ... IF EXISTS. True if there was something to drop."""
    try:
        client.delete_collection(name=name)
    except NotFoundError:
        return False
    return True


def reopening(method: Callable[..., T]) -> Callable[..., T]:
    """Run a method again, once, with a fresh collection if its handle turns out to be stale."""

    @functools.wraps(method)
    def wrapper(self: "ParcelTracker", *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except NotFoundError as stale:
            log.warning("%s: reopening %r", stale, self.name)
            self.reopened += 1
            self._collection = None
            return method(self, *args, **kwargs)

    return wrapper


class ParcelTracker:
    def __init__(self, client: ClientAPI, name: str = "parcels") -> None:
        self.client, self.name = client, name
        self.reopened = 0
        self._collection: Optional[Collection] = None

    @property
    def collection(self) -> Collection:
        if self._collection is None:
            self._collection = self.client.get_or_create_collection(self.name, embedding_function=None)
        return self._collection

    @reopening
    def seen(self, parcel: str, lat: float, lon: float) -> None:
        self.collection.upsert(ids=[parcel], embeddings=[[lat / 90, lon / 180]], metadatas=[{"lat": lat, "lon": lon}])

    @reopening
    def nearest(self, lat: float, lon: float) -> Optional[str]:
        ids = self.collection.query(query_embeddings=[[lat / 90, lon / 180]], n_results=1, include=[])["ids"][0]
        return ids[0] if ids else None

    @reopening
    def __len__(self) -> int:
        return self.collection.count()


def main() -> None:
    logging.basicConfig(format="%(levelname)s %(message)s")
    client = chromadb.EphemeralClient()

    assert find_collection(client, "parcels") is None
    assert drop(client, "parcels") is False

    tracker = ParcelTracker(client)
    tracker.seen("GB-1", 51.5, -0.1)
    tracker.seen("DE-1", 52.5, 13.4)
    tracker.seen("IT-1", 41.9, 12.5)
    assert tracker.nearest(48.1, 11.6) in {"DE-1", "IT-1"} and len(tracker) == 3

    # Somebody else, with a client of their own, drops the collection and fills it anew.
    operator = chromadb.EphemeralClient()
    assert drop(operator, "parcels") is True
    rebuilt = operator.create_collection("parcels", embedding_function=None)
    rebuilt.add(ids=["FR-1"], embeddings=[[48.9 / 90, 2.4 / 180]])

    # The bare handle is dead for good, even though a collection of that name exists again ...
    for action in (
        lambda: tracker._collection.count(),
        lambda: tracker._collection.add(ids=["x"], embeddings=[[0.0, 0.0]]),
        lambda: tracker._collection.query(query_embeddings=[[0.0, 0.0]]),
        lambda: tracker._collection.modify(name="parcels_2"),
    ):
        try:
            action()
        except NotFoundError as error:
            assert error.code() == 404
        else:
            raise AssertionError("a stale handle should not reach the new collection")
    # ... the tracker recovers.
    assert tracker.nearest(51.0, 0.0) == "FR-1" and tracker.reopened == 1
    tracker.seen("ES-1", 40.4, -3.7)
    assert len(tracker) == rebuilt.count() == 2
    assert tracker.reopened == 1, "only the first call after the drop paid for it"

    # Exactly one of three workers becomes the one that fills the collection.
    winners = [create_exclusively(client, "night_index", metadata={"worker": n}) for n in range(3)]
    assert [w is not None for w in winners] == [True, False, False]
    assert find_collection(client, "night_index").metadata == {"worker": 0}
    try:
        create_exclusively(client, "no spaces please")
    except InvalidArgumentError as error:
        print("bad name, not taken:", str(error).split(":")[0])
    else:
        raise AssertionError("a bad name is not a lost race")

    # An id that is gone is NotFoundError as well; records that are missing are not errors at all.
    gone = winners[0].id
    drop(client, "night_index")
    try:
        client.get_collection_by_id(id=gone, embedding_function=None)
    except NotFoundError as error:
        print("by id:", error)
    else:
        raise AssertionError("that id is gone")
    found = tracker.collection.get(ids=["FR-1", "XX-9"])
    assert found["ids"] == ["FR-1"]
    missing = {"FR-1", "XX-9"} - set(found["ids"])
    print("unknown parcels:", sorted(missing))


if __name__ == "__main__":
    main()
