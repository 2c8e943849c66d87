"""Rewrite stored URIs after a photo archive moved, without embedding anything again.

Vectors do not care where a file lies, so update(uris=...) alone is enough: no images are loaded and no vectors
change. The better cure is shown second: store relative references and let the data loader know the root, so that
the next move needs no migration at all.
"""

import tempfile
from pathlib import Path, PurePosixPath

import chromadb
import numpy as np

PAGE = 5


class GridLoader:
    """Reads text files of digits as pictures. `root` is put before relative references."""

    def __init__(self, root=None):
        self.root = Path(root) if root else None
        self.loaded = []

    def __call__(self, uris):
        pictures = []
        for uri in uris:
            path = self.root / uri if self.root else Path(uri)
            self.loaded.append(path.name)
            rows = path.read_text().split()
            pictures.append(np.array([[int(c) for c in row] for row in rows], dtype=np.int64))
        return pictures


class CoarseGrid(chromadb.EmbeddingFunction):
    """Mean brightness of the four quarters."""

    def __init__(self):
        pass

    def __call__(self, input):
        return [
            [
                float(quarter.mean()) / 9 + 0.01
                for half in np.array_split(np.asarray(picture), 2)
                for quarter in np.array_split(half, 2, axis=1)
            ]
            for picture in input
        ]

    @staticmethod
    def name():
        return "coarse-grid"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return CoarseGrid()


def paint(path, corner):
    """A 6x6 picture, bright in one corner: nw, ne, sw or se."""
    rows = [[1] * 6 for _ in range(6)]
    for y in range(3):
        for x in range(3):
            rows[y + (3 if corner[0] == "s" else 0)][x + (3 if corner[1] == "e" else 0)] = 9
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("".join(map(str, row)) for row in rows))


def pages(collection):
    for offset in range(0, collection.count(), PAGE):
        yield collection.get(limit=PAGE, offset=offset, include=["uris"])


def rewrite_prefix(collection, old, new):
    """Change old/... to new/... in every URI. Returns the number of changed records; running twice is harmless."""
    changed = 0
    for page in pages(collection):
        moves = {
            key: new + uri[len(old):]
            for key, uri in zip(page["ids"], page["uris"])
            if uri and uri.startswith(old + "/")
        }
        if moves:
            collection.update(ids=list(moves), uris=list(moves.values()))
            changed += len(moves)
    return changed


def make_relative(collection, root):
    for page in pages(collection):
        relative = [str(PurePosixPath(Path(uri).relative_to(root))) for uri in page["uris"]]
        collection.update(ids=page["ids"], uris=relative)


def broken(collection, root=None):
    """Ids whose file cannot be found: what a nightly check reports."""
    return sorted(
        key
        for page in pages(collection)
        for key, uri in zip(page["ids"], page["uris"])
        if not (Path(root) / uri if root else Path(uri)).is_file()
    )


def main():
    client = chromadb.EphemeralClient()
    with tempfile.TemporaryDirectory() as directory:
        old_root, new_root = Path(directory, "nas1/photos"), Path(directory, "nas2/archive")
        loader = GridLoader()
        photos = client.create_collection("photos", embedding_function=CoarseGrid(), data_loader=loader)
        files = {f"{year}-{corner}": old_root / str(year) / f"{corner}.txt"
                 for year in (2021, 2022, 2023) for corner in ("nw", "ne", "sw", "se")}
        for key, path in files.items():
            paint(path, key[-2:])
        photos.add(ids=list(files), uris=[str(path) for path in files.values()])
        vectors = photos.get(include=["embeddings"])["embeddings"]

        # The move.
        new_root.parent.mkdir(parents=True)
        old_root.rename(new_root)
        assert len(broken(photos)) == 12
        assert photos.query(query_embeddings=[[0.1, 1.0, 0.1, 0.1]], n_results=1)["ids"][0][0].endswith("ne")
        try:
            photos.get(ids="2021-nw", include=["data"])
        except FileNotFoundError:
            print("after the move: search works, loading does not")
        else:
            raise AssertionError("loaded from where nothing is")

        # Cure 1: rewrite the prefix.
        loads = len(loader.loaded)
        assert rewrite_prefix(photos, str(old_root), str(new_root)) == 12
        assert rewrite_prefix(photos, str(old_root), str(new_root)) == 0
        assert broken(photos) == []
        assert len(loader.loaded) == loads, "no file was read, so nothing was embedded"
        assert np.array_equal(photos.get(include=["embeddings"])["embeddings"], vectors)
        print("12 URIs rewritten, 0 files read")

        # Cure 2: references relative to a root that only the loader knows.
        make_relative(photos, new_root)
        assert photos.get(ids="2022-se", include=["uris"])["uris"] == ["2022/se.txt"]
        viewer = client.get_collection(name="photos", data_loader=GridLoader(new_root))
        assert viewer.get(ids="2022-se", include=["data"])["data"][0][5, 5] == 9

        third_root = Path(directory, "cloud")
        new_root.rename(third_root)
        for reopened in (
            client.get_collection_by_id(
                id=photos.id, embedding_function=CoarseGrid(), data_loader=GridLoader(third_root)
            ),
            client.get_or_create_collection(
                name="photos", embedding_function=CoarseGrid(), data_loader=GridLoader(root=third_root)
            ),
        ):
            assert broken(reopened, root=third_root) == []
            same_corner = reopened.query(query_uris=["2021/sw.txt"], n_results=3, include=["data"])
            assert {key[-2:] for key in same_corner["ids"][0]} == {"sw"}
        print("moved again: only the loader's root changed")

        # A retouched picture is the one case in which the vector has to change, too.
        paint(third_root / "2023/nw.txt", "se")
        retouched = GridLoader(third_root)(["2023/nw.txt"])
        # The URI is not repeated: with a data loader, images= and uris= in one call would compete for the vector.
        photos.upsert(ids=["2023-nw"], images=retouched)
        assert photos.get(ids="2023-nw", include=["uris"])["uris"] == ["2023/nw.txt"]
        nearest = photos.query(query_images=retouched, n_results=4)["ids"][0]
        assert set(nearest) == {"2023-nw", "2021-se", "2022-se", "2023-se"}
        print("retouched picture now sits with", sorted(set(nearest) - {"2023-nw"}))


if __name__ == "__main__":
    main()
