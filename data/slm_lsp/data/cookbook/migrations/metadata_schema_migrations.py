"""Run numbered migrations over the metadata of a vehicle fleet, once each, and record them in the collection.

Metadata has no schema, so old and new shapes pile up until somebody's filter misses half the records. Each
migration maps one record's metadata to the new shape (or None: nothing to do); the runner pages through the
collection, updates, and stores the version it reached.

A detail that bites: update() merges metadata. A key that is merely left out stays; to remove it, set it to None.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import chromadb

Meta = dict[str, Any]
Step = Callable[[Meta], Optional[Meta]]
MIGRATIONS: list[tuple[int, str, Step]] = []


def migration(number: int):
    def register(function: Step) -> Step:
        MIGRATIONS.append((number, (function.__doc__ or "").strip(), function))
        MIGRATIONS.sort(key=lambda entry: entry[0])
        return function

    return register


@migration(1)
def mileage_in_kilometres(meta: Meta) -> Meta | None:
    """`miles` becomes `km`"""
    if "miles" not in meta:
        return None
    return {"miles": None, "km": round(meta["miles"] * 1.609344)}


@migration(2)
def years_are_numbers(meta: Meta) -> Meta | None:
    """`year` was sometimes a string, which $gte never matches"""
    year = meta.get("year")
    return {"year": int(year)} if isinstance(year, str) else None


@migration(3)
def equipment_is_an_array(meta: Meta) -> Meta | None:
    """`equipment` as a comma-separated string becomes a list that $contains can look into"""
    equipment = meta.get("equipment")
    if not isinstance(equipment, str):
        return None
    items = sorted({item.strip().lower() for item in equipment.split(",") if item.strip()})
    return {"equipment": items or None}  # an empty list is not allowed: remove the key


@migration(4)
def depot_and_bay(meta: Meta) -> Meta | None:
    """`location` "D3/14" is split into `depot` and `bay`"""
    if "location" not in meta:
        return None
    depot, _, bay = meta["location"].partition("/")
    return {"location": None, "depot": depot, "bay": int(bay or 0)}


def migrate(client: chromadb.ClientAPI, name: str, *, page: int = 3, dry_run: bool = False) -> dict[int, int]:
    """Bring a collection to the latest version. Returns how many records each migration changed."""
    collection = client.get_collection(name, embedding_function=None)
    about = dict(collection.metadata or {})
    changed: dict[int, int] = {}
    for number, _, step in MIGRATIONS:
        if number <= about.get("schema_version", 0):
            continue
        changed[number] = 0
        # Updates change no ids, so paging by offset is stable while we write.
        for offset in range(0, collection.count(), page):
            batch = collection.get(limit=page, offset=offset, include=["metadatas"])
            updates = {
                key: change
                for key, meta in zip(batch["ids"], batch["metadatas"])
                if (change := step(meta or {})) is not None
            }
            changed[number] += len(updates)
            if updates and not dry_run:
                collection.update(ids=list(updates), metadatas=list(updates.values()))
        if not dry_run:
            # After each migration, so that a crash repeats at most one; steps must tolerate being repeated.
            about["schema_version"] = number
            collection.modify(metadata=about)
    return changed


def main() -> None:
    client = chromadb.EphemeralClient()
    fleet = client.create_collection("fleet", metadata={"operator": "Linie 9"}, embedding_function=None)
    fleet.add(
        ids=["bus-1", "bus-2", "van-1", "van-2", "tram-1", "tram-2", "ghost"],
        embeddings=[[seats / 100, weight / 40, electric] for seats, weight, electric in
                    [(45, 18, 0), (52, 19, 1), (8, 3, 0), (6, 3, 1), (180, 38, 1), (160, 36, 1), (1, 1, 0)]],
        metadatas=[
            {"year": "2011", "miles": 120000, "location": "D1/4", "equipment": "Ramp, WiFi,ramp"},
            {"year": 2020, "km": 64000, "depot": "D1", "bay": 5, "equipment": ["ramp", "usb"]},
            {"year": "2018", "miles": 40000.5, "location": "D2/", "equipment": ""},
            {"year": 2022, "miles": 900, "location": "D2/11"},
            {"year": "1999", "km": 800000, "location": "D3/1", "equipment": "bell"},
            {"year": 2003, "km": 640000, "location": "D3/2", "equipment": "Bell, wifi"},
            None,
        ],
    )

    # The trouble the migrations are for: four of six vehicles are invisible to this filter.
    assert sorted(fleet.get(where={"year": {"$gte": 2000}})["ids"]) == ["bus-2", "tram-2", "van-2"]
    assert fleet.get(where={"equipment": {"$contains": "wifi"}})["ids"] == []

    preview = migrate(client, "fleet", dry_run=True)
    assert fleet.get("bus-1")["metadatas"][0]["miles"] == 120000, "a dry run writes nothing"
    done = migrate(client, "fleet")
    assert done == {1: 3, 2: 3, 3: 4, 4: 5}
    for number, text, _ in MIGRATIONS:
        print(f"{number}  {done[number]} records (preview {preview[number]})  {text}")

    assert fleet.get("bus-1")["metadatas"][0] == {
        "year": 2011, "km": 193121, "depot": "D1", "bay": 4, "equipment": ["ramp", "wifi"],
    }
    assert "equipment" not in fleet.get("van-1")["metadatas"][0]
    assert sorted(fleet.get(where={"year": {"$gte": 2000}})["ids"]) == ["bus-1", "bus-2", "tram-2", "van-1", "van-2"]
    assert sorted(fleet.get(where={"equipment": {"$contains": "wifi"}})["ids"]) == ["bus-1", "tram-2"]
    assert fleet.get(where={"$and": [{"depot": "D2"}, {"bay": {"$gt": 0}}]})["ids"] == ["van-2"]
    # Vectors and documents were not touched.
    assert fleet.query(query_embeddings=[[1.8, 0.95, 1]], n_results=1)["ids"] == [["tram-1"]]

    about = client.get_collection("fleet", embedding_function=None).metadata
    assert about == {"operator": "Linie 9", "schema_version": 4}
    assert migrate(client, "fleet") == {}, "a second run has nothing to do"

    # A release later somebody adds number 5: only that one runs.
    @migration(5)
    def retired(meta: Meta) -> Meta | None:
        """vehicles before 2005 are marked as retired"""
        return {"retired": True} if meta.get("year", 9999) < 2005 else None

    assert migrate(client, "fleet") == {5: 2}
    assert sorted(fleet.get(where={"retired": True})["ids"]) == ["tram-1", "tram-2"]
    print("5  2 records, later:", retired.__doc__)


if __name__ == "__main__":
    main()
