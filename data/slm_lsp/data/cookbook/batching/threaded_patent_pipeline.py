"""Embed patent abstracts in several threads and write them from one: a bounded pipeline.

Embedding is the slow part and waits for a service, so threads help; writing is quick and one writer
is enough.  A bounded queue between them keeps memory flat, batches may finish in any order, and an
embedding call that fails is tried again before its batch is given up.
"""
from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Queue

import chromadb
import numpy as np

Batch = list[tuple[str, str]]


class EmbeddingService:
    """Stands in for a remote model: takes its time and is overloaded now and then."""

    VOCABULARY = ["valve", "engine", "protein", "antenna", "textile", "battery", "optical", "pump"]

    def __init__(self, latency: float = 0.01, failures: int = 4, seed: int = 3) -> None:
        self._latency = latency
        self._failures_left = failures
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.threads: set[str] = set()

    def embed(self, texts: list[str]) -> list[list[float]]:
        time.sleep(self._latency)
        with self._lock:
            self.threads.add(threading.current_thread().name)
            if self._failures_left and self._random.random() < 0.3:
                self._failures_left -= 1
                raise ConnectionError("503 overloaded")
        return [[float(text.count(word)) for word in self.VOCABULARY] for text in texts]


@dataclass
class Outcome:
    written: int = 0
    batches: int = 0
    retries: int = 0
    lost: dict[int, str] = field(default_factory=dict)


class PatentPipeline:
    _DONE = object()

    def __init__(self, collection: chromadb.Collection, service: EmbeddingService, *, workers: int = 4) -> None:
        self.collection = collection
        self.service = service
        self.workers = workers
        # Twice as many slots as workers: enough never to idle, too few to fill the memory.
        self._ready: Queue = Queue(maxsize=2 * workers)
        self._outcome = Outcome()
        self._count_lock = threading.Lock()

    def run(self, batches: list[Batch]) -> Outcome:
        writer = threading.Thread(target=self._write, name="writer")
        writer.start()
        try:
            with ThreadPoolExecutor(self.workers, thread_name_prefix="embed") as pool:
                for number, batch in enumerate(batches):
                    pool.submit(self._prepare, number, batch)
        finally:  # the pool is finished here, so nothing can come after the end mark
            self._ready.put(self._DONE)
            writer.join()
        return self._outcome

    def _prepare(self, number: int, batch: Batch, attempts: int = 5) -> None:
        texts = [text for _, text in batch]
        for attempt in range(1, attempts + 1):
            try:
                vectors = self.service.embed(texts)
            except ConnectionError as error:
                with self._count_lock:
                    self._outcome.retries += 1
                    if attempt == attempts:
                        self._outcome.lost[number] = str(error)
                        return
                time.sleep(0.005 * 2**attempt)
            else:
                self._ready.put((number, batch, vectors))  # waits while the queue is full
                return

    def _write(self) -> None:
        while (item := self._ready.get()) is not self._DONE:
            number, batch, vectors = item
            try:
                self.collection.upsert(
                    ids=[publication for publication, _ in batch],
                    documents=[text for _, text in batch],
                    embeddings=vectors,
                    metadatas=[{"batch": number, "office": publication[:2]} for publication, _ in batch],
                )
            except Exception as error:  # the writer must go on emptying the queue, or the pool would hang
                self._outcome.lost[number] = repr(error)
            else:
                self._outcome.written += len(batch)
                self._outcome.batches += 1


def abstracts(count: int, seed: int = 11) -> Batch:
    rng = random.Random(seed)
    words = EmbeddingService.VOCABULARY
    corpus = []
    for n in range(count):
        first, second, third = (rng.choice(words) for _ in range(3))
        corpus.append((f"{rng.choice(['EP', 'US', 'JP'])}{n:07d}", f"A {first} with a {second}, and a {third}."))
    return corpus


def main() -> None:
    patents = chromadb.EphemeralClient().create_collection(
        "patent_abstracts",
        configuration={"hnsw": {"space": "cosine", "ef_search": 600, "max_neighbors": 32}},
        embedding_function=None,
    )
    corpus = abstracts(600)
    size = 25
    batches = [corpus[start : start + size] for start in range(0, len(corpus), size)]

    service = EmbeddingService()
    outcome = PatentPipeline(patents, service, workers=4).run(batches)
    assert outcome.lost == {} and outcome.written == patents.count() == 600
    assert outcome.batches == len(batches) == 24
    assert 1 < len(service.threads) <= 4 and all(name.startswith("embed") for name in service.threads)

    # Every batch is complete, whatever the order in which they arrived.
    per_batch = Counter(facts["batch"] for facts in patents.get(include=["metadatas"])["metadatas"])
    assert per_batch == {number: size for number in range(24)}

    # Each text has its own vector, not that of another thread's batch.  (In cosine space a vector may
    # come back with a rounding error, so compare with a tolerance.)
    sample = patents.get(ids=[key for key, _ in corpus[::97]], include=["documents", "embeddings"])
    for text, vector in zip(sample["documents"], sample["embeddings"]):
        assert np.allclose(vector, [text.count(word) for word in EmbeddingService.VOCABULARY], atol=1e-5)

    # Searching from many threads at once needs no lock either.
    def nearest(word: str) -> str:
        question = [float(word == known) for known in EmbeddingService.VOCABULARY]
        return patents.query(query_embeddings=[question], n_results=1, include=["documents"])["documents"][0][0]

    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(EmbeddingService.VOCABULARY, pool.map(nearest, EmbeddingService.VOCABULARY)))
    assert all(word in text for word, text in answers.items())

    # A service that stays down: the batch is reported and the others are written.
    class HalfDown(EmbeddingService):
        def embed(self, texts: list[str]) -> list[list[float]]:
            if texts == [text for _, text in batches[5]]:
                raise ConnectionError("502 bad gateway")
            return super().embed(texts)

    patents.delete(where={"batch": {"$gte": 0}})
    partial = PatentPipeline(patents, HalfDown(latency=0.0, failures=0), workers=2).run(batches[:10])
    assert partial.lost == {5: "502 bad gateway"} and patents.count() == partial.written == 225

    print(f"{outcome.written} patents by {len(service.threads)} threads, {outcome.retries} retries")
    print("battery:", answers["battery"])


if __name__ == "__main__":
    main()
