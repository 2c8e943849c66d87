"""Embed and index airline complaints with a pool of threads: bounded queue, micro-batches, retries and a dead-letter collection."""
from __future__ import annotations

import hashlib
import logging
import queue
import random
import threading
import time
from dataclasses import dataclass, field

import chromadb

log = logging.getLogger("complaints")


class EmbeddingServiceDown(Exception):
    """The remote model did not answer."""


class FlakyEmbedder:
    """Stands in for a remote model: fails now and then, and always on one poisoned text."""

    def __init__(self, failure_rate: float, seed: int = 1) -> None:
        self.dice = random.Random(seed)
        self.failure_rate = failure_rate
        self.lock = threading.Lock()
        self.calls = 0

    def embed(self, texts: list[str]) -> list[list[float]]:
        with self.lock:
            self.calls += 1
            unlucky = self.dice.random() < self.failure_rate
        if unlucky:
            raise EmbeddingServiceDown("timeout")
        if any("\x00" in t for t in texts):
            raise ValueError("cannot tokenize NUL")
        return [self.vector(t) for t in texts]

    @staticmethod
    def vector(text: str) -> list[float]:
        bins = [0.0] * 64
        for word in text.lower().split():
            bins[hashlib.md5(word[:5].encode()).digest()[0] % 64] += 1.0
        return bins


@dataclass
class Complaint:
    number: str
    flight: str
    text: str
    attempts: int = 0


@dataclass
class Pool:
    index: chromadb.Collection
    dead: chromadb.Collection
    embedder: FlakyEmbedder
    workers: int = 3
    batch: int = 8
    linger: float = 0.02           # how long a worker waits for a batch to fill
    max_attempts: int = 4
    inbox: queue.Queue = field(default_factory=lambda: queue.Queue(maxsize=32))
    threads: list[threading.Thread] = field(default_factory=list)

    STOP = object()

    def __enter__(self) -> "Pool":
        for n in range(self.workers):
            thread = threading.Thread(target=self._work, name=f"embedder-{n}")
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *exc: object) -> None:
        """Drain what is queued, then stop every worker with a pill of its own."""
        self.inbox.join()
        for _ in self.threads:
            self.inbox.put(self.STOP)
        for thread in self.threads:
            thread.join()

    def submit(self, complaint: Complaint) -> None:
        self.inbox.put(complaint, timeout=30)      # a full queue slows the producer down: back-pressure

    def _collect(self) -> tuple[list[Complaint], bool]:
        first = self.inbox.get()
        if first is self.STOP:
            return [], True
        batch, deadline = [first], time.monotonic() + self.linger
        while len(batch) < self.batch:
            try:
                item = self.inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if item is self.STOP:
                return batch, True
            batch.append(item)
        return batch, False

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._collect()
            if batch:
                self._process(batch)
                for _ in batch:
                    self.inbox.task_done()

    def _process(self, batch: list[Complaint]) -> None:
        try:
            vectors = self.embedder.embed([c.text for c in batch])
        except EmbeddingServiceDown:
            self._retry(batch)
        except ValueError as error:
            # One bad text spoils its whole batch: try them one by one, to find the culprit.
            if len(batch) == 1:
                self._bury(batch[0], error)
            else:
                for complaint in batch:
                    self._process([complaint])
        else:
            # upsert, not add: after a crash the same complaints are delivered again.
            self.index.upsert(
                ids=[c.number for c in batch],
                embeddings=vectors,
                documents=[c.text for c in batch],
                metadatas=[{"flight": c.flight, "attempts": c.attempts + 1} for c in batch],
            )

    def _retry(self, batch: list[Complaint]) -> None:
        for complaint in batch:
            complaint.attempts += 1
        time.sleep(0.002 * 2 ** batch[0].attempts)
        survivors = [c for c in batch if c.attempts < self.max_attempts]
        for complaint in batch:
            if complaint not in survivors:
                self._bury(complaint, EmbeddingServiceDown("gave up"))
        if survivors:
            self._process(survivors)

    def _bury(self, complaint: Complaint, error: Exception) -> None:
        log.info("%s: %s", complaint.number, error)
        self.dead.upsert(
            ids=[complaint.number],
            embeddings=[[0.0]],
            documents=[complaint.text.replace("\x00", "\\0")],
            metadatas=[{"error": type(error).__name__, "flight": complaint.flight, "attempts": complaint.attempts}],
        )


def main() -> None:
    client = chromadb.EphemeralClient()
    index = client.create_collection("complaints", configuration={"hnsw": {"space": "cosine"}})
    dead = client.create_collection("complaints_dead_letters")

    topics = ["lost suitcase at arrival", "flight delayed by nine hours", "meal was cold and late", "seat would not recline"]
    complaints = [Complaint(f"C{n:04d}", f"XY{n % 7}", f"{topics[n % 4]} on row {n}") for n in range(120)]
    complaints[50].text = "broken \x00 upload"

    with Pool(index, dead, FlakyEmbedder(failure_rate=0.15)) as pool:
        for complaint in complaints:
            pool.submit(complaint)

    assert index.count() + dead.count() == 120
    graves = dead.get(where={"error": "ValueError"})
    assert graves["ids"] == ["C0050"] and "\\0" in graves["documents"][0]
    assert not any(t.is_alive() for t in pool.threads)
    assert pool.embedder.calls < 120, "batches must save calls"

    hits = index.query(
        query_embeddings=[FlakyEmbedder.vector("my suitcase is lost")], n_results=5, where={"flight": {"$in": ["XY1", "XY2"]}}
    )
    assert all("suitcase" in d for d in hits["documents"][0])
    retried = index.get(where={"attempts": {"$gt": 1}}, include=[])
    assert retried["ids"], "with these odds some batches had to be tried again"

    # Buried for want of a service, not for their content?  A second shift takes them again.
    again = dead.get(where={"error": "EmbeddingServiceDown"})
    with Pool(index, dead, FlakyEmbedder(failure_rate=0.0), workers=1) as night:
        for number, text, meta in zip(again["ids"], again["documents"], again["metadatas"]):
            night.submit(Complaint(number, meta["flight"], text))
    if again["ids"]:
        dead.delete(ids=again["ids"])
    assert (index.count(), dead.count()) == (119, 1)
    print(f"{index.count()} indexed, {len(retried['ids'])} after retries, {pool.embedder.calls} calls; dead: {dead.get()['ids']}")


if __name__ == "__main__":
    main()
