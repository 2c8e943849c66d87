"""Add scanned stamps whose files may be missing, empty or corrupt, without losing the readable ones.

A data loader that raises takes the whole add() down; one that returns None hands the problem to the embedding
function. The loader below collects failures instead, so that the import can leave out what cannot be read and
say why.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import chromadb
import numpy as np
from chromadb import EmbeddingFunction, Embeddings
from chromadb.api.types import Images


class UnreadableAsset(Exception):
    pass


@dataclass
class PgmLoader:
    """Grey pictures in the plain PGM format (P2). Raises UnreadableAsset for the first bad file."""

    max_pixels: int = 10_000

    def read(self, uri: str) -> np.ndarray:
        try:
            tokens = Path(uri).read_text(encoding="ascii").split()
            if not tokens:
                raise UnreadableAsset("empty file")
            if tokens[0] != "P2":
                raise UnreadableAsset(f"unknown format {tokens[0][:8]!r}")
            width, height, depth = map(int, tokens[1:4])
            if width * height > self.max_pixels:
                raise UnreadableAsset(f"{width}x{height} is larger than {self.max_pixels} pixels")
            return np.array(tokens[4:], dtype=np.int64).reshape(height, width) * 255 // depth
        except OSError as error:
            raise UnreadableAsset(error.strerror) from error
        except (UnicodeDecodeError, ValueError) as error:
            raise UnreadableAsset(f"corrupt: {error}") from error

    def __call__(self, uris: list[str]) -> list[np.ndarray]:
        return [self.read(uri) for uri in uris]


class StampEmbedding(EmbeddingFunction[Images]):
    def __init__(self, rows: int = 3) -> None:
        self.rows = rows

    def __call__(self, input: Images) -> Embeddings:
        return [
            np.array([band.mean() / 255 for band in np.array_split(np.asarray(image), self.rows)], dtype=np.float32)
            for image in input
        ]

    @staticmethod
    def name() -> str:
        return "stamp-bands"

    def get_config(self) -> dict:
        return {"rows": self.rows}

    @staticmethod
    def build_from_config(config: dict) -> StampEmbedding:
        return StampEmbedding(config["rows"])


@dataclass
class ImportReport:
    added: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.added)} added, {len(self.failed)} failed"]
        return "\n".join(lines + [f"  {key}: {reason}" for key, reason in self.failed.items()])


def import_stamps(collection: chromadb.Collection, files: dict[str, str], loader: PgmLoader) -> ImportReport:
    """Load one by one, add what loaded together: one bad file costs one record, not the batch."""
    report, images = ImportReport(), []
    for key, uri in files.items():
        try:
            images.append(loader.read(uri))
            report.added.append(key)
        except UnreadableAsset as error:
            report.failed[key] = str(error)
    if report.added:
        # Loaded already, so pass the pixels. The URIs follow in a call of their own: update() with URIs alone
        # embeds nothing.
        collection.upsert(ids=report.added, images=images)
        collection.update(ids=report.added, uris=[files[key] for key in report.added])
    return report


def write_pgm(path: Path, bands: list[int]) -> str:
    rows = [" ".join([str(level)] * 4) for level in bands for _ in range(2)]
    path.write_text(f"P2\n4 {len(rows)}\n255\n" + "\n".join(rows) + "\n")
    return str(path)


@contextlib.contextmanager
def stamp_files():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {
            "penny-black": write_pgm(root / "a.pgm", [10, 30, 10]),
            "blue-mauritius": write_pgm(root / "b.pgm", [120, 160, 120]),
            "missing": str(root / "nowhere.pgm"),
            "inverted-jenny": write_pgm(root / "c.pgm", [200, 90, 200]),
        }
        (root / "empty.pgm").touch()
        (root / "cut.pgm").write_text("P2 4 6 255 1 2 3")
        (root / "photo.pgm").write_bytes(b"\xff\xd8\xff\xe0")
        (root / "huge.pgm").write_text("P2 9000 9000 255 0")
        files |= {name: str(root / f"{name}.pgm") for name in ("empty", "cut", "photo", "huge")}
        yield files


def main() -> None:
    client = chromadb.EphemeralClient()
    loader = PgmLoader()
    with stamp_files() as files:
        stamps = client.get_or_create_collection(
            name="stamps", embedding_function=StampEmbedding(), data_loader=loader
        )
        # The plain way: one unreadable file, and none of the eight is added.
        try:
            stamps.add(ids=list(files), uris=list(files.values()))
        except UnreadableAsset as error:
            print("all or nothing:", error)
        else:
            raise AssertionError("a missing file should stop the batch")
        assert stamps.count() == 0

        report = import_stamps(stamps, files, loader)
        print(report)
        assert report.added == ["penny-black", "blue-mauritius", "inverted-jenny"]
        assert set(report.failed) == {"missing", "empty", "cut", "photo", "huge"}
        assert report.failed["empty"] == "empty file" and report.failed["cut"].startswith("corrupt")
        assert stamps.count() == 3

        # Repaired files are imported by running again; what is there already is replaced by itself.
        write_pgm(Path(files["cut"]), [205, 95, 190])
        assert import_stamps(stamps, files, loader).added[-1] == "cut" and stamps.count() == 4
        twins = stamps.query(query_uris=[files["cut"]], n_results=2, include=["distances"])
        assert twins["ids"] == [["cut", "inverted-jenny"]]

        # Months later a file rots. Reading it back is where it shows, so check before handing out.
        Path(files["penny-black"]).write_text("")
        album = client.get_collection(name="stamps", data_loader=loader)
        try:
            album.get(include=["data"])
        except UnreadableAsset as error:
            print("one rotten file spoils a bulk read:", error)
        else:
            raise AssertionError("a rotten file was read")
        rotten = []
        for key, uri in zip(*(lambda r: (r["ids"], r["uris"]))(album.get(include=["uris"]))):
            try:
                loader.read(uri)
            except UnreadableAsset:
                rotten.append(key)
        assert rotten == ["penny-black"]
        sound = client.get_collection_by_id(
            id=stamps.id, embedding_function=StampEmbedding(), data_loader=loader
        ).get(ids=[key for key in report.added if key not in rotten], include=["data"])
        assert len(sound["data"]) == 2
        print("readable:", sound["ids"])


if __name__ == "__main__":
    main()
