"""Replace bad museum scans with better ones: add, update and upsert with images=.

The conservation lab hands over arrays straight from the camera, so nothing is read from disk and no
data loader is needed; the collection's embedding function takes the arrays themselves.  Which of
the three calls fits depends on what is known about the object, and each is used once below.
"""

from collections.abc import Mapping

import chromadb
import numpy as np
from chromadb.api.types import Embeddings, EmbeddingFunction, Images

BRIGHT, SHARP = "mean_brightness", "sharpness"


class HistogramEmbedding(EmbeddingFunction[Images]):
    """Normalised grey histogram plus a measure of how sharp the edges are."""

    bins: int

    def __init__(self, bins: int = 12, edge_weight: float = 2.0):
        self.bins, self.edge_weight = bins, edge_weight

    def __call__(self, input: Images) -> Embeddings:
        return [self._describe(np.asarray(image, dtype=float)) for image in input]

    def _describe(self, image):
        counts, _ = np.histogram(image, bins=self.bins, range=(0, 256))
        edges = np.abs(np.diff(image, axis=1)).mean() / 255.0
        return np.append(counts / counts.sum(), self.edge_weight * edges).astype("float32")

    def default_space(self):
        return "l2"

    @staticmethod
    def name():
        return "museum-histogram"

    def get_config(self):
        return dict(bins=self.bins, edge_weight=self.edge_weight)

    @staticmethod
    def build_from_config(config: Mapping):
        return HistogramEmbedding(**config)


def vessel(seed, blur=0):
    """A light pot on a dark table, optionally out of focus."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:40, 0:40]
    shape = ((x - 20) ** 2 / rng.uniform(60, 140) + (y - 22) ** 2 / rng.uniform(120, 200)) < 1
    picture = np.where(shape, rng.uniform(150, 230), 35.0)
    for _ in range(blur):
        picture = (picture + np.roll(picture, 1, 1) + np.roll(picture, -1, 1)) / 3
    return picture


def quality(picture):
    """What the lab notes next to each scan."""
    return {
        BRIGHT: round(float(picture.mean()), 1),
        SHARP: round(float(np.abs(np.diff(picture, axis=1)).max()), 1),
    }


def nearest(collection, picture, n=1):
    return collection.query(query_images=[picture], n_results=n, include=["distances"])


def run():
    client = chromadb.EphemeralClient()
    scans = client.create_collection(
        "ceramics_scans",
        embedding_function=HistogramEmbedding(),
        metadata={"department": "Ceramics", "lab": "basement 2"},
    )

    # First campaign: three pots, the second one badly out of focus.
    first = {"inv-1881-4": vessel(1), "inv-1881-5": vessel(2, blur=9), "inv-1902-1": vessel(3)}
    scans.add(
        ids=list(first),
        images=list(first.values()),
        metadatas=[{**quality(picture), "campaign": 1} for picture in first.values()],
    )

    blurred = scans.get(where={SHARP: {"$lt": 60}}, include=["metadatas"])
    assert blurred["ids"] == ["inv-1881-5"], blurred

    # update(): the object is certain to exist, so a typing error in the id must not create one.
    rescan = vessel(2)
    scans.update(
        ids=blurred["ids"],
        images=[rescan],
        metadatas=[{**quality(rescan), "campaign": 2}],
    )
    scans.update(ids=["inv-1881-55"], images=[vessel(8)], metadatas=[{"campaign": 2}])
    assert scans.count() == 3
    assert scans.get(where={SHARP: {"$lt": 60}}, include=[])["ids"] == []

    exact = nearest(scans, rescan)
    assert exact["ids"] == [["inv-1881-5"]] and exact["distances"][0][0] < 1e-6

    # upsert(): a mixed delivery, one known pot and one new.
    delivery = {"inv-1902-1": vessel(3), "inv-2023-7": vessel(11)}
    scans.upsert(
        ids=list(delivery),
        images=list(delivery.values()),
        metadatas=[{**quality(picture), "campaign": 2} for picture in delivery.values()],
    )
    # The addresses go in a call of their own: with images and uris in one, chromadb may pick either
    # to embed, and a collection without a data loader cannot open an address.
    scans.update(ids=list(delivery), uris=[f"nas://ceramics/{number}.tif" for number in delivery])
    assert scans.count() == 4
    kept = scans.get(ids=["inv-2023-7", "inv-1881-4"], include=["uris", "metadatas"])
    addresses = dict(zip(kept["ids"], kept["uris"]))
    assert addresses == {"inv-2023-7": "nas://ceramics/inv-2023-7.tif", "inv-1881-4": None}

    # A visitor's snapshot, a little dark: which pots could it be?
    snapshot = np.clip(vessel(11) - 4, 0, 255)
    guess = scans.query(
        query_images=snapshot,
        n_results=2,
        where={"campaign": 2},
        include=["uris", "distances", "metadatas"],
    )
    assert guess["ids"][0][0] == "inv-2023-7"

    # An image and a document in one call: which of the two should be embedded?  chromadb asks back.
    try:
        scans.add(ids=["inv-x"], images=[vessel(5)], documents=["a pot"])
    except ValueError as refusal:
        print("refused:", str(refusal)[:60])
    else:
        raise AssertionError("two sources for one embedding")

    for inventory, facts in zip(guess["ids"][0], guess["metadatas"][0]):
        print(f"{inventory}: sharpness {facts[SHARP]}, campaign {facts['campaign']}")


if __name__ == "__main__":
    run()
