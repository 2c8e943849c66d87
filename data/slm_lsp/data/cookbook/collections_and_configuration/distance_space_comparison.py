"""Rank the same perfumes under the l2, cosine and ip spaces, and check Chroma's distances against numpy.

Which space is right depends on whether a vector's length means something. Here it does: the direction is
the kind of scent, the length is how strong it is.
"""

import chromadb
import numpy as np

NOTES = ["citrus", "rose", "cedar", "vanilla"]
PERFUMES = {
    "eau_fraiche": [0.30, 0.05, 0.05, 0.00],  # faint, almost only citrus
    "sillage_noir": [0.00, 0.40, 2.40, 1.10],  # strong and woody
    "citron_extrait": [2.90, 0.10, 0.30, 0.10],  # the same idea as eau_fraiche, ten times stronger
    "jardin": [0.60, 0.90, 0.20, 0.10],
}
WISH = np.array([0.60, 0.10, 0.10, 0.00])  # "something with citrus, rather light"


def by_hand(space, a, b):
    """What Chroma computes for each space. All three are distances: smaller is nearer."""
    if space == "l2":
        return float(np.sum((a - b) ** 2))  # squared: no root is taken
    if space == "cosine":
        return float(1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    if space == "ip":
        return float(1 - a @ b)  # can be negative
    raise ValueError(space)


def build(client, space):
    shelf = client.create_collection(
        name=f"perfumes_{space}", configuration={"hnsw": {"space": space}}, embedding_function=None
    )
    shelf.add(ids=list(PERFUMES), embeddings=np.array(list(PERFUMES.values()), dtype=np.float32))
    return shelf


def main():
    client = chromadb.EphemeralClient()
    rankings = {}
    for space in ("l2", "cosine", "ip"):
        shelf = build(client, space)
        assert shelf.configuration_json["hnsw"]["space"] == space

        answer = shelf.query(query_embeddings=WISH, n_results=4, include=["distances", "embeddings"])
        ids, distances = answer["ids"][0], answer["distances"][0]
        assert distances == sorted(distances)
        for perfume, vector, distance in zip(ids, answer["embeddings"][0], distances):
            expected = by_hand(space, WISH, np.asarray(vector, dtype=np.float64))
            assert abs(distance - expected) < 1e-5, (space, perfume, distance, expected)
        rankings[space] = ids
        print(f"{space:>7}: " + ", ".join(f"{p} {abs(d) if abs(d) < 1e-6 else d:.3f}" for p, d in zip(ids, distances)))

    # l2 looks at where a perfume is: the faint one wins.
    assert rankings["l2"][0] == "eau_fraiche"
    # cosine looks only at the direction: the extrait is as good a match as the eau, whatever its strength.
    assert set(rankings["cosine"][:2]) == {"eau_fraiche", "citron_extrait"}
    # ip rewards length: the loudest citrus comes first, and the faint one falls to the end of the citrus.
    assert rankings["ip"][0] == "citron_extrait"
    assert rankings["ip"].index("eau_fraiche") > rankings["ip"].index("jardin")

    # On unit vectors the three agree, which is why normalised embeddings make the choice harmless.
    unit = {name: np.array(v) / np.linalg.norm(v) for name, v in PERFUMES.items()}
    orders = []
    for space in ("l2", "cosine", "ip"):
        shelf = client.get_or_create_collection(
            f"unit_{space}", configuration={"hnsw": {"space": space}}, embedding_function=None
        )
        shelf.upsert(ids=list(unit), embeddings=list(unit.values()))
        hits = shelf.query(query_embeddings=[WISH / np.linalg.norm(WISH)], n_results=4)
        orders.append(hits["ids"][0])
        if space == "l2":
            squared = hits["distances"][0]
        elif space == "cosine":
            # |a - b|^2 = 2 (1 - cos) for unit vectors
            assert np.allclose(squared, 2 * np.array(hits["distances"][0]), atol=1e-5)
    assert orders[0] == orders[1] == orders[2]
    print("normalised, all three say:", " > ".join(orders[0]))

    # A cosine of the zero vector is undefined: keep such records out, or at least know what comes back.
    zero = client.get_collection("perfumes_cosine", embedding_function=None)
    zero.add(ids=["empty_bottle"], embeddings=[[0.0, 0.0, 0.0, 0.0]])
    last = zero.query(query_embeddings=WISH, n_results=5)
    position = last["ids"][0].index("empty_bottle")
    assert last["distances"][0][position] == 1.0
    print("the zero vector counts as orthogonal to everything: distance 1.0")

    # A schema is the other place to choose the space.
    by_schema = client.create_collection(
        name="perfumes_by_schema",
        schema=chromadb.Schema().create_index(config=chromadb.VectorIndexConfig(space="ip")),
        embedding_function=None,
    )
    by_schema.add(ids=list(PERFUMES), embeddings=list(PERFUMES.values()))
    assert by_schema.query(query_embeddings=WISH, n_results=4)["ids"][0] == rankings["ip"]

    # The space is fixed when the collection is created.
    try:
        zero.modify(configuration={"hnsw": {"space": "l2"}})
    except chromadb.errors.InvalidArgumentError:
        print("the space cannot be changed afterwards: make a new collection and copy")
    else:
        raise AssertionError("modify() should refuse a new space")


if __name__ == "__main__":
    main()
