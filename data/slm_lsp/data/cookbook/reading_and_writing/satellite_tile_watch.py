"""Watch satellite tiles for change: upsert the newest pass, ask with several query_images at once.

Every tile of a small map has one record.  After each pass the new pixels replace the old ones, but
first they are compared with what is stored: a tile that is no longer its own nearest neighbour has
changed so much that somebody should look at it.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt

Tile = npt.NDArray[np.float64]  # (rows, columns, bands): red, green, near infrared


class BandStatistics(chromadb.EmbeddingFunction[list[Tile]]):
    """Mean and spread per band, and the vegetation index of the four quarters."""

    def __init__(self) -> None:  # nothing to configure
        pass

    def __call__(self, input: list[Tile]) -> list[npt.NDArray[np.float32]]:
        described = []
        for tile in input:
            red, infrared = tile[..., 0], tile[..., 2]
            ndvi = (infrared - red) / (infrared + red + 1e-6)
            half = len(ndvi) // 2
            quarters = [ndvi[:half, :half], ndvi[:half, half:], ndvi[half:, :half], ndvi[half:, half:]]
            features = [*tile.mean((0, 1)), *tile.std((0, 1)), *(quarter.mean() for quarter in quarters)]
            described.append(np.array(features, dtype=np.float32))
        return described

    @staticmethod
    def name() -> str:
        return "satellite-band-statistics"

    def get_config(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> BandStatistics:
        return BandStatistics()


class TileStore:
    """The loader of this collection: addresses are keys of a dict instead of files."""

    def __init__(self) -> None:
        self.tiles: dict[str, Tile] = {}

    def put(self, uri: str, tile: Tile) -> str:
        self.tiles[uri] = tile
        return uri

    def __call__(self, uris: list[str | None]) -> list[Tile | None]:
        return [self.tiles.get(uri) if uri else None for uri in uris]


@dataclass(frozen=True)
class Change:
    tile: str
    looks_like: str
    distance: float


def landscape(cover: dict[str, str], seed: int) -> dict[str, Tile]:
    colours = {
        "forest": (0.08, 0.20, 0.62),
        "field": (0.20, 0.35, 0.45),
        "water": (0.05, 0.07, 0.02),
        "town": (0.35, 0.33, 0.36),
    }
    rng = np.random.default_rng(seed)
    return {
        name: np.clip(np.array(colours[kind]) + rng.normal(0, 0.01, (16, 16, 3)), 0, 1)
        for name, kind in cover.items()
    }


class ChangeWatch:
    def __init__(self, client: chromadb.ClientAPI, store: TileStore) -> None:
        self.store = store
        self.tiles = client.create_collection(
            name="tiles_31UDQ",
            embedding_function=BandStatistics(),
            data_loader=store,
            configuration={"hnsw": {"space": "l2"}},
            get_or_create=True,
        )

    def compare(self, scene: dict[str, Tile], tolerance: float = 0.02) -> list[Change]:
        names = list(scene)
        answer = self.tiles.query(
            query_images=[scene[name] for name in names], n_results=self.tiles.count(), include=["distances"]
        )
        changes = []
        for name, ranked, distances in zip(names, answer["ids"], answer["distances"]):
            to_itself = distances[ranked.index(name)]
            if to_itself > tolerance:
                changes.append(Change(name, ranked[0], round(to_itself, 3)))
        return changes

    def accept(self, scene: dict[str, Tile], day: int) -> None:
        """Make this pass the stored one; tiles seen for the first time are created."""
        self.tiles.upsert(
            ids=list(scene),
            images=list(scene.values()),
            uris=[self.store.put(f"pass/{day}/{name}", tile) for name, tile in scene.items()],
            metadatas=[{"day": day} for _ in scene],
        )


def main() -> None:
    watch = ChangeWatch(chromadb.EphemeralClient(), TileStore())
    cover = {"A1": "forest", "A2": "forest", "B1": "water", "B2": "town", "C1": "field"}

    watch.accept(landscape(cover, seed=1), day=20240501)
    assert watch.compare(landscape(cover, seed=2)) == [], "noise is not change"

    cleared = landscape(cover | {"A2": "field"}, seed=3)
    changes = watch.compare(cleared)
    assert [(change.tile, change.looks_like) for change in changes] == [("A2", "C1")], changes

    watch.accept(cleared | landscape({"C2": "water"}, seed=4), day=20240611)
    assert watch.tiles.count() == 6
    assert watch.compare(landscape(cover | {"A2": "field"}, seed=5)) == []

    # The stored pass can be asked for by its address, and gives its pixels back.
    lakes = watch.tiles.query(
        query_uris=["pass/20240611/C2"],
        n_results=2,
        where={"day": {"$gte": 20240601}},
        include=["data", "uris", "metadatas"],
    )
    assert set(lakes["ids"][0]) == {"B1", "C2"}
    assert all(pixels.shape == (16, 16, 3) for pixels in lakes["data"][0])

    # Clouds: one tile is corrected by hand from another image; day and address are as they were.
    watch.tiles.update(ids="B2", images=landscape(cover, seed=6)["B2"])
    kept = watch.tiles.get(ids="B2", include=["uris", "metadatas"])
    assert kept["uris"] == ["pass/20240611/B2"] and kept["metadatas"] == [{"day": 20240611}]

    for change in changes:
        print(f"tile {change.tile} now looks like {change.looks_like} (moved by {change.distance})")
    print("water:", ", ".join(lakes["uris"][0]))


if __name__ == "__main__":
    main()
