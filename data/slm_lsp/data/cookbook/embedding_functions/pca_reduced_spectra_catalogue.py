"""Shrink 400-channel stellar spectra to 12 principal components inside an embedding function, and measure what is lost.

The projection is fitted once, saved as an .npz file, and the collection's configuration only names that file and
its checksum: large arrays do not belong in a JSON configuration.
"""

import hashlib
import json
import tempfile
from pathlib import Path

import chromadb
import numpy as np
from chromadb import EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

CHANNELS = 400
TYPES = "OBAFGKM"


def synthetic_spectrum(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A black-body-like hump whose peak moves with the spectral type, plus lines and noise."""
    x = np.linspace(0.0, 1.0, CHANNELS)
    peak = 0.1 + 0.12 * TYPES.index(kind) + rng.normal(0, 0.01)
    continuum = np.exp(-((x - peak) ** 2) / 0.05)
    hydrogen = sum(0.3 * np.exp(-((x - at) ** 2) / 1e-4) for at in (0.22, 0.41, 0.66))
    strength = {"A": 1.0, "B": 0.7, "F": 0.6}.get(kind, 0.2)
    return (continuum - strength * hydrogen + rng.normal(0, 0.02, CHANNELS)).astype(np.float32)


def fit(spectra: np.ndarray, components: int, target: Path) -> str:
    """Save mean and principal axes; return the checksum that pins them."""
    mean = spectra.mean(axis=0)
    _, sizes, axes = np.linalg.svd(spectra - mean, full_matrices=False)
    explained = (sizes[:components] ** 2).sum() / (sizes**2).sum()
    np.savez(target, mean=mean, axes=axes[:components], explained=explained)
    return hashlib.md5(target.read_bytes()).hexdigest()


@register_embedding_function
class ProjectedSpectrum(EmbeddingFunction[list]):
    """Takes documents which are JSON arrays of fluxes, as the survey's archive delivers them."""

    def __init__(self, projection: str, checksum: str) -> None:
        actual = hashlib.md5(Path(projection).read_bytes()).hexdigest()
        if actual != checksum:
            raise ValueError(f"{Path(projection).name} is not the projection this collection was made with")
        self.projection, self.checksum = projection, checksum
        with np.load(projection) as saved:
            self._mean, self._axes, self.explained = saved["mean"], saved["axes"], float(saved["explained"])

    def reduce(self, fluxes: np.ndarray) -> np.ndarray:
        return (np.atleast_2d(fluxes) - self._mean) @ self._axes.T

    def __call__(self, input: list) -> Embeddings:
        return list(self.reduce(np.array([json.loads(text) for text in input], dtype=np.float32)))

    @staticmethod
    def name() -> str:
        return "projected_spectrum"

    def get_config(self) -> dict:
        return {"projection": self.projection, "checksum": self.checksum}

    @staticmethod
    def build_from_config(config: dict) -> "ProjectedSpectrum":
        return ProjectedSpectrum(**config)

    def default_space(self) -> str:
        return "l2"  # PCA keeps Euclidean distances, not angles

    def supported_spaces(self) -> list:
        return ["l2"]


def recall(reference: list, candidate: list) -> float:
    overlap = [len(set(a) & set(b)) / len(a) for a, b in zip(reference, candidate)]
    return sum(overlap) / len(overlap)


def main() -> None:
    rng = np.random.default_rng(2718)
    kinds = [TYPES[i % len(TYPES)] for i in range(210)]
    spectra = np.stack([synthetic_spectrum(kind, rng) for kind in kinds])
    ids = [f"{kind}{i:04d}" for i, kind in enumerate(kinds)]

    with tempfile.TemporaryDirectory() as observatory:
        target = Path(observatory, "axes.npz")
        checksum = fit(spectra[:120], components=12, target=target)
        reducer = ProjectedSpectrum(str(target), checksum)
        assert reducer.explained > 0.95

        client = chromadb.PersistentClient(path=Path(observatory) / "catalogue")
        full = client.create_collection("full", embedding_function=None, configuration={"hnsw": {"space": "l2"}})
        small = client.create_collection("reduced", embedding_function=reducer)

        rows = [{"class": kind, "plate": 1 + i // 70} for i, kind in enumerate(kinds)]
        full.add(ids=ids, embeddings=spectra, metadatas=rows)
        # bulk: the arrays are at hand, so project them directly instead of going through JSON
        small.add(ids=ids, embeddings=reducer.reduce(spectra), metadatas=rows)
        assert small.peek(limit=1)["embeddings"].shape == (1, 12)
        assert full.peek(limit=1)["embeddings"].shape == (1, CHANNELS)

        # How many of the true ten neighbours survive the projection?
        probes = [synthetic_spectrum(kind, rng) for kind in TYPES * 3]
        truth = full.query(query_embeddings=probes, n_results=10, include=[])["ids"]
        reduced = small.query(query_embeddings=list(reducer.reduce(np.stack(probes))), n_results=10, include=[])["ids"]
        kept = recall(truth, reduced)
        assert kept > 0.4, kept

        # The neighbours that matter: is the class the same?
        right = sum(hits[0][0] == kind for hits, kind in zip(reduced, TYPES * 3))
        assert right >= 19, right

        # Documents from the archive go through the embedding function.
        unknown = json.dumps(synthetic_spectrum("M", rng).round(4).tolist())
        answer = small.query(query_texts=[unknown], n_results=3, where={"plate": {"$ne": 2}}, include=["metadatas"])
        assert [row["class"] for row in answer["metadatas"][0]] == ["M", "M", "M"]
        assert all(row["plate"] != 2 for row in answer["metadatas"][0])

        # Somebody refits the axes in place.  The stored vectors no longer fit, and the checksum notices.
        fit(spectra, components=12, target=target)
        reopened = client.get_collection("reduced")
        try:
            reopened.query(query_texts=[unknown], n_results=1)
        except ValueError as error:
            assert "is not the projection" in str(error)
        else:
            raise AssertionError("a refitted projection went unnoticed")
        client.close()

    ratio = CHANNELS / 12
    print(f"{len(ids)} spectra, {ratio:.0f}x smaller, {reducer.explained:.1%} variance, recall@10 {kept:.2f}")


if __name__ == "__main__":
    main()
