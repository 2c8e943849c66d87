"""Load a season of tide gauge readings in batches no larger than get_max_batch_size() allows.

The database takes only so many records per call, and the number differs between machines.  The
program asks for it, shows what happens beyond it, and compares ways of cutting up: by hand over
numpy arrays, and with chromadb's own create_batches().
"""

import time

import chromadb
import numpy as np
from chromadb.errors import ChromaError
from chromadb.utils.batch_utils import create_batches

GAUGES = ("wick", "leith", "dover")
HOURS = 2_000


def season(seed: int = 7) -> tuple[list[str], np.ndarray, list[dict]]:
    """Readings of all gauges: (ids, features of the curve around each hour, metadata)."""
    rng = np.random.default_rng(seed)
    ids, rows, facts = [], [], []
    hours = np.arange(HOURS)
    for phase, gauge in enumerate(GAUGES):
        level = 2.1 * np.sin(2 * np.pi * hours / 12.42 + phase) + 0.4 * np.sin(2 * np.pi * hours / 12.0)
        level += rng.normal(0, 0.05, HOURS)
        rise = np.gradient(level)
        rows.append(np.stack([level, rise, np.roll(level, 6)], axis=1))
        ids += [f"{gauge}:{hour:05d}" for hour in hours]
        facts += [{"gauge": gauge, "hour": int(hour)} for hour in hours]
    return ids, np.concatenate(rows).astype(np.float32), facts


def spans(total: int, size: int):
    """(start, stop) pairs; the last one may be short."""
    if size < 1:
        raise ValueError("a batch holds one record at least")
    for start in range(0, total, size):
        yield start, min(start + size, total)


def load_by_hand(client, collection, ids, vectors, facts, wanted=1_500) -> int:
    """Slices of our own choice, never above the limit.  Returns the number of calls."""
    size = min(wanted, client.get_max_batch_size())
    calls = 0
    for start, stop in spans(len(ids), size):
        collection.add(
            ids=ids[start:stop],
            embeddings=vectors[start:stop],  # a slice of a numpy array is a view: nothing is copied
            metadatas=facts[start:stop],
        )
        calls += 1
    return calls


def load_with_helper(client, collection, ids, vectors, facts) -> int:
    """create_batches() cuts at exactly the limit and yields tuples in the order of add()'s columns."""
    batches = create_batches(api=client, ids=ids, embeddings=list(vectors), metadatas=facts)
    for batch_ids, batch_vectors, batch_facts, batch_documents in batches:
        assert batch_documents is None
        collection.add(ids=batch_ids, embeddings=batch_vectors, metadatas=batch_facts)
    return len(batches)


def main() -> None:
    client = chromadb.EphemeralClient()
    limit = client.get_max_batch_size()
    ids, vectors, facts = season()
    assert limit > 1 and len(ids) == len(vectors) == 6_000

    # Beyond the limit the whole call is refused; nothing of it is stored.
    probe = client.create_collection("probe", embedding_function=None)
    too_many = limit + 1
    try:
        probe.add(ids=[str(n) for n in range(too_many)], embeddings=np.zeros((too_many, 2), dtype=np.float32))
    except (ChromaError, ValueError) as error:
        print("refused:", str(error)[:70])
    else:
        raise AssertionError("more than the limit in one call")
    assert probe.count() == 0
    client.delete_collection("probe")

    by_hand = client.create_collection("tides_by_hand", embedding_function=None)
    started = time.perf_counter()
    calls = load_by_hand(client, by_hand, ids, vectors, facts)
    seconds = time.perf_counter() - started
    assert by_hand.count() == len(ids)
    assert calls == -(-len(ids) // min(1_500, limit))

    # The helper, on a third of the data, with a limit of ours in place of the client's.
    class SmallBatches:
        def get_max_batch_size(self) -> int:
            return 750

    with_helper = client.create_collection("tides_with_helper", embedding_function=None)
    third = HOURS
    used = load_with_helper(SmallBatches(), with_helper, ids[:third], vectors[:third], facts[:third])
    assert used == 3 and with_helper.count() == third

    # All there, in the right places: spot checks at the seams between batches.
    seams = [ids[i] for start, _ in spans(len(ids), 1_500) for i in (start - 1, start) if i >= 0]
    stored = by_hand.get(ids=seams, include=["embeddings", "metadatas"])
    position = {record_id: index for index, record_id in enumerate(ids)}
    for record_id, vector, fact in zip(stored["ids"], stored["embeddings"], stored["metadatas"]):
        assert np.allclose(vector, vectors[position[record_id]], atol=1e-6)
        assert fact == facts[position[record_id]]
    assert len(stored["ids"]) == len(seams)

    # Similar moments of the season at another gauge: high water, falling.
    moment = by_hand.query(
        query_embeddings=[[2.2, -0.3, -1.9]], n_results=3, where={"gauge": "dover"}, include=["metadatas", "distances"]
    )
    assert all(fact["gauge"] == "dover" for fact in moment["metadatas"][0])
    assert moment["distances"][0][0] < 0.5

    print(f"limit {limit}; {len(ids)} readings in {calls} calls, {len(ids) / seconds:,.0f} per second")
    print("alike:", [fact["hour"] for fact in moment["metadatas"][0]])


if __name__ == "__main__":
    main()
