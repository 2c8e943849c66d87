"""Apply scanner events to parcels with update(): merging metadata, removing keys, moving vectors.

Every parcel is a point (its last known position) with a few facts.  Scanner events arrive in
bursts and touch one thing at a time, which is just what update() is for.
"""

import math
from collections import defaultdict

import chromadb

DEPOTS = {
    "rotterdam": (51.92, 4.48),
    "cologne": (50.94, 6.96),
    "lyon": (45.76, 4.84),
    "milan": (45.46, 9.19),
}


def unit_vector(place):
    """A depot as a point on the unit sphere: straight-line distance then orders like the map does."""
    lat, lon = (math.radians(degrees) for degrees in DEPOTS[place])
    return [math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)]


def load_parcels(collection):
    waybills = {
        "NL-5531": ("rotterdam", "two boxes of tulip bulbs"),
        "NL-5532": ("rotterdam", "bicycle frame, fragile"),
        "DE-0917": ("cologne", "choir robes, 14 kg"),
    }
    collection.add(
        ids=list(waybills),
        embeddings=[unit_vector(place) for place, _ in waybills.values()],
        documents=[content for _, content in waybills.values()],
        metadatas=[{"depot": place, "status": "accepted", "scans": 1} for place, _ in waybills.values()],
    )


def apply_events(collection, events):
    """Fold a burst of events into one update() call; returns the waybills nobody has heard of."""
    by_waybill = defaultdict(list)
    for event in events:
        by_waybill[event["waybill"]].append(event)

    # update() passes over unknown ids silently, so look them up first if that matters.
    current = collection.get(ids=list(by_waybill), include=["metadatas"])
    known = dict(zip(current["ids"], current["metadatas"]))

    ids, vectors, facts = [], [], []
    for waybill, facts_before in known.items():
        place, changes = facts_before["depot"], {"scans": facts_before["scans"]}
        for event in by_waybill[waybill]:
            changes["scans"] += 1
            changes["status"] = event["kind"]
            if event["kind"] == "arrived":
                place = changes["depot"] = event["depot"]
            if event["kind"] == "held":
                changes["hold_reason"] = event["reason"]
            if event["kind"] == "released":
                changes["hold_reason"] = None  # None removes the key from the stored metadata
        ids.append(waybill)
        vectors.append(unit_vector(place))
        facts.append(changes)
    collection.update(ids=ids, embeddings=vectors, metadatas=facts)
    return sorted(by_waybill.keys() - known.keys())


def parcels_near(collection, place, how_many=2):
    found = collection.query(query_embeddings=unit_vector(place), n_results=how_many, include=["distances"])
    return found["ids"][0]


def main():
    client = chromadb.Client()
    parcels = client.create_collection("parcels_in_transit", embedding_function=None)
    load_parcels(parcels)
    assert parcels_near(parcels, "milan", 1) == ["DE-0917"]

    strays = apply_events(
        parcels,
        [
            {"waybill": "NL-5532", "kind": "held", "reason": "customs form missing"},
            {"waybill": "NL-5531", "kind": "arrived", "depot": "lyon"},
            {"waybill": "XX-0000", "kind": "arrived", "depot": "lyon"},
        ],
    )
    assert strays == ["XX-0000"]
    assert parcels.count() == 3, "update() never creates a record"

    # Keys that the event did not name are still there: metadata is merged, not replaced.
    held = parcels.get(ids="NL-5532")["metadatas"][0]
    assert held == {
        "depot": "rotterdam",
        "status": "held",
        "scans": 2,
        "hold_reason": "customs form missing",
    }, held
    assert parcels.get(where={"hold_reason": {"$ne": ""}}, include=[])["ids"], "held parcels can be listed"

    apply_events(
        parcels,
        [
            {"waybill": "NL-5532", "kind": "released"},
            {"waybill": "NL-5531", "kind": "arrived", "depot": "milan"},
        ],
    )
    released = parcels.get(ids=["NL-5532"])["metadatas"][0]
    assert "hold_reason" not in released and released["scans"] == 3
    assert parcels_near(parcels, "milan", 1) == ["NL-5531"], "the vector moved with the parcel"

    # A corrected description alone: the vector is given along, or the collection would want to embed
    # the new document; everything not named stays as it was.
    record = parcels.get(ids="NL-5531", include=["embeddings", "metadatas"])
    parcels.update(
        ids="NL-5531",
        documents="three boxes of tulip bulbs",
        embeddings=record["embeddings"][0],
    )
    after = parcels.get(ids="NL-5531")
    assert after["documents"] == ["three boxes of tulip bulbs"]
    assert after["metadatas"] == record["metadatas"]

    print("unknown waybills:", ", ".join(strays))
    for waybill, facts, text in zip(*(parcels.get()[key] for key in ("ids", "metadatas", "documents"))):
        print(f"{waybill}  {facts['status']:<9} {facts['depot']:<10} {facts['scans']} scans  {text}")


if __name__ == "__main__":
    main()
