"""Group a museum's catalogue into exhibition rooms with k-means and store each object's room in its metadata.

The embeddings stay in Chroma; k-means (k-means++ seeding, Lloyd's iterations, plain numpy) works on the array
that `get(include=["embeddings"])` returns.  The result is written back, so that rooms become a `where` filter.
"""
import numpy as np
import chromadb

CATALOGUE = """
oil|Seascape at dusk|oil canvas sea ships storm
oil|Fishing boats|oil canvas sea boats harbour
oil|The regatta|oil canvas ships sea sails
oil|Harbour at dawn|oil canvas harbour boats sea
cer|Amphora with runners|clay greek vase black figure athletes
cer|Wine cup|clay greek cup red figure
cer|Krater fragment|clay greek vase red figure chariot
cer|Oil flask|clay greek flask black figure
arm|Parade helmet|steel gilt helmet armour knight
arm|Gauntlet pair|steel armour gauntlet knight leather
arm|Breastplate|steel armour etched knight
arm|Tournament sword|steel sword gilt knight
""".strip().splitlines()


def build_vocabulary(descriptions):
    return {w: i for i, w in enumerate(sorted({w for d in descriptions for w in d.split()}))}


def encode(description, vocabulary):
    v = np.zeros(len(vocabulary), dtype=np.float32)
    for w in description.split():
        if w in vocabulary:
            v[vocabulary[w]] = 1
    norm = np.linalg.norm(v)
    return v / norm if norm else v


def seed_plus_plus(points, k, rng):
    """Each next centre is drawn with a probability proportional to its squared distance from those chosen."""
    centres = [points[rng.integers(len(points))]]
    while len(centres) < k:
        d2 = np.min([((points - c) ** 2).sum(axis=1) for c in centres], axis=0)
        centres.append(points[rng.choice(len(points), p=d2 / d2.sum())])
    return np.array(centres)


def kmeans(points, k, restarts=8, iterations=50, seed=0):
    rng = np.random.default_rng(seed)
    best = None
    for _ in range(restarts):
        centres = seed_plus_plus(points, k, rng)
        for _ in range(iterations):
            distances = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
            labels = distances.argmin(axis=1)
            # An empty cluster keeps its centre; a restart will usually do better.
            moved = np.array([points[labels == j].mean(axis=0) if (labels == j).any() else centres[j] for j in range(k)])
            if np.allclose(moved, centres):
                break
            centres = moved
        inertia = float(distances[np.arange(len(points)), labels].sum())
        if best is None or inertia < best[0]:
            best = (inertia, labels, centres)
    return best


def assign_rooms(objects, k):
    """Cluster everything in the collection and write `room` back.  Returns the centres, one per room."""
    snapshot = objects.get(include=["embeddings"])
    points = np.asarray(snapshot["embeddings"])
    inertia, labels, centres = kmeans(points, k)
    spread = np.linalg.norm(points - centres[labels], axis=1)
    # numpy integers and float32 are not accepted as metadata values: int() and float() them.
    objects.update(
        ids=snapshot["ids"],
        metadatas=[{"room": int(r), "from_centre": float(d)} for r, d in zip(labels, spread)],
    )
    objects.modify(metadata={"rooms": k, "inertia": round(inertia, 4)})
    return centres


def centrepiece(objects, room, centre):
    """The object nearest to the middle of its own room: it hangs opposite the door."""
    hit = objects.query(query_embeddings=[centre], n_results=1, where={"room": room})
    return hit["documents"][0][0]


def purity(objects):
    """Share of objects that stand with the majority of their department (we never told k-means about it)."""
    rooms = {}
    for meta in objects.get(include=["metadatas"])["metadatas"]:
        rooms.setdefault(meta["room"], []).append(meta["department"])
    return sum(max(d.count(x) for x in set(d)) for d in rooms.values()) / sum(map(len, rooms.values()))


def main():
    rows = [line.split("|") for line in CATALOGUE]
    vocabulary = build_vocabulary([r[2] for r in rows])

    client = chromadb.EphemeralClient()
    objects = client.get_or_create_collection("museum_objects")
    objects.add(
        ids=[f"inv-{i:03d}" for i in range(len(rows))],
        documents=[title for _, title, _ in rows],
        embeddings=np.stack([encode(text, vocabulary) for _, _, text in rows]),
        metadatas=[{"department": dept} for dept, _, _ in rows],
    )
    centres = assign_rooms(objects, k=3)

    assert objects.metadata["rooms"] == 3
    assert purity(objects) == 1.0
    for room, centre in enumerate(centres):
        inside = objects.get(where={"room": {"$eq": room}})
        assert len(inside["ids"]) == 4
        assert all("department" in m for m in inside["metadatas"]), "update must not lose the other keys"
        print(f"room {room}: {', '.join(inside['documents'])}  [centrepiece: {centrepiece(objects, room, centre)}]")

    # A new acquisition is hung by its nearest centre, without a second run of k-means.
    shield = encode("steel gilt shield knight", vocabulary)
    room = int(np.linalg.norm(centres - shield, axis=1).argmin())
    objects.add(ids="inv-900", embeddings=shield, documents="Shield", metadatas={"department": "arm", "room": room})
    neighbours = objects.query(query_embeddings=shield, n_results=3, where={"$and": [{"room": room}, {"department": "arm"}]})
    assert len(neighbours["ids"][0]) == 3 and neighbours["ids"][0][0] == "inv-900"
    assert purity(objects) == 1.0


if __name__ == "__main__":
    main()
