"""Compare chess openings in a scratchpad that starts in memory and can be kept on disk with one argument.

chromadb.RustClient covers both cases: no path means memory, a path means disk. chromadb.Client is the
general form underneath, driven by Settings alone.
"""

import tempfile

import chromadb
from chromadb import HnswIndexConfig, Schema, StringInvertedIndexConfig, VectorIndexConfig
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings

# Each opening as counts over White's and Black's first moves, which is all we need to see families.
OPENINGS = {
    "C50": ("Italian Game", "e4 e5 Nf3 Nc6 Bc4"),
    "C60": ("Ruy Lopez", "e4 e5 Nf3 Nc6 Bb5"),
    "B20": ("Sicilian Defence", "e4 c5 Nf3 d6 d4"),
    "B90": ("Najdorf", "e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6 Nc3 a6"),
    "D30": ("Queen's Gambit Declined", "d4 d5 c4 e6 Nc3"),
    "D10": ("Slav Defence", "d4 d5 c4 c6 Nf3"),
    "A45": ("Trompowsky Attack", "d4 Nf6 Bg5 e6"),
}
MOVES = sorted({move for _, line in OPENINGS.values() for move in line.split()})


def vectorise(line: str) -> list[float]:
    """Earlier moves weigh more: the first one halves the book."""
    vector = [0.0] * len(MOVES)
    for ply, move in enumerate(line.split()):
        if move in MOVES:
            vector[MOVES.index(move)] += 1.0 / (1 + ply)
    return vector


class Scratchpad:
    def __init__(self, client):
        self.client = client
        self.book = client.get_or_create_collection(
            name="openings",
            schema=Schema()
            .create_index(config=VectorIndexConfig(space="cosine", hnsw=HnswIndexConfig(max_neighbors=8)))
            .delete_index(config=StringInvertedIndexConfig(), key="name"),  # shown, never filtered on
            embedding_function=None,
        )

    def learn(self, codes):
        self.book.upsert(
            ids=list(codes),
            embeddings=[vectorise(OPENINGS[code][1]) for code in codes],
            documents=[OPENINGS[code][1] for code in codes],
            metadatas=[
                {"name": OPENINGS[code][0], "family": code[0], "number": int(code[1:])} for code in codes
            ],
        )
        return self

    def like(self, line, n=1):
        result = self.book.query(query_embeddings=[vectorise(line)], n_results=n, include=["metadatas"])
        return [meta["name"] for meta in result["metadatas"][0]]

    def copy_to(self, other):
        """Everything at once is fine for a scratchpad; see get_max_batch_size() before doing so with more."""
        page = self.book.get(include=["embeddings", "documents", "metadatas"])
        assert len(page["ids"]) <= other.client.get_max_batch_size()
        other.book.upsert(
            ids=page["ids"],
            embeddings=page["embeddings"],
            documents=page["documents"],
            metadatas=page["metadatas"],
        )


def main():
    quiet = Settings(anonymized_telemetry=False)
    memory = Scratchpad(chromadb.RustClient(settings=quiet)).learn(OPENINGS)
    assert memory.client.get_settings().is_persistent is False
    assert memory.like("e4 e5 Nf3 Nc6 Bb5 a6") == ["Ruy Lopez"]
    assert memory.like("d4 d5 c4 c6") == ["Slav Defence"]
    print("1.e4 c5 2.Nf3 d6 looks like:", memory.like("e4 c5 Nf3 d6", n=2))

    with tempfile.TemporaryDirectory() as folder:
        # Worth keeping: the same class with a path ...
        with chromadb.RustClient(
            path=folder,
            settings=Settings(anonymized_telemetry=False),
            tenant=DEFAULT_TENANT,
            database=DEFAULT_DATABASE,
        ) as disk:
            memory.copy_to(Scratchpad(disk))
            assert Scratchpad(disk).book.count() == len(OPENINGS)

        # ... is the same as PersistentClient, and as Client with the settings spelled out.
        by_settings = chromadb.Client(
            settings=Settings(is_persistent=True, persist_directory=folder),
            tenant=DEFAULT_TENANT,
            database=DEFAULT_DATABASE,
        )
        kept = Scratchpad(by_settings)
        assert kept.book.count() == len(OPENINGS)
        assert kept.like("d4 d5 c4 e6") == memory.like("d4 d5 c4 e6") == ["Queen's Gambit Declined"]
        families = [meta["family"] for meta in kept.book.get(include=["metadatas"])["metadatas"]]
        print("on disk by family:", {letter: families.count(letter) for letter in sorted(set(families))})

        kept.book.delete(where={"family": "A"})
        assert kept.book.count() == len(OPENINGS) - 1
        assert memory.book.count() == len(OPENINGS), "the scratchpad in memory is its own copy"
        by_settings.close()

    # Each constructor's client answers the same questions.
    for client in (memory.client, chromadb.Client(quiet)):
        assert client.tenant == DEFAULT_TENANT and client.database == DEFAULT_DATABASE
        assert client.get_version() == chromadb.__version__
        assert [c.name for c in client.list_collections()] == ["openings"]
    memory.client.delete_collection(name="openings")
    print("scratchpad cleared")
    # In tests, forgetting the shared systems altogether gives the next client a new world.
    memory.client.clear_system_cache()
    assert chromadb.RustClient().count_collections() == 0


if __name__ == "__main__":
    main()
