"""Recommend podcast episodes from a listener's history: a decayed taste vector, candidates by id, and diversity among shows."""
from collections import defaultdict
from typing import NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

import chromadb
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection

GENRES = ("crime", "history", "comedy", "science", "business", "food")


class Episode(NamedTuple):
    guid: str
    show: str
    title: str
    mix: Sequence[float]  # share of each genre
    minutes: int
    explicit: bool = False


CATALOGUE = [
    Episode("e01", "Cold Trail", "The lighthouse keeper", (0.9, 0.2, 0, 0, 0, 0), 42, True),
    Episode("e02", "Cold Trail", "A forged will", (0.8, 0.3, 0, 0, 0.1, 0), 45),
    Episode("e03", "Cold Trail", "Poison in the pantry", (0.8, 0, 0, 0.2, 0, 0.4), 39),
    Episode("e04", "Crown and Axe", "The princes in the tower", (0.4, 0.9, 0, 0, 0, 0), 58),
    Episode("e05", "Crown and Axe", "Spice routes", (0, 0.8, 0, 0, 0.3, 0.5), 61),
    Episode("e06", "Lab Coats", "Why bread rises", (0, 0.1, 0.2, 0.8, 0, 0.6), 28),
    Episode("e07", "Lab Coats", "Fingerprints, a history", (0.5, 0.4, 0, 0.7, 0, 0), 31),
    Episode("e08", "Two Idiots", "We try to bake", (0, 0, 0.9, 0, 0, 0.6), 74, True),
    Episode("e09", "Ledger", "The great tulip crash", (0, 0.6, 0, 0, 0.8, 0), 35),
]


class Recommender:
    def __init__(self, client: ClientAPI) -> None:
        self.episodes: Collection = client.get_or_create_collection(
            "episodes", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        self.listeners: Collection = client.get_or_create_collection(
            "listeners", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )

    def publish(self, episodes: Sequence[Episode]) -> None:
        matrix = np.array([e.mix for e in episodes], dtype=np.float32)
        self.episodes.add(
            ids=[e.guid for e in episodes],
            embeddings=matrix,  # a two-dimensional array is taken row by row
            metadatas=[{"show": e.show, "minutes": e.minutes, "explicit": e.explicit} for e in episodes],
            documents=[e.title for e in episodes],
        )

    def taste(self, history: Sequence[str], decay: float = 0.7) -> NDArray[np.float32]:
        """Most recent last. get() returns records in its own order, so they are put back by id."""
        rows = self.episodes.get(ids=list(history), include=["embeddings"])
        vectors = dict(zip(rows["ids"], rows["embeddings"]))
        weights = [decay**age for age in range(len(history) - 1, -1, -1)]
        return np.average([vectors[guid] for guid in history], axis=0, weights=weights).astype(np.float32)

    def listened(self, listener: str, history: Sequence[str]) -> None:
        self.listeners.upsert(
            ids=[listener], embeddings=[self.taste(history)], metadatas=[{"history": list(history)}]
        )

    def recommend(self, listener: str, n: int = 3, per_show: int = 1, family: bool = False) -> list[str]:
        profile = self.listeners.get(ids=[listener], include=["embeddings", "metadatas"])
        heard = profile["metadatas"][0]["history"]
        fresh = [guid for guid in self.episodes.get(include=[])["ids"] if guid not in heard]
        ranked = self.episodes.query(
            query_embeddings=profile["embeddings"],
            ids=fresh,
            n_results=len(fresh),
            where={"explicit": False} if family else None,
            include=["metadatas"],
        )
        used: dict[str, int] = defaultdict(int)
        picks = []
        for guid, meta in zip(ranked["ids"][0], ranked["metadatas"][0]):
            if used[meta["show"]] < per_show:
                used[meta["show"]] += 1
                picks.append(guid)
        return picks[:n]

    def neighbours(self, listener: str) -> list[str]:
        """Listeners with the same taste, for 'others also heard'."""
        me = self.listeners.get(ids=[listener], include=["embeddings"])
        near = self.listeners.query(query_embeddings=me["embeddings"], n_results=2, include=["distances"])
        return [other for other in near["ids"][0] if other != listener]


def main() -> None:
    client = chromadb.EphemeralClient()
    engine = Recommender(client)
    engine.publish(CATALOGUE)
    engine.listened("ida", ["e08", "e02", "e01"])
    engine.listened("max", ["e02"])
    engine.listened("zoe", ["e06", "e08"])

    for_ida = engine.recommend("ida")
    print("for ida:", for_ida)
    assert for_ida[0] == "e03" and len(for_ida) == 3
    shows = [m["show"] for m in engine.episodes.get(ids=for_ida)["metadatas"]]
    assert len(set(shows)) == 3, "one episode per show"
    assert not {"e01", "e02", "e08"} & set(for_ida)

    assert "e08" in engine.recommend("max", n=9, per_show=9)
    assert {"e01", "e08"}.isdisjoint(engine.recommend("max", n=9, per_show=9, family=True))
    assert engine.neighbours("ida") == ["max"]

    # A short commute: at most half an hour, by the words in the title if need be.
    commute = engine.episodes.query(
        query_embeddings=[[0, 0, 0, 1, 0, 0]], n_results=2, where={"minutes": {"$lt": 35}}, include=["documents"]
    )
    assert commute["documents"][0] == ["Why bread rises", "Fingerprints, a history"]
    tower = engine.episodes.get(where_document={"$regex": "(?i)TOWER|tulip"}, include=["metadatas"])
    assert {m["show"] for m in tower["metadatas"]} == {"Crown and Axe", "Ledger"}

    # A listener leaves: nothing of the profile is kept.
    engine.listeners.delete(ids=["zoe"])
    assert engine.listeners.count() == 2
    for collection in client.list_collections():
        client.delete_collection(collection.name)


if __name__ == "__main__":
    main()
