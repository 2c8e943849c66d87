"""Guard hospital notes: every read goes through a filter that the caller cannot get around.

``GuardedNotes`` holds the staff member's access rule and joins it with $and to whatever the caller
asks for.  Callers never hold the collection itself, so a forgotten filter cannot leak a note.
"""
from __future__ import annotations

import logging
from typing import Any, Iterable, Literal, TypedDict

import chromadb

log = logging.getLogger("notes.access")
Role = Literal["doctor", "nurse", "billing", "admin"]


class Staff(TypedDict):
    name: str
    role: Role
    wards: list[str]


def access_rule(staff: Staff) -> dict[str, Any] | None:
    """The filter that a person's rights amount to; None means that nothing is held back."""
    if staff["role"] == "admin":
        return None
    if not staff["wards"]:
        # No ward, no notes.  "$in" refuses an empty list, and leaving the condition out would
        # open everything, so ask for something that no note has.
        return {"ward": {"$eq": "\x00 none"}}
    own_wards: dict[str, Any] = {"ward": {"$in": staff["wards"]}}
    if staff["role"] == "billing":
        return {"$and": [own_wards, {"kind": "invoice"}]}
    released = {"restricted": {"$ne": True}}  # true also of notes without the flag
    named = {"readers": {"$contains": staff["name"]}}
    if staff["role"] == "nurse":
        return {"$and": [own_wards, released]}
    return {"$or": [{"$and": [own_wards, released]}, named]}


def both(first: dict | None, second: dict | None) -> dict | None:
    if first is None or second is None:
        return first or second
    return {"$and": [first, second]}


class GuardedNotes:
    """The only way to the notes.  Same methods as a collection, less power."""

    def __init__(self, collection: chromadb.Collection, staff: Staff) -> None:
        self.__collection = collection
        self.staff = staff
        self.__rule = access_rule(staff)

    def get(self, ids: Iterable[str] | None = None, where: dict | None = None, **rest: Any):
        # Knowing an id is no permission: the rule is applied to get(ids=...) as well.
        found = self.__collection.get(
            ids=list(ids) if ids is not None else None, where=both(self.__rule, where), **rest
        )
        log.info("%s read %s", self.staff["name"], found["ids"])
        return found

    def query(self, query_embeddings: list[list[float]], where: dict | None = None, **rest: Any):
        return self.__collection.query(
            query_embeddings=query_embeddings, where=both(self.__rule, where), **rest
        )

    def count(self) -> int:
        """How many notes this person may see, rather than how many there are."""
        return len(self.__collection.get(where=self.__rule, include=[])["ids"])


NOTES = [
    ("n1", "cardiology", "finding", "Murmur over the mitral valve", {}),
    ("n2", "cardiology", "finding", "Psychiatric history, see letter", {"restricted": True, "readers": ["dr.lind"]}),
    ("n3", "cardiology", "invoice", "Echo, 210 EUR", {}),
    ("n4", "surgery", "finding", "Appendix removed, no complications", {"restricted": False}),
    ("n5", "surgery", "finding", "Consultation asked of Dr Lind", {"restricted": True, "readers": ["dr.lind", "dr.ito"]}),
    ("n6", "surgery", "invoice", "Theatre, 90 minutes, 3100 EUR", {}),
]

LIND: Staff = {"name": "dr.lind", "role": "doctor", "wards": ["cardiology"]}
BEPPO: Staff = {"name": "beppo", "role": "nurse", "wards": ["surgery", "cardiology"]}
CASH: Staff = {"name": "cash-desk", "role": "billing", "wards": ["surgery"]}
TEMP: Staff = {"name": "temp", "role": "nurse", "wards": []}
ROOT: Staff = {"name": "root", "role": "admin", "wards": []}


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    collection = chromadb.EphemeralClient().create_collection("hospital_notes")
    collection.add(
        ids=[note[0] for note in NOTES],
        documents=[note[3] for note in NOTES],
        metadatas=[{"ward": ward, "kind": kind, **more} for _, ward, kind, _, more in NOTES],
        embeddings=[
            [float(ward == "cardiology"), float(kind == "invoice"), len(text) / 50]
            for _, ward, kind, text, _ in NOTES
        ],
    )
    guards = {staff["name"]: GuardedNotes(collection, staff) for staff in (LIND, BEPPO, CASH, TEMP, ROOT)}
    visible = {name: set(guard.get(include=[])["ids"]) for name, guard in guards.items()}
    assert visible == {
        "dr.lind": {"n1", "n2", "n3", "n5"},  # her ward, and the notes that name her
        "beppo": {"n1", "n3", "n4", "n6"},
        "cash-desk": {"n6"},
        "temp": set(),
        "root": {"n1", "n2", "n3", "n4", "n5", "n6"},
    }, visible

    # The caller's filter narrows and never widens: this $or would match everything on its own.
    beppo = guards["beppo"]
    wide_open = {"$or": [{"ward": {"$ne": ""}}, {"restricted": True}]}
    assert set(beppo.get(where=wide_open, include=[])["ids"]) == visible["beppo"]
    assert beppo.get(ids=["n2", "n5"], include=[])["ids"] == [], "guessing ids does not help"
    assert beppo.get(ids=["n1", "n2"], where={"kind": "finding"}, include=[])["ids"] == ["n1"]

    nearest = beppo.query([[1.0, 0.0, 0.6]], n_results=6, where={"kind": "finding"}, include=["documents"])
    assert nearest["ids"] == [["n1", "n4"]]

    # The text filter goes along untouched.
    assert guards["dr.lind"].get(where_document={"$contains": "Lind"}, include=[])["ids"] == ["n5"]
    assert guards["root"].count() == collection.count() == 6 and guards["temp"].count() == 0
    assert not hasattr(beppo, "collection") and not hasattr(beppo, "delete")

    for name, notes in visible.items():
        print(f"{name:<10} {len(notes)} notes  {' '.join(sorted(notes))}")


if __name__ == "__main__":
    main()
