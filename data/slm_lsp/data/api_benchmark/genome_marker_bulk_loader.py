"""Bulk-load thousands of DNA markers in batches the database accepts, tune the HNSW index, then page through an export."""
import itertools
import random
import tempfile
import time

import numpy as np
import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.batch_utils import create_batches

BASES = "ACGT"


class KmerFrequency(EmbeddingFunction[Documents]):
    """Relative frequency of each k-mer: sequences from the same region end up close together."""

    def __init__(self, k: int = 3):
        self.k = k
        self._position = {"".join(p): i for i, p in enumerate(itertools.product(BASES, repeat=k))}

    def __call__(self, input: Documents) -> Embeddings:
        table = np.zeros((len(input), len(self._position)), dtype=np.float32)
        for row, sequence in zip(table, input):
            for start in range(len(sequence) - self.k + 1):
                row[self._position[sequence[start : start + self.k]]] += 1
            row /= max(1, len(sequence) - self.k + 1)
        return [row for row in table]

    @staticmethod
    def name() -> str:
        return "kmer-frequency"

    def get_config(self) -> dict:
        return {"k": self.k}

    @staticmethod
    def build_from_config(config: dict) -> "KmerFrequency":
        return KmerFrequency(config["k"])


def synthetic_markers(count, seed=11):
    rng = random.Random(seed)
    for n in range(count):
        chromosome = n % 22 + 1
        # every chromosome prefers other bases, so there is something to find
        weights = [1 + (chromosome * (i + 2)) % 5 for i in range(4)]
        yield f"rs{100000 + n}", "".join(rng.choices(BASES, weights, k=48)), {"chr": chromosome, "pos": n * 137}


def load(client, collection, markers):
    """Embeds once for the whole load and writes as many records per call as the backend takes."""
    ids, sequences, metadatas = map(list, zip(*markers))
    vectors = KmerFrequency(3)(sequences)
    written = 0
    for batch_ids, batch_vectors, batch_metas, batch_docs in create_batches(
        client, ids=ids, embeddings=vectors, metadatas=metadatas, documents=sequences
    ):
        collection.add(ids=batch_ids, embeddings=batch_vectors, metadatas=batch_metas, documents=batch_docs)
        written += 1
    return written


def export(collection, page_size=500, **filters):
    offset = 0
    while True:
        page = collection.get(limit=page_size, offset=offset, include=["metadatas"], **filters)
        if not page["ids"]:
            return
        yield from zip(page["ids"], page["metadatas"])
        offset += page_size


def main():
    with tempfile.TemporaryDirectory() as directory, chromadb.PersistentClient(path=directory) as client:
        limit = client.get_max_batch_size()
        markers = client.create_collection(
            name="markers_grch38",
            configuration={
                "hnsw": {
                    "space": "l2",
                    "ef_construction": 60,
                    "max_neighbors": 12,
                    "ef_search": 20,
                    "num_threads": 1,
                    "batch_size": 200,
                    "sync_threshold": 2000,
                    "resize_factor": 1.5,
                }
            },
            metadata={"assembly": "GRCh38", "source": "synthetic"},
            embedding_function=KmerFrequency(k=3),
        )
        began = time.perf_counter()
        batches = load(client, markers, list(synthetic_markers(1500)))
        print(f"1500 markers in {batches} batch(es) of at most {limit}, {time.perf_counter() - began:.1f} s")
        assert markers.count() == 1500

        # One record too many in a single call is refused before anything is written.
        too_many = [f"x{i}" for i in range(limit + 1)]
        try:
            markers.add(ids=too_many, embeddings=np.zeros((limit + 1, 64), dtype=np.float32))
        except Exception as error:
            assert "batch size" in str(error).lower(), error
        else:
            raise AssertionError("an oversized batch was accepted")
        assert markers.count() == 1500

        # A loaded collection is read far more than written: search wider from now on.
        markers.modify(configuration={"hnsw": {"ef_search": 120, "num_threads": 2}})
        assert markers.configuration["hnsw"]["ef_search"] == 120
        reopened = client.get_collection(name="markers_grch38", embedding_function=KmerFrequency(k=3))
        assert reopened.configuration_json["hnsw"]["ef_search"] == 120
        assert reopened.configuration_json["hnsw"]["max_neighbors"] == 12

        probe = reopened.get(ids=["rs100021"], include=["documents", "metadatas"])
        hits = reopened.query(
            query_texts=probe["documents"],
            n_results=5,
            where={"chr": {"$ne": 22}},
            include=["metadatas", "distances"],
        )
        assert probe["metadatas"][0]["chr"] == 22 and len(hits["ids"][0]) == 5
        itself = reopened.query(query_texts=probe["documents"], n_results=1)
        assert itself["ids"] == [["rs100021"]]

        on_chr7 = list(export(reopened, page_size=30, where={"$and": [{"chr": 7}, {"pos": {"$lt": 100000}}]}))
        expected = [f"rs{100000 + n}" for n in range(6, 1500, 22) if n * 137 < 100000]
        assert sorted(marker for marker, _ in on_chr7) == sorted(expected)
        motif = reopened.get(where_document={"$contains": "GATTACA"}, include=["documents"])
        print(f"{len(on_chr7)} markers on chromosome 7, {len(motif['ids'])} with the motif GATTACA")
        assert all("GATTACA" in sequence for sequence in motif["documents"])


if __name__ == "__main__":
    main()
