"""Resume an interrupted ingestion of census households where it stopped, without a gap or a repeat.

Long imports get killed.  Two kinds of book-keeping are shown: a checkpoint in the collection's own
metadata, moved forward after every batch, and, where even that was lost, asking the collection which
ids it already has.  Either way the order matters: write the batch first, then the mark.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Callable, Iterator

import chromadb
from chromadb.api.models.Collection import Collection

BATCH = 64
TOTAL = 1_000


@dataclass(frozen=True)
class Household:
    number: int
    parish: str
    persons: int
    trade: str

    @property
    def key(self) -> str:
        return f"hh-{self.number:06d}"


def register(start: int = 0) -> Iterator[Household]:
    """The source.  It can start anywhere, as a database cursor or a file offset can."""
    parishes, trades = ["St Mary", "St Giles", "Holywell"], ["weaver", "carter", "baker", "none"]
    for n in range(start, TOTAL):
        yield Household(n, parishes[n * 7 % 3], 1 + n * 5 % 9, trades[n * 11 % 4])


class Killed(BaseException):
    """Stands for kill -9: not an Exception, so nobody handles it by accident."""


class ResumableImport:
    """The checkpoint is the number of the first household that is not yet written."""

    MARK = "next_household"

    def __init__(self, collection: Collection, on_batch: Callable[[int], None] = lambda done: None) -> None:
        self.collection = collection
        self.on_batch = on_batch

    @property
    def checkpoint(self) -> int:
        return int((self.collection.metadata or {}).get(self.MARK, 0))

    def _move_mark(self, number: int) -> None:
        # modify() replaces the metadata as a whole, so the other keys are carried over.
        self.collection.modify(metadata={**(self.collection.metadata or {}), self.MARK: number})

    def run(self) -> int:
        """Import the rest; returns how many households this run has written."""
        written, batch = 0, []
        for household in register(start=self.checkpoint):
            batch.append(household)
            if len(batch) == BATCH:
                written += self._flush(batch)
                batch = []
        if batch:
            written += self._flush(batch)
        return written

    @staticmethod
    def _describe(household: Household) -> list[float]:
        # The last number keeps the vectors apart: an approximate index works badly on many equal ones.
        weaves, idle = household.trade == "weaver", household.trade == "none"
        return [household.persons / 9, float(weaves), float(idle), household.number / TOTAL / 4]

    def _flush(self, batch: list[Household]) -> int:
        # upsert(), not add(): a batch that was written just before the crash is written once more.
        self.collection.upsert(
            ids=[h.key for h in batch],
            embeddings=[self._describe(h) for h in batch],
            metadatas=[{"parish": h.parish, "persons": h.persons, "trade": h.trade} for h in batch],
        )
        self.on_batch(batch[-1].number + 1)  # a crash here loses the mark but not the batch
        self._move_mark(batch[-1].number + 1)
        return len(batch)


def missing(collection: Collection, probe: int = 200) -> Iterator[Household]:
    """Without a checkpoint: look a few hundred ids up at a time and yield what is not there."""
    pending: list[Household] = []

    def absent() -> Iterator[Household]:
        there = set(collection.get(ids=[h.key for h in pending], include=[])["ids"])
        return (h for h in list(pending) if h.key not in there)

    for household in register():
        pending.append(household)
        if len(pending) == probe:
            yield from absent()
            pending.clear()
    if pending:
        yield from absent()


def crash_after(number: int) -> Callable[[int], None]:
    def hook(done: int) -> None:
        if done >= number:
            raise Killed(f"power cut at household {done}")

    return hook


def open_census(path: str) -> Collection:
    client = chromadb.PersistentClient(path=path)
    return client.get_or_create_collection("census_1851", metadata={"county": "Oxon"}, embedding_function=None)


def main() -> None:
    with tempfile.TemporaryDirectory() as path:
        runs = []
        # Two crashes and a run to the end.  Every run opens the folder anew, as a new process would.
        for limit in (300, 700, None):
            census = open_census(path)
            job = ResumableImport(census, crash_after(limit) if limit else lambda done: None)
            start = job.checkpoint
            try:
                written = job.run()
            except Killed as crash:
                runs.append(f"from {start}: {crash}")
            else:
                runs.append(f"from {start}: {written} written, finished")

        census = open_census(path)
        assert census.count() == TOTAL
        assert census.metadata == {"county": "Oxon", "next_household": TOTAL}
        assert runs[0].startswith("from 0") and runs[1].startswith("from 256")
        # 320 were stored at the first crash but the mark said 256: that batch was simply written again.
        assert ResumableImport(census).run() == 0, "nothing left to do"

        # No gaps and no repeats.
        ids = census.get(include=[])["ids"]
        assert sorted(ids) == [h.key for h in register()]

        # The mark is of no use if records vanish behind it.  Then the ids themselves are asked.
        lost = census.get(where={"$and": [{"parish": "Holywell"}, {"persons": {"$gte": 8}}]}, include=[])["ids"]
        census.delete(ids=lost)
        assert ResumableImport(census).run() == 0, "the checkpoint knows nothing of that"
        repair = list(missing(census))
        assert sorted(h.key for h in repair) == sorted(lost)
        ResumableImport(census)._flush(repair)
        assert census.count() == TOTAL and not list(missing(census))

        weavers = census.query(
            query_embeddings=[[1.0, 1.0, 0.0, 0.1]], n_results=2, where={"parish": "St Giles"}, include=["metadatas"]
        )
        assert all(facts["trade"] == "weaver" for facts in weavers["metadatas"][0])

    print(*runs, sep="\n")
    print(f"{len(lost)} lost households found and restored, {TOTAL} in all")


if __name__ == "__main__":
    main()
