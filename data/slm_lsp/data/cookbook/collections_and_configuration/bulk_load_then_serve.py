"""Load many radio-station playlists with write-friendly HNSW settings, then switch the collection to serving.

While loading, what costs is bringing the graph up to date and writing it to disk. Two thresholds decide:
  batch_size      records collected in an exact buffer before they enter the graph
  sync_threshold  records between two writes of the graph to disk (never below batch_size)
and two more are about the machine: num_threads for building and searching, resize_factor for how much room
the index adds when it is full. All four may be changed later with modify(); space, ef_construction and
max_neighbors may not.
"""
import itertools
import tempfile
import time
from contextlib import closing
from pathlib import Path

import chromadb
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings

TRACKS = 1500
GENRES = ("ambient", "bebop", "cumbia", "dub", "electro")

LOADING = {
    "space": "cosine",
    "ef_construction": 60,
    "max_neighbors": 12,
    "ef_search": 10,
    "num_threads": 2,
    "batch_size": 1000,
    "sync_threshold": 5000,
    "resize_factor": 1.5,
}
SERVING = {
    "ef_search": 120,
    "num_threads": 1,
    "batch_size": 50,
    "sync_threshold": 200,
    "resize_factor": 1.1,
}


class GenreEmbedding(chromadb.EmbeddingFunction):
    """'cumbia 104' -> one-hot genre plus the tempo on a circle, so that 60 and 120 bpm are neighbours."""

    def __init__(self):
        pass

    def __call__(self, input):
        out = []
        for text in input:
            genre, bpm = text.split()
            octave = (int(bpm) % 60) / 60
            out.append([float(genre == g) for g in GENRES] + [octave, 1 - octave, 0.1])
        return out

    @staticmethod
    def name():
        return "genre-and-tempo"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return GenreEmbedding()


def tracks():
    for number in range(TRACKS):
        genre = GENRES[number % len(GENRES)]
        yield f"trk{number:06d}", f"{genre} {60 + (number * 7) % 120}"


def batched(iterable, size):
    iterator = iter(iterable)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def open_database(path):
    return chromadb.RustClient(
        path=path,
        settings=Settings(anonymized_telemetry=False),
        tenant=DEFAULT_TENANT,
        database=DEFAULT_DATABASE,
    )


def load(client):
    collection = client.create_collection(
        "playlist", configuration={"hnsw": LOADING}, embedding_function=GenreEmbedding()
    )
    # Never more than the database accepts in one call; smaller batches also bound our own memory.
    size = min(500, client.get_max_batch_size())
    for chunk in batched(tracks(), size):
        ids, texts = zip(*chunk)
        collection.add(ids=list(ids), documents=list(texts), metadatas=[{"genre": t.split()[0]} for t in texts])
    return collection


def synced_graphs(home):
    """The graph lives in a folder of its own beside chroma.sqlite3; its id map is written by a sync only."""
    return [marker.parent for marker in Path(home).glob("*/index_metadata.pickle")]


def main():
    with tempfile.TemporaryDirectory() as home:
        with closing(open_database(home)) as client:
            start = time.perf_counter()
            playlist = load(client)
            # What is not in the graph yet is in the write-ahead log, and counts all the same.
            assert playlist.count(read_level=chromadb.ReadLevel.INDEX_AND_WAL) == TRACKS
            print(f"loaded {playlist.count()} tracks in {time.perf_counter() - start:.2f} s")

            hnsw = playlist.configuration["hnsw"]
            assert hnsw["ef_construction"] == 60 and hnsw["max_neighbors"] == 12
            assert hnsw["sync_threshold"] == 5000 and hnsw["resize_factor"] == 1.5
            # Nothing has been synced yet: the records are safe in SQLite, the graph is rebuilt from there.
            assert synced_graphs(home) == []

            playlist.modify(configuration={"hnsw": SERVING})
            served = client.get_collection("playlist").configuration["hnsw"]
            assert served["ef_search"] == 120 and served["sync_threshold"] == 200
            assert served["space"] == "cosine" and served["max_neighbors"] == 12  # untouched

        # The new thresholds count from the next opening.
        with closing(open_database(home)) as client:
            playlist = client.get_collection("playlist")
            for chunk in batched(((f"new{n:03d}", f"dub {60 + n % 60}") for n in range(250)), 50):
                playlist.add(ids=[i for i, _ in chunk], documents=[t for _, t in chunk],
                             metadatas=[{"genre": "dub"}] * len(chunk))
            (graph,) = synced_graphs(home)
            print("graph on disk:", sum(file.stat().st_size for file in graph.iterdir()) // 1024, "KiB")

            hits = playlist.query(query_texts=["dub 75"], n_results=5, include=["documents", "distances"])
            assert all(text.startswith("dub") for text in hits["documents"][0])
            print("like dub at 75 bpm:", hits["documents"][0])

            # What cannot change is refused by the database, not silently dropped.
            for fixed in ({"space": "l2"}, {"ef_construction": 300}):
                try:
                    playlist.modify(configuration={"hnsw": fixed})
                except chromadb.errors.InvalidArgumentError:
                    continue
                raise AssertionError(f"{fixed} should be fixed at creation")


if __name__ == "__main__":
    main()
