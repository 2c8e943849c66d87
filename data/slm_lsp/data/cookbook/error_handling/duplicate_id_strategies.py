"""Handle duplicate ids in a music library: inside one call they raise, across calls add() skips them silently.

The second half is the trap. `collection.add()` with an id that is already stored is not an error and changes
nothing; the caller believes the record was written. Four strategies, each in a function of its own.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence

import chromadb
from chromadb.api.models.Collection import Collection
from chromadb.errors import DuplicateIDError


class AlreadyStored(Exception):
    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} id(s) exist already: {', '.join(sorted(ids)[:5])}")
        self.ids = set(ids)


class OnConflict(enum.Enum):
    REFUSE = "refuse"  # nothing is written when any id is taken
    KEEP_OLD = "keep"  # new records only
    REPLACE = "replace"  # last writer wins


Track = tuple[str, list[float], str]  # id, (tempo, energy, acousticness), title


def columns(tracks: Sequence[Track]) -> dict:
    ids, vectors, titles = zip(*tracks)
    return {"ids": list(ids), "embeddings": [list(v) for v in vectors], "documents": list(titles)}


def store(collection: Collection, tracks: Sequence[Track], on_conflict: OnConflict) -> int:
    """Write tracks; returns how many records were added or replaced.

    The check and the write are two calls, so two writers may still collide: then add() keeps the first.
    """
    tracks = last_of_each(tracks)
    if on_conflict is OnConflict.REPLACE:
        collection.upsert(**columns(tracks))
        return len(tracks)
    taken = set(collection.get(ids=[track[0] for track in tracks], include=[])["ids"])
    if taken and on_conflict is OnConflict.REFUSE:
        raise AlreadyStored(sorted(taken))
    fresh = [track for track in tracks if track[0] not in taken]
    if fresh:  # an empty list of ids is an error
        collection.add(**columns(fresh))
    return len(fresh)


def last_of_each(tracks: Sequence[Track]) -> list[Track]:
    """Duplicates within a batch: the later entry wins, as it would in a loop of upserts."""
    return list({track[0]: track for track in tracks}.values())


def content_id(title: str, vector: Sequence[float]) -> str:
    """The fourth strategy: ids made of the content, so that equal ids mean equal records."""
    digest = hashlib.sha256(repr((title, [round(x, 6) for x in vector])).encode())
    return digest.hexdigest()[:20]


def main() -> None:
    client = chromadb.EphemeralClient()
    library = client.create_collection("tracks", embedding_function=None)
    library.add(
        **columns([("t1", [0.6, 0.8, 0.1], "So What"), ("t2", [0.5, 0.2, 0.9], "Blue in Green")])
    )

    # 1. Twice in one call: refused before anything is sent, and the message names the culprits.
    batch = [
        ("t3", [0.1, 0.1, 0.1], "All Blues"),
        ("t4", [0.2, 0.2, 0.2], "Freddie"),
        ("t3", [0.3, 0.3, 0.3], "All Blues II"),
    ]
    for operation in (library.add, library.upsert, library.update):
        try:
            operation(**columns(batch))
        except DuplicateIDError as error:
            assert "t3" in str(error) and "t4" not in str(error)
        else:
            raise AssertionError("duplicates within a call should be refused")
    assert library.count() == 2
    print("within one call: DuplicateIDError, nothing written")

    # 2. Across calls: silence.
    library.add(**columns([("t1", [0.9, 0.9, 0.9], "So What (live)"), ("t5", [0.7, 0.7, 0.3], "Flamenco Sketches")]))
    kept = library.get(ids=["t1"], include=["documents", "embeddings"])
    assert kept["documents"] == ["So What"]
    assert abs(kept["embeddings"][0][0] - 0.6) < 1e-6
    assert library.count() == 3, "the new one of the two was added all the same"
    print("across calls: add() kept", kept["documents"][0])

    # 3. The strategies.
    incoming = [("t1", [0.9, 0.9, 0.9], "So What (live)"), ("t6", [0.4, 0.5, 0.5], "Nardis")]
    try:
        store(library, incoming, OnConflict.REFUSE)
    except AlreadyStored as refusal:
        print("refuse:", refusal)
        assert refusal.ids == {"t1"}
    else:
        raise AssertionError("t1 is taken")
    assert library.count() == 3

    assert store(library, incoming, OnConflict.KEEP_OLD) == 1
    assert library.get("t1")["documents"] == ["So What"] and library.count() == 4
    assert store(library, incoming, OnConflict.KEEP_OLD) == 0  # nothing left to do, and no error

    assert store(library, incoming, OnConflict.REPLACE) == 2
    assert library.get("t1")["documents"] == ["So What (live)"] and library.count() == 4
    print("replace:", library.get("t1")["documents"][0])

    # The batch from above, with its inner duplicate settled first.
    assert store(library, batch, OnConflict.REFUSE) == 2
    assert library.get("t3")["documents"] == ["All Blues II"]

    # 4. Content as identity: importing the same file twice is harmless, a different take is another record.
    takes = [("Naima", [0.3, 0.3, 0.8]), ("Naima", [0.3, 0.3, 0.8]), ("Naima", [0.35, 0.4, 0.7])]
    named = [(content_id(title, vector), vector, title) for title, vector in takes]
    assert len({track[0] for track in named}) == 2
    for _ in range(2):
        store(library, named, OnConflict.KEEP_OLD)
    assert len(library.get(where_document={"$contains": "Naima"})["ids"]) == 2

    # update() is the opposite silence: ids that do not exist are ignored, too.
    library.update(ids=["t1", "t999"], documents=["So What (remastered)", "?"], embeddings=[[0.6, 0.8, 0.1]] * 2)
    assert library.get(ids=["t999"])["ids"] == [] and library.get("t1")["documents"] == ["So What (remastered)"]
    print(f"{library.count()} tracks in the end")


if __name__ == "__main__":
    main()
