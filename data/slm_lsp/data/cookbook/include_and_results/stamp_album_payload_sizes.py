"""Measure what each include list costs on a stamp album with pictures, and what it leaves None.

Asking for everything "to be safe" is the commonest reason for slow pages.  The program fetches the
same records with different include lists, adds up the bytes and shows which parts came back; with a
data loader, "data" reads a file per record and dwarfs all the rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import chromadb
import numpy as np
from chromadb.api.types import EmbeddingFunction, Images

PARTS = ("documents", "embeddings", "metadatas", "uris", "data")
SIDE = 64


class StampLoader:
    """Stamps are saved as .npy files; counts how often the disk is asked."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, uris: Sequence[str | None]) -> list[np.ndarray | None]:
        loaded: list[np.ndarray | None] = []
        for uri in uris:
            if uri is None:
                loaded.append(None)
                continue
            self.reads += 1
            loaded.append(np.load(uri))
        return loaded


class ColourCorners(EmbeddingFunction[Images]):
    """Average colour of the four corners and the centre: fifteen numbers per stamp."""

    def __init__(self, patch: int = 16) -> None:
        self.patch = patch

    def __call__(self, input: Images) -> list[np.ndarray]:
        p, c = self.patch, (SIDE - self.patch) // 2
        corners = [(0, 0), (0, SIDE - p), (SIDE - p, 0), (SIDE - p, SIDE - p), (c, c)]
        return [
            np.concatenate([stamp[y : y + p, x : x + p].mean(axis=(0, 1)) for y, x in corners]).astype(np.float32) / 255
            for stamp in input
        ]

    @staticmethod
    def name() -> str:
        return "stamp-colour-corners"

    def get_config(self) -> dict[str, int]:
        return {"patch": self.patch}

    @staticmethod
    def build_from_config(config: dict[str, int]) -> ColourCorners:
        return ColourCorners(**config)


def weight(part) -> int:
    """Rough number of bytes of one column of a result."""
    if part is None:
        return 0
    if isinstance(part, np.ndarray):
        return part.nbytes
    return sum(item.nbytes if isinstance(item, np.ndarray) else len(str(item)) for item in part)


def print_album(folder: Path, stamps: int = 40) -> dict[str, str]:
    rng = np.random.default_rng(1840)
    files = {}
    for number in range(stamps):
        picture = np.zeros((SIDE, SIDE, 3), dtype=np.int64)
        picture[:] = rng.integers(0, 256, 3)
        picture[16:48, 16:48] = rng.integers(0, 256, 3)
        path = folder / f"stamp-{number:03}.npy"
        np.save(path, picture)
        files[path.stem] = str(path)
    return files


def main() -> None:
    loader = StampLoader()
    with tempfile.TemporaryDirectory() as folder:
        files = print_album(Path(folder))
        album = chromadb.EphemeralClient().create_collection(
            name="stamp_album", embedding_function=ColourCorners(), data_loader=loader
        )
        album.add(
            ids=list(files),
            uris=list(files.values()),
            metadatas=[{"country": "GB" if n % 4 else "IN", "pence": n % 7 + 1} for n in range(len(files))],
        )
        # Descriptions come later, with the vectors of the pictures kept: a document given alone
        # would be embedded, and this embedding function cannot read.
        vectors = album.get(include=["embeddings"])["embeddings"]
        album.update(
            ids=album.get(include=[])["ids"],
            embeddings=vectors,
            documents=[f"Stamp number {n}, lightly hinged, full margins" for n in range(len(files))],
        )
        loader.reads = 0

        sizes = {}
        for count in range(len(PARTS) + 1):
            for wanted in combinations(PARTS, count):
                # A fresh list each time: with "data", chromadb appends "uris" to the list it is given.
                result = album.get(limit=20, include=list(wanted))
                sizes[wanted] = sum(weight(result[part]) for part in PARTS)
                for part in ("documents", "embeddings", "uris"):
                    asked = part in wanted or (part == "uris" and "data" in wanted)
                    assert (result[part] is not None) == asked, (wanted, part)
                assert len(result["ids"]) == 20, "ids always come"

        assert sizes[()] == 0
        assert sizes[("data",)] > 50 * sizes[("documents",)]
        assert sizes[("embeddings",)] == 20 * 15 * 8, "stored as float32, returned as float64"
        assert loader.reads == 20 * sum("data" in wanted for wanted in sizes)

        shared = ["data"]
        album.get(limit=1, include=shared)
        assert shared == ["data", "uris"], "which is why a constant should be copied before use"

        # The habit that follows: rank with nothing, then fetch the heavy parts for what is shown.
        loader.reads = 0
        probe = next(iter(files.values()))
        ranked = album.query(query_uris=[probe], n_results=10, include=["distances"])
        assert loader.reads == 1, "only the question was read"
        top = ranked["ids"][0][:3]
        shown = album.get(ids=top, include=["data", "documents", "metadatas"])
        assert loader.reads == 4 and shown["data"][0].shape == (SIDE, SIDE, 3)
        assert top[0] == "stamp-000" and ranked["distances"][0][0] < 1e-6

        # Not every part goes with every call.
        for call, bad in ((album.get, ["distances"]), (album.get, ["vectors"]), (album.get, "documents")):
            try:
                call(include=bad)
            except ValueError:
                continue
            raise AssertionError(f"{bad} was accepted")

    for wanted in [(), ("metadatas",), ("documents",), ("documents", "metadatas"), ("embeddings",), ("data",)]:
        print(f"{sizes[wanted]:>9,} bytes  {' + '.join(wanted) or 'ids only'}")


if __name__ == "__main__":
    main()
