"""Register pressed plant specimens in a collection with every argument that add() takes.

A herbarium digitises its sheets: each one gets a short description, a leaf-shape vector measured
by hand, some facts and the address of the scan.  The program shows the three shapes that add()
accepts (one record, many records, a numpy matrix), what add() leaves alone, and what it refuses.
"""

import chromadb
import numpy as np
from chromadb.errors import DuplicateIDError, InvalidArgumentError

# length/width ratio, lobes per side, teeth per cm, hairiness 0..1
LEAF_AXES = ["ratio", "lobes", "teeth", "hair"]


def open_cabinet(client):
    """The vectors are measured by hand, so the collection needs no embedding function at all."""
    return client.create_collection(
        name="herbarium-cabinet-7",
        metadata={"curator": "I. Okafor", "axes": ",".join(LEAF_AXES)},
        configuration={"hnsw": {"space": "l2"}},
        embedding_function=None,
    )


def intake_one(cabinet):
    """A single sheet: plain values instead of lists are fine."""
    cabinet.add(
        ids="K-000411",
        embeddings=[1.1, 3.0, 0.0, 0.1],
        documents="Quercus robur, fallen branch at the edge of a meadow",
        metadatas={"family": "Fagaceae", "year": 1911, "type_specimen": False},
        uris="https://scans.example.org/K-000411.tif",
    )


def intake_drawer(cabinet):
    """A whole drawer: all lists have the same length and the same order."""
    cabinet.add(
        ids=["K-000412", "K-000413", "K-000414"],
        embeddings=[
            [1.6, 0.0, 4.0, 0.2],
            [0.9, 2.0, 1.0, 0.0],
            [1.2, 3.0, 0.5, 0.2],
        ],
        documents=[
            "Fagus sylvatica, north slope, beech wood on chalk",
            "Acer campestre, hedgerow, autumn colours well kept",
            "Quercus petraea, dry oak wood, with acorns",
        ],
        metadatas=[
            {"family": "Fagaceae", "year": 1923, "type_specimen": False},
            {"family": "Sapindaceae", "year": 1899, "type_specimen": True},
            {"family": "Fagaceae", "year": 1935, "type_specimen": False},
        ],
        uris=[f"https://scans.example.org/K-00041{n}.tif" for n in (2, 3, 4)],
    )


def intake_unlabelled(cabinet):
    """Sheets whose label is lost: with embeddings given, a document or a metadata may be None."""
    measured = np.array([[5.2, 0.0, 6.0, 0.9], [4.8, 0.0, 5.5, 0.8]], dtype=np.float32)
    cabinet.add(
        ids=["K-000415", "K-000416"],
        embeddings=measured,
        documents=["Salix sp., label damaged by water", None],
        metadatas=[{"family": "Salicaceae"}, None],
    )


def refused(cabinet, expected, **record):
    try:
        cabinet.add(**record)
    except expected as error:
        return str(error).splitlines()[0]
    raise AssertionError(f"add() should have refused {record}")


def main():
    client = chromadb.EphemeralClient()
    cabinet = open_cabinet(client)

    intake_one(cabinet)
    intake_drawer(cabinet)
    intake_unlabelled(cabinet)
    assert cabinet.count() == 6

    sheet = cabinet.get(ids="K-000416", include=["documents", "metadatas", "embeddings", "uris"])
    assert sheet["documents"] == [None] and sheet["metadatas"] == [None] and sheet["uris"] == [None]
    assert np.allclose(sheet["embeddings"][0], [4.8, 0.0, 5.5, 0.8])

    # add() never overwrites: an id that is there already is skipped without a word.
    cabinet.add(ids=["K-000411"], embeddings=[[9, 9, 9, 9]], documents=["a typing mistake"])
    kept = cabinet.get(ids=["K-000411"])["documents"][0]
    assert kept.startswith("Quercus robur"), kept
    assert cabinet.count() == 6

    reasons = {
        "same id twice": refused(
            cabinet, DuplicateIDError, ids=["K-1", "K-1"], embeddings=[[1, 1, 1, 1], [2, 2, 2, 2]]
        ),
        "lists of unequal length": refused(
            cabinet, ValueError, ids=["K-1", "K-2"], embeddings=[[1, 1, 1, 1]]
        ),
        "wrong dimension": refused(
            cabinet, InvalidArgumentError, ids=["K-1"], embeddings=[[1, 1, 1]]
        ),
        "empty metadata": refused(
            cabinet, ValueError, ids=["K-1"], embeddings=[[1, 1, 1, 1]], metadatas=[{}]
        ),
        "number as id": refused(cabinet, ValueError, ids=[7], embeddings=[[1, 1, 1, 1]]),
    }
    assert cabinet.count() == 6, "a refused call must leave nothing behind"

    # The point of it all: which sheet has a leaf like this unknown one?
    unknown = [1.15, 3.0, 0.1, 0.1]
    answer = cabinet.query(query_embeddings=[unknown], n_results=2)
    assert answer["ids"] == [["K-000411", "K-000414"]]

    print(f"{cabinet.count()} sheets in {cabinet.name}; the unknown leaf looks like {answer['documents'][0][0]!r}")
    for what, why in reasons.items():
        print(f"  refused {what}: {why[:80]}")
    client.delete_collection(cabinet.name)


if __name__ == "__main__":
    main()
