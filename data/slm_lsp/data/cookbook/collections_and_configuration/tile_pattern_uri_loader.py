"""Search floor-tile images by example, storing only their URIs and loading pixels through a data_loader.

A collection with a data loader takes `uris=`: it loads each file, embeds what was loaded, and keeps the
URI. Later `include=["data"]` loads the pixels again, on demand. The loader belongs to the client side and
is not stored, so it must be passed again whenever the collection is opened.
"""
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, Optional, Sequence

import chromadb
import numpy as np
from chromadb.api.types import DataLoader, Embeddings, Images
from numpy.typing import NDArray

SIZE = 16
Pixels = NDArray[np.int64]


class PpmLoader(DataLoader[List[Optional[Pixels]]]):
    """Reads plain-text PPM files (format P3), several at a time."""

    def __init__(self, workers: int = 2) -> None:
        self.workers = workers

    def _read(self, uri: Optional[str]) -> Optional[Pixels]:
        if uri is None:
            return None
        magic, width, height, depth, *values = Path(uri).read_text().split()
        if magic != "P3":
            raise ValueError(f"{uri} is no plain PPM file")
        return np.array(values, dtype=np.int64).reshape(int(height), int(width), 3) * 255 // int(depth)

    def __call__(self, uris: Sequence[Optional[str]]) -> List[Optional[Pixels]]:
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(self._read, uris))


class TileFeatures(chromadb.EmbeddingFunction[Images]):
    """Mean colour, contrast, and how much the tile changes from left to right and from top to bottom."""

    def __init__(self) -> None: ...

    def __call__(self, input: Images) -> Embeddings:
        features = []
        for image in input:
            pixels = np.asarray(image, dtype=np.float32) / 255
            grey = pixels.mean(axis=2)
            features.append(
                np.array(
                    [
                        *pixels.mean(axis=(0, 1)),
                        grey.std(),
                        np.abs(np.diff(grey, axis=1)).mean(),
                        np.abs(np.diff(grey, axis=0)).mean(),
                    ],
                    dtype=np.float32,
                )
            )
        return features

    @staticmethod
    def name() -> str:
        return "tile-features"

    def get_config(self) -> dict:
        return {}

    @staticmethod
    def build_from_config(config: dict) -> "TileFeatures":
        return TileFeatures()


def draw(kind: str, colour: Sequence[int]) -> Pixels:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    mask = {"plain": x * 0, "stripes": x // 2 % 2, "rows": y // 2 % 2, "checks": (x // 2 + y // 2) % 2}[kind]
    return np.where(mask[..., None] == 1, 255, np.array(colour)).astype(np.int64)


def save(folder: Path, name: str, pixels: Pixels) -> str:
    file = folder / f"{name}.ppm"
    body = " ".join(str(v) for v in pixels.reshape(-1))
    file.write_text(f"P3 {SIZE} {SIZE} 255\n{body}\n")
    return str(file)


def main() -> None:
    client = chromadb.EphemeralClient()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        tiles = client.create_collection(
            name="tiles", embedding_function=TileFeatures(), data_loader=PpmLoader(workers=3)
        )
        palette = {"blue": (20, 60, 200), "red": (200, 40, 30), "sand": (210, 190, 140)}
        names = [f"{kind}-{colour}" for kind in ("plain", "stripes", "rows", "checks") for colour in palette]
        files = [save(folder, n, draw(n.split("-")[0], palette[n.split("-")[1]])) for n in names]
        tiles.add(
            ids=names,
            uris=files,
            metadatas=[dict(zip(("pattern", "colour"), name.split("-"))) for name in names],
        )
        assert tiles.count() == 12

        # A photograph from a customer: query by file, without adding it.
        photo = save(folder, "customer", np.clip(draw("stripes", (25, 70, 190)) - 8, 0, 255))
        similar = tiles.query(query_uris=[photo], n_results=2, include=["uris", "distances", "data"])
        assert similar["ids"][0][0] == "stripes-blue"
        assert similar["uris"][0][0].endswith("stripes-blue.ppm")
        assert similar["data"][0][0].shape == (SIZE, SIZE, 3)
        print("photo looks like", similar["ids"][0], [round(d, 4) for d in similar["distances"][0]])

        # The same with pixels that never were a file, restricted to one colour.
        sketch = draw("rows", (190, 45, 35))
        found = tiles.query(query_images=[sketch], n_results=1, where={"colour": "red"}, include=["metadatas"])
        assert found["metadatas"][0][0] == {"pattern": "rows", "colour": "red"}

        # Pixels alone may be stored too: then there is a vector, but nothing to load again.
        tiles.add(ids=["sketch-1"], images=[sketch], metadatas=[{"pattern": "rows", "colour": "red"}])
        tiles.upsert(ids="sketch-1", images=draw("checks", (0, 0, 0)))
        # A file can be attached later; URIs alone do not touch the vector.
        tiles.update(ids="sketch-1", uris=save(folder, "s", draw("checks", (0, 0, 0))))
        tiles.update(ids="sketch-1", images=draw("checks", (9, 9, 9)))
        stored = tiles.get(ids="sketch-1", include=["uris", "data"])
        assert Path(stored["uris"][0]).name == "s.ppm" and stored["data"][0].max() == 255

        # Opened without a loader the vectors are there, the pixels are not.
        blind = client.get_collection("tiles")
        assert blind.query(query_embeddings=blind.get("plain-red", include=["embeddings"])["embeddings"],
                           n_results=1)["ids"] == [["plain-red"]]
        try:
            blind.get(ids="plain-red", include=["data"])
        except ValueError as error:
            print("without a loader:", error)
        else:
            raise AssertionError("data needs a loader")
        seeing = client.get_collection_by_id(
            id=tiles.id, embedding_function=TileFeatures(), data_loader=PpmLoader()
        )
        pixels = seeing.get(ids="plain-red", include=["data"])["data"][0]
        assert tuple(pixels[0, 0]) == palette["red"]
        for reopened in (
            client.get_collection(name="tiles", data_loader=PpmLoader()),
            client.get_or_create_collection(
                name="tiles", embedding_function=TileFeatures(), data_loader=PpmLoader()
            ),
        ):
            assert reopened.get(ids="plain-red", include=["data"])["data"][0].shape == (SIZE, SIZE, 3)
        print("reopened with a loader, plain-red starts with", tuple(int(v) for v in pixels[0, 0]))


if __name__ == "__main__":
    main()
