"""Find open star clusters in proper-motion data with DBSCAN, using Chroma as the neighbour index.

DBSCAN asks one question only: which points lie within eps of this one?  Chroma answers "the n nearest", so a
region query doubles n until the farthest hit lies outside.  Membership is stored as metadata; the noise, too.
"""
from __future__ import annotations

from collections import Counter, deque
from typing import Final

import chromadb
import numpy as np

NOISE: Final = -1
UNSEEN: Final = -2


def synthetic_field(seed: int = 11) -> tuple[np.ndarray, np.ndarray]:
    """(positions, truth): right ascension, declination, pm_ra, pm_dec, parallax, all in comparable units."""
    rng = np.random.default_rng(seed)
    pleiades = rng.normal([56.8, 24.1, 20.0, -45.5, 7.4], [0.5, 0.5, 0.6, 0.6, 0.15], (60, 5))
    praesepe = rng.normal([130.1, 19.6, -36.0, -12.9, 5.4], [0.5, 0.5, 0.6, 0.6, 0.15], (45, 5))
    field = rng.uniform([40, 10, -50, -50, 0.5], [140, 30, 50, 20, 9], (90, 5))
    return np.vstack([pleiades, praesepe, field]), np.repeat([0, 1, NOISE], [60, 45, 90])


class RegionIndex:
    """Exact-enough radius search on top of a k-nearest-neighbour collection."""

    def __init__(self, stars: chromadb.Collection, eps: float) -> None:
        self.stars = stars
        self.eps2 = eps * eps            # the l2 space speaks of squared distances
        self.calls = 0
        page = stars.get(include=["embeddings"])
        self.position = dict(zip(page["ids"], page["embeddings"]))

    def within(self, star: str) -> list[str]:
        n, total = 16, len(self.position)
        while True:
            self.calls += 1
            hit = self.stars.query(query_embeddings=[self.position[star]], n_results=min(n, total), include=["distances"])
            ids, distances = hit["ids"][0], hit["distances"][0]
            if n >= total or not distances or distances[-1] > self.eps2:
                return [i for i, d in zip(ids, distances) if d <= self.eps2]
            n *= 2


def dbscan(index: RegionIndex, min_stars: int) -> dict[str, int]:
    label = dict.fromkeys(index.position, UNSEEN)
    cluster = -1
    for seed in label:
        if label[seed] != UNSEEN:
            continue
        region = index.within(seed)
        if len(region) < min_stars:
            label[seed] = NOISE          # may still turn out to be the rim of a cluster
            continue
        cluster += 1
        label[seed] = cluster
        frontier = deque(region)
        while frontier:
            star = frontier.popleft()
            if label[star] == NOISE:
                label[star] = cluster    # a rim star: belongs, but does not spread
            if label[star] != UNSEEN:
                continue
            label[star] = cluster
            wider = index.within(star)
            if len(wider) >= min_stars:
                frontier.extend(wider)
    return label


def store(stars: chromadb.Collection, label: dict[str, int]) -> None:
    ids = list(label)
    step = 64                            # well below client.get_max_batch_size(); keeps a progress bar honest
    for start in range(0, len(ids), step):
        part = ids[start : start + step]
        stars.update(ids=part, metadatas=[{"cluster": label[i], "member": label[i] != NOISE} for i in part])


def summary(stars: chromadb.Collection, cluster: int) -> dict[str, float]:
    rows = stars.get(where={"cluster": cluster}, include=["embeddings", "metadatas"])
    mean = np.asarray(rows["embeddings"]).mean(axis=0)
    return {"stars": len(rows["ids"]), "ra": float(mean[0]), "dec": float(mean[1]), "parsec": float(1000 / mean[4])}


def main() -> None:
    positions, truth = synthetic_field()
    ids = [f"gaia-{n:04d}" for n in range(len(positions))]
    client = chromadb.EphemeralClient()
    stars = client.create_collection(
        name="gaia_field",
        configuration={"hnsw": {"space": "l2", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}},
        # Lists are fine as record metadata, but not as a collection's own metadata: join them.
        metadata={"release": "synthetic", "columns": "ra,dec,pmra,pmdec,plx"},
    )
    stars.add(ids=ids, embeddings=positions, metadatas=[{"mag": float(6 + n % 11)} for n in range(len(ids))])

    index = RegionIndex(stars, eps=2.2)
    label = dbscan(index, min_stars=6)
    store(stars, label)

    sizes = Counter(label.values())
    assert set(sizes) == {0, 1, NOISE}, sizes
    found = np.array([label[i] for i in ids])
    assert (found == truth).mean() > 0.97
    field_stars = stars.get(where={"member": False}, include=[])["ids"]
    assert len(field_stars) == sizes[NOISE]

    for number, (name, distance) in enumerate([("Pleiades", 135), ("Praesepe", 185)]):
        facts = summary(stars, number)
        assert abs(facts["parsec"] - distance) < 4
        print(f"{name}: {facts['stars']} stars at ra {facts['ra']:.1f} dec {facts['dec']:+.1f}, {facts['parsec']:.0f} pc")

    # What an observer wants next: the bright members near the middle of cluster 1.
    centre = stars.get(where={"cluster": 1}, include=["embeddings"])["embeddings"].mean(axis=0)
    bright = stars.query(
        query_embeddings=[centre], n_results=5, where={"$and": [{"cluster": 1}, {"mag": {"$lte": 8.0}}]}, include=["metadatas"]
    )
    assert all(m["mag"] <= 8 and m["member"] for m in bright["metadatas"][0])
    print(f"{sizes[NOISE]} field stars, {index.calls} region queries, brightest five: {bright['ids'][0]}")


if __name__ == "__main__":
    main()
