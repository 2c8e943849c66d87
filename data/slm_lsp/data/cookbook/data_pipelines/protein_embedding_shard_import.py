"""Import precomputed protein embeddings from .npy/.tsv shards into Chroma: memory-mapped, validated, resumable.

Language models for proteins run on a cluster and leave arrays on disk.  This importer never loads a shard as a whole,
refuses broken vectors, and keeps its progress in the collection's metadata, so that it can be stopped at any batch.
"""
from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import chromadb
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shard:
    name: str
    vectors: NDArray[np.float16]      # a memory map: slices are read when they are used
    rows: list[dict[str, str]]

    @classmethod
    def open(cls, array: Path) -> Shard:
        vectors = np.load(array, mmap_mode="r", allow_pickle=False)
        with array.with_suffix(".tsv").open(newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
        if vectors.ndim != 2 or len(vectors) != len(rows):
            raise ValueError(f"{array.name}: {vectors.shape} vectors for {len(rows)} names")
        return cls(array.stem, vectors, rows)


class Stopped(Exception):
    """The job was told to stop; everything confirmed so far is safe."""


class Importer:
    def __init__(self, client: chromadb.ClientAPI, name: str, batch: int = 256) -> None:
        self.batch = min(batch, client.get_max_batch_size())
        self.proteins = client.get_or_create_collection(
            name,
            configuration={"hnsw": {"space": "ip", "max_neighbors": 24, "sync_threshold": 1000}},
            metadata={"done": "{}", "dimension": 0},
        )

    # Collection metadata holds flat values only, hence JSON for the map shard -> rows imported.
    @property
    def done(self) -> dict[str, int]:
        return json.loads(self.proteins.metadata["done"])

    def confirm(self, shard: str, rows: int) -> None:
        self.proteins.modify(metadata=self.proteins.metadata | {"done": json.dumps(self.done | {shard: rows})})

    def check_dimension(self, shard: Shard) -> None:
        known, new = self.proteins.metadata["dimension"], shard.vectors.shape[1]
        if known == 0:
            self.proteins.modify(metadata=self.proteins.metadata | {"dimension": new})
        elif known != new:
            # Chroma would refuse as well (InvalidArgumentError), but only at the first batch.
            raise ValueError(f"{shard.name} has {new} dimensions, the collection {known}")

    def clean(self, block: NDArray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Unit vectors as float32, and a mask of the rows that are usable."""
        wide = np.asarray(block, dtype=np.float32)       # float16 is for the disk only
        norms = np.linalg.norm(wide, axis=1)
        good = np.isfinite(norms) & (norms > 1e-6)
        return wide / np.where(good, norms, 1.0)[:, None], good

    def run(self, folder: Path, stop_after: int | None = None) -> dict[str, int]:
        stats = {"imported": 0, "skipped": 0, "batches": 0}
        for path in sorted(folder.glob("*.npy")):
            shard = Shard.open(path)
            self.check_dimension(shard)
            for start in range(self.done.get(shard.name, 0), len(shard.rows), self.batch):
                end = min(start + self.batch, len(shard.rows))
                vectors, good = self.clean(shard.vectors[start:end])
                rows = [r for r, ok in zip(shard.rows[start:end], good) if ok]
                if rows:
                    self.proteins.upsert(
                        ids=[r["accession"] for r in rows],
                        embeddings=vectors[good],
                        metadatas=[{"organism": r["organism"], "length": int(r["length"]), "shard": shard.name} for r in rows],
                    )
                self.confirm(shard.name, end)
                stats["imported"] += len(rows)
                stats["skipped"] += int((~good).sum())
                stats["batches"] += 1
                if stats["batches"] == stop_after:
                    raise Stopped(f"after {end} rows of {shard.name}")
        return stats

    def verify(self, folder: Path, sample: int = 20, seed: int = 0) -> float:
        """Read random rows back and compare them with the files; returns the largest deviation."""
        rng, worst = np.random.default_rng(seed), 0.0
        for path in sorted(folder.glob("*.npy")):
            shard = Shard.open(path)
            picks = rng.choice(len(shard.rows), size=min(sample, len(shard.rows)), replace=False)
            expected, good = self.clean(shard.vectors[np.sort(picks)])
            wanted = dict(zip([shard.rows[i]["accession"] for i in np.sort(picks)], expected))
            stored = self.proteins.get(ids=list(wanted), include=["embeddings"])
            assert len(stored["ids"]) == good.sum()
            for accession, vector in zip(stored["ids"], stored["embeddings"]):
                worst = max(worst, float(np.abs(wanted[accession] - vector).max()))
        return worst


def write_shard(folder: Path, name: str, first: int, count: int, seed: int, dim: int = 48, organism: str = "human") -> None:
    """What the cluster would have left: three families of proteins around random centres."""
    centres = np.random.default_rng(99).normal(size=(3, dim))
    vectors = centres[np.arange(count) % 3] + np.random.default_rng(seed).normal(scale=0.3, size=(count, dim))
    np.save(folder / f"{name}.npy", vectors.astype(np.float16))
    with (folder / f"{name}.tsv").open("w", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t")
        writer.writerow(["accession", "organism", "length"])
        writer.writerows([f"P{first + n:05d}", organism, 80 + n] for n in range(count))


def main() -> None:
    with tempfile.TemporaryDirectory() as tmp:
        shards = Path(tmp, "shards")
        shards.mkdir()
        write_shard(shards, "part-000", 0, 300, seed=1)
        write_shard(shards, "part-001", 300, 150, seed=2, organism="yeast")
        broken = np.load(shards / "part-001.npy")
        broken[7] = np.nan
        broken[8] = 0
        np.save(shards / "part-001.npy", broken)

        with chromadb.PersistentClient(path=Path(tmp, "db")) as client:
            try:
                Importer(client, "proteins", batch=64).run(shards, stop_after=3)
            except Stopped as reason:
                print("stopped", reason)

        with chromadb.PersistentClient(path=Path(tmp, "db")) as client:
            job = Importer(client, "proteins", batch=128)
            assert job.done == {"part-000": 192} and job.proteins.count() == 192
            stats = job.run(shards)
            assert stats == {"imported": 300 - 192 + 148, "skipped": 2, "batches": 3}, stats
            assert job.run(shards)["batches"] == 0, "nothing left to do"
            assert job.verify(shards) < 1e-5
            assert job.proteins.get(ids=["P00307", "P00308"])["ids"] == [], "broken vectors stayed outside"

            # Of one family across species: every third protein was made around the same centre.
            query = job.proteins.get(ids=["P00000"], include=["embeddings"])["embeddings"]
            yeast = job.proteins.query(
                query_embeddings=query, n_results=5, where={"$and": [{"organism": "yeast"}, {"length": {"$gt": 100}}]},
                include=["metadatas", "distances"],
            )
            assert {int(i[1:]) % 3 for i in yeast["ids"][0]} == {0}
            # The ip space reports 1 - dot product: for unit vectors that is 1 - cosine.
            assert all(0 < d < 0.4 for d in yeast["distances"][0])

            write_shard(shards, "part-002", 900, 10, seed=3, dim=32)
            try:
                job.run(shards)
            except ValueError as error:
                print("refused:", error)
            else:
                raise AssertionError("32 dimensions among 48")
            assert job.proteins.count() == 448
            print(stats, "| nearest in yeast:", yeast["ids"][0][0])


if __name__ == "__main__":
    main()
