"""Search a village photo archive by picture: images, uris and a data loader of one's own.

The collection stores vectors and file addresses; the pixels stay on disk.  A data loader turns an
address into an array whenever chromadb needs one: to embed on add(uris=...), to embed a question
given as query_uris, and to hand pictures back when "data" is asked for.
"""
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import chromadb
import numpy as np
from chromadb.api.types import DataLoader, Embeddings, Images
from chromadb.utils.embedding_functions import EmbeddingFunction


def write_pgm(path: Path, pixels: np.ndarray) -> str:
    """Portable grey map: the simplest image file there is."""
    height, width = pixels.shape
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + pixels.astype(np.uint8).tobytes())
    return str(path)


class PgmLoader(DataLoader[List[Optional[np.ndarray]]]):
    """Reads PGM files; records without an address yield None, as chromadb expects."""

    def __init__(self) -> None:
        self.files_read = 0

    def __call__(self, uris: Sequence[Optional[str]]) -> List[Optional[np.ndarray]]:
        return [None if uri is None else self._read(uri) for uri in uris]

    def _read(self, uri: str) -> np.ndarray:
        self.files_read += 1
        header, body = Path(uri).read_bytes().split(b"\n", 1)
        _, width, height, _ = header.split()
        return np.frombuffer(body, dtype=np.uint8).reshape(int(height), int(width))


class ThumbnailEmbedding(EmbeddingFunction[Images]):
    """Mean brightness of a grid of tiles: crude, but it knows sky from ground."""

    def __init__(self, grid: int = 4) -> None:
        self.grid = grid

    def __call__(self, input: Images) -> Embeddings:
        vectors = []
        for picture in input:
            bands = np.array_split(np.asarray(picture, dtype=np.float32), self.grid, axis=0)
            tiles = [tile.mean() for band in bands for tile in np.array_split(band, self.grid, axis=1)]
            vectors.append(np.array(tiles, dtype=np.float32) / 255.0)
        return vectors

    @staticmethod
    def name() -> str:
        return "thumbnail_grid"

    def get_config(self) -> Dict[str, Any]:
        return {"grid": self.grid}

    @staticmethod
    def build_from_config(config: Dict[str, Any]) -> "ThumbnailEmbedding":
        return ThumbnailEmbedding(grid=config["grid"])


def paint(kind: str, noise: np.random.Generator) -> np.ndarray:
    """Stand-ins for photographs: a bright sky, a dark wood, a white house in the middle."""
    canvas = np.full((32, 48), 60.0)
    if kind == "sky":
        canvas[:18] = 220
    elif kind == "wood":
        canvas[:, ::6] = 20
    elif kind == "house":
        canvas[8:28, 14:34] = 240
    return np.clip(canvas + noise.normal(0, 6, canvas.shape), 0, 255)


def main() -> None:
    noise = np.random.default_rng(1910)
    loader = PgmLoader()
    client = chromadb.EphemeralClient()

    with tempfile.TemporaryDirectory() as folder:
        archive = client.create_collection(
            name="village_photos",
            embedding_function=ThumbnailEmbedding(grid=4),
            data_loader=loader,
        )
        files = {
            f"{kind}-{year}": write_pgm(Path(folder) / f"{kind}-{year}.pgm", paint(kind, noise))
            for kind in ("sky", "wood", "house")
            for year in (1912, 1934)
        }
        # Addresses only: chromadb calls the loader and embeds what it returns.
        archive.add(
            ids=list(files),
            uris=list(files.values()),
            metadatas=[{"kind": key.split("-")[0], "year": int(key.split("-")[1])} for key in files],
        )
        assert loader.files_read == 6 and archive.count() == 6

        # 1. A picture in memory as the question.
        by_image = archive.query(query_images=[paint("house", noise)], n_results=2)
        assert set(by_image["ids"][0]) == {"house-1912", "house-1934"}

        # 2. Files as the question, two at once, each answer restricted to the later year.
        stranger = write_pgm(Path(folder) / "unknown.pgm", paint("sky", noise))
        by_uri = archive.query(
            query_uris=[stranger, files["wood-1912"]],
            n_results=1,
            where={"year": {"$gte": 1930}},
            include=["uris", "distances"],
        )
        assert by_uri["ids"] == [["sky-1934"], ["wood-1934"]]
        assert by_uri["uris"][0][0].endswith("sky-1934.pgm")

        # 3. Pixels back: "data" makes chromadb load the addresses of the hits.
        record = archive.get(ids=["wood-1934"], include=["data", "uris", "metadatas"])
        picture = record["data"][0]
        assert picture.shape == (32, 48) and picture.mean() < 80

        # 4. A print is scanned anew: new pixels and new address together.  chromadb embeds one of the
        # two (either may be picked), so they had better be the same picture.
        rescan = write_pgm(Path(folder) / "sky-1912-b.pgm", paint("house", noise))
        archive.update(ids=["sky-1912"], images=loader([rescan]), uris=[rescan])
        houses = archive.query(query_uris=rescan, n_results=3, include=["uris"])
        assert set(houses["ids"][0]) == {"sky-1912", "house-1912", "house-1934"}
        assert rescan in houses["uris"][0]

        # The loader is not stored with the collection: reopening needs it again.
        reopened = client.get_collection("village_photos", embedding_function=ThumbnailEmbedding())
        try:
            reopened.get(include=["data"])
        except ValueError as error:
            complaint = str(error)
        assert "data loader" in complaint

    print("looks like a house:", ", ".join(sorted(by_image["ids"][0])))
    print("same kind, later year:", by_uri["ids"])
    print(f"{loader.files_read} files read; without a loader: {complaint}")


if __name__ == "__main__":
    main()
