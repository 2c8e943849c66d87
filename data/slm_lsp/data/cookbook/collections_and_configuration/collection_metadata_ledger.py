"""Keep a dataset's provenance in collection metadata, although modify() replaces the whole dictionary.

`collection.modify(metadata=...)` is not an update: keys that are not passed are gone. `merge_metadata`
below does what people expect, and a ledger of curation steps shows a way around the rule that collection
metadata holds only scalars: one JSON string.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import chromadb
from chromadb.api.models.Collection import Collection
from chromadb.api.types import CollectionMetadata

DELETE = object()  # a marker of our own: "remove this key"


def merge_metadata(
    client: chromadb.ClientAPI, collection: Collection, **changes: Any
) -> CollectionMetadata:
    """Update some keys of a collection's metadata and keep the rest. Pass DELETE to remove one.

    The handle's copy may be stale, so the database's current state is read first. Two processes doing this
    at the same moment can still overwrite each other: there is no compare-and-swap.
    """
    stored = client.get_collection_by_id(id=collection.id, embedding_function=None)
    current = dict(stored.metadata or {})
    for key, value in changes.items():
        if value is DELETE:
            current.pop(key, None)
        else:
            current[key] = value
    collection.modify(metadata=current)
    return current


class Ledger:
    """An append-only list of curation steps, kept as JSON under one metadata key."""

    KEY = "ledger"

    def __init__(self, client: chromadb.ClientAPI, name: str) -> None:
        self.client, self.name = client, name

    def entries(self) -> list[dict[str, Any]]:
        metadata = self.client.get_collection(self.name, embedding_function=None).metadata or {}
        return json.loads(metadata.get(self.KEY, "[]"))

    def append(self, step: str, on: date, **details: Any) -> None:
        entries = self.entries() + [{"step": step, "on": on.isoformat(), **details}]
        collection = self.client.get_collection(self.name, embedding_function=None)
        merge_metadata(self.client, collection, ledger=json.dumps(entries), revision=len(entries))


def main() -> None:
    client = chromadb.EphemeralClient()
    herbarium = client.create_collection(
        name="herbarium",
        metadata={"source": "Kew field notes", "license": "CC-BY-4.0", "specimens": 2, "verified": False},
        embedding_function=None,
    )
    herbarium.add(
        ids=["quercus-robur", "betula-pendula"],
        embeddings=[[0.8, 0.1, 0.3], [0.2, 0.9, 0.4]],
        documents=["Pedunculate oak, lobed leaves", "Silver birch, white bark"],
    )

    # The trap: three keys vanish.
    herbarium.modify(metadata={"verified": True})
    assert herbarium.metadata == {"verified": True}
    assert client.get_collection("herbarium", embedding_function=None).metadata == {"verified": True}
    print("after modify(metadata={'verified': True}):", herbarium.metadata)

    # Restored, then merged.
    herbarium.modify(metadata={"source": "Kew field notes", "license": "CC-BY-4.0", "specimens": 2})
    merged = merge_metadata(client, herbarium, verified=True, specimens=3, license=DELETE)
    assert merged == {"source": "Kew field notes", "specimens": 3, "verified": True}
    assert herbarium.metadata == merged

    # A second handle writes; the first one's cached copy is stale, and merging does not undo the change.
    other = client.get_collection("herbarium", embedding_function=None)
    merge_metadata(client, other, keeper="Dr. Anand")
    assert "keeper" not in herbarium.metadata
    assert merge_metadata(client, herbarium, specimens=4)["keeper"] == "Dr. Anand"
    print("merged:", herbarium.metadata)

    # modify() can rename and describe in one call; the records do not move.
    herbarium.modify(name="herbarium_v2", metadata={**herbarium.metadata, "renamed_from": "herbarium"})
    assert herbarium.name == "herbarium_v2" and herbarium.count() == 2

    # Only str, int, float and bool are taken. An empty dictionary is refused on modify().
    for refused in ({"authors": {"first": "Linnaeus"}}, {"since": date(1753, 5, 1)}, {}):
        try:
            herbarium.modify(metadata=refused)
        except (TypeError, ValueError) as error:
            print(f"refused {refused!r:.40}: {type(error).__name__}")
        else:
            raise AssertionError(refused)
    assert herbarium.metadata["renamed_from"] == "herbarium"

    ledger = Ledger(client, "herbarium_v2")
    ledger.append("digitised", date(2023, 4, 2), by="scanner-2", pages=118)
    ledger.append("names checked", date(2023, 6, 30), against="IPNI")
    assert [entry["step"] for entry in ledger.entries()] == ["digitised", "names checked"]
    final = client.get_collection("herbarium_v2", embedding_function=None).metadata
    assert final["revision"] == 2 and final["keeper"] == "Dr. Anand"
    for entry in ledger.entries():
        print(f"  {entry['on']}  {entry['step']}")


if __name__ == "__main__":
    main()
