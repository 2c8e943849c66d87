"""Serve medical scans whose pixels are loaded lazily, through a caching data loader that counts what it reads.

Three questions about data loaders are answered by counting: when are files read (on add, on query by URI, and on
include=["data"], never otherwise), how often (once per mention), and who needs a loader (only who loads).
"""
from __future__ import annotations

import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Iterable

import chromadb
import numpy as np
from chromadb.api.types import DataLoader, Images
from numpy.typing import NDArray

Scan = NDArray[np.float64]


class CachingLoader(DataLoader[list[Scan]]):
    """Loads .npy files and keeps the last few in memory."""

    def __init__(self, capacity: int = 4) -> None:
        self.capacity = capacity
        self.reads = 0
        self._cache: OrderedDict[str, Scan] = OrderedDict()

    def __call__(self, uris: list[str]) -> list[Scan]:
        return [self._one(uri) for uri in uris]

    def _one(self, uri: str) -> Scan:
        if uri in self._cache:
            self._cache.move_to_end(uri)
        else:
            self.reads += 1
            self._cache[uri] = np.load(uri)
            while len(self._cache) > self.capacity:
                self._cache.popitem(last=False)
        return self._cache[uri]


class Moments(chromadb.EmbeddingFunction[Images]):
    """Brightness, contrast, and where in the picture the bright spot is and how large."""

    def __init__(self) -> None: ...

    def __call__(self, input: Images) -> chromadb.Embeddings:
        rows = []
        for scan in input:
            mass = scan / max(float(scan.sum()), 1e-9)
            y, x = np.indices(scan.shape) / scan.shape[0]
            cy, cx = float((mass * y).sum()), float((mass * x).sum())
            spread = float((mass * ((y - cy) ** 2 + (x - cx) ** 2)).sum())
            rows.append(np.array([scan.mean(), scan.std(), cy, cx, 4 * spread], dtype=np.float32))
        return rows

    @staticmethod
    def name() -> str:
        return "scan-moments"

    def get_config(self) -> dict[str, object]:
        return {}

    @staticmethod
    def build_from_config(config: dict[str, object]) -> Moments:
        return Moments()


def draw_scan(y: float, x: float, size: float) -> Scan:
    grid_y, grid_x = np.indices((24, 24)) / 24
    return np.exp(-((grid_y - y) ** 2 + (grid_x - x) ** 2) / (2 * size**2))


def record(folder: Path, findings: Iterable[tuple[str, float, float, float]]) -> dict[str, str]:
    paths = {}
    for key, y, x, size in findings:
        paths[key] = str(folder / f"{key}.npy")
        np.save(paths[key], draw_scan(y, x, size))
    return paths


FINDINGS = [
    ("scan-001", 0.3, 0.3, 0.05), ("scan-002", 0.3, 0.7, 0.05), ("scan-003", 0.7, 0.3, 0.06),
    ("scan-004", 0.7, 0.7, 0.20), ("scan-005", 0.5, 0.5, 0.22), ("scan-006", 0.32, 0.31, 0.06),
]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        paths = record(folder, FINDINGS)
        with chromadb.PersistentClient(path=folder / "archive") as client:
            loader = CachingLoader(capacity=3)
            scans = client.create_collection(
                name="scans", embedding_function=Moments(), data_loader=loader, metadata={"modality": "CT"}
            )
            scans.add(
                ids=list(paths),
                uris=list(paths.values()),
                metadatas=[{"large": size > 0.1} for *_, size in FINDINGS],
            )
            assert loader.reads == 6, "add() reads every file once, to embed it"

            # Reading back what is stored reads no file.
            before = loader.reads
            scans.get(include=["metadatas", "uris", "embeddings"])
            scans.query(query_embeddings=[[0.0, 0.1, 0.3, 0.3, 0.0]], n_results=3, include=["uris"])
            scans.get(where={"large": True}, include=["uris"])
            assert loader.reads == before

            # Asking by example reads the example; "data" reads the results as well.
            scans.query(query_uris=[paths["scan-001"]], n_results=2, include=["distances"])
            assert loader.reads == before + 1
            like = scans.query(query_uris=[paths["scan-001"]], n_results=2, include=["data", "uris"])
            assert like["ids"] == [["scan-001", "scan-006"]]
            assert loader.reads == before + 1, "scan-001 and scan-006 were in the cache"
            assert like["data"][0][1].shape == (24, 24)
            print(f"{loader.reads} files read so far; like scan-001: {like['ids'][0][1]}")

        # The archive's web page has a loader of its own, with another cache.
        with chromadb.PersistentClient(path=folder / "archive") as client:
            page_loader = CachingLoader(capacity=1)
            page = client.get_or_create_collection(
                name="scans", embedding_function=Moments(), data_loader=page_loader
            )
            large = page.get(where={"large": True}, include=["data"])
            assert page_loader.reads == 2 and len(large["uris"]) == 2  # asking for "data" brings the URIs along
            assert all(pixels.mean() > 0.1 for pixels in large["data"])

            # A statistics job needs none.
            job = client.get_collection(name="scans", embedding_function=None, data_loader=None)
            assert job.count() == 6 and len(job.get(where={"large": False}, include=[])["ids"]) == 4

            # A second look at a scan: the radiologist's crop replaces the vector, the file stays where it is.
            crop = np.load(paths["scan-004"])[8:, 8:]
            # (Not images= and uris= in one call: which of the two is embedded would be left to chance.)
            page.upsert(ids=["scan-004"], images=[crop], metadatas=[{"cropped": True}])
            assert page.get("scan-004")["metadatas"] == [{"large": True, "cropped": True}]
            assert page.get("scan-004", include=["data"])["data"][0].shape == (24, 24)

            # References from the hospital's own system are by id, since departments rename collections.
            reference = page.id
            page.modify(name="scans_2024")
            by_reference = client.get_collection_by_id(
                id=reference, embedding_function=Moments(), data_loader=page_loader
            )
            assert by_reference.name == "scans_2024"
            centre = by_reference.query(query_images=[draw_scan(0.5, 0.5, 0.21)], n_results=1)
            assert centre["ids"] == [["scan-005"]]
            print("central and large:", centre["ids"][0][0], "| renamed to", by_reference.name)


if __name__ == "__main__":
    main()
