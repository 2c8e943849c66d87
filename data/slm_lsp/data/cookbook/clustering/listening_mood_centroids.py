"""Keep a listener's musical moods as running centroids in Chroma, updated play by play without re-clustering.

Leader clustering with decay: a play joins the nearest mood when it is near enough and pulls that centroid towards
itself, else it founds a new mood.  Moods that are no longer played fade and are deleted.  The state *is* the
collection, so the process may restart between any two plays.
"""
import dataclasses
import tempfile

import chromadb
import numpy as np

# energy, valence, acousticness, danceability, speechiness
TRACKS = {
    "Gymnopedie No. 1": [0.05, 0.30, 0.98, 0.20, 0.03],
    "Spiegel im Spiegel": [0.04, 0.22, 0.99, 0.12, 0.04],
    "Clair de lune": [0.08, 0.34, 0.97, 0.22, 0.03],
    "Le Freak": [0.86, 0.92, 0.12, 0.91, 0.06],
    "Good Times": [0.82, 0.93, 0.15, 0.90, 0.07],
    "September": [0.88, 0.96, 0.10, 0.85, 0.05],
    "Rapper's Delight": [0.79, 0.85, 0.10, 0.90, 0.55],
    "Ace of Spades": [0.99, 0.45, 0.01, 0.35, 0.13],
    "Overkill": [0.97, 0.41, 0.01, 0.33, 0.14],
}


@dataclasses.dataclass
class MoodBoard:
    moods: chromadb.Collection
    radius: float = 0.40          # Euclidean, in feature space
    momentum: float = 0.25        # how strongly one play moves a settled centroid
    half_life: int = 4            # plays after which an unplayed mood is worth half

    @classmethod
    def open(cls, path):
        client = chromadb.PersistentClient(path=path)
        moods = client.get_or_create_collection(
            "moods", configuration={"hnsw": {"space": "l2", "sync_threshold": 100}}, metadata={"clock": 0, "founded": 0}
        )
        return cls(moods), client

    def tick(self):
        """The clock is kept in the collection's own metadata."""
        self.moods.modify(metadata={**self.moods.metadata, "clock": self.moods.metadata["clock"] + 1})
        return self.moods.metadata["clock"]

    def weight(self, meta, now):
        return meta["weight"] * 0.5 ** ((now - meta["last"]) / self.half_life)

    def play(self, title):
        """Returns the id of the mood this play belongs to."""
        point = np.array(TRACKS[title])
        now = self.tick()
        near = self.moods.query(
            query_embeddings=point, n_results=1, include=["embeddings", "metadatas", "distances"]
        )
        if near["ids"][0] and near["distances"][0][0] <= self.radius**2:
            mood, meta, centre = near["ids"][0][0], near["metadatas"][0][0], near["embeddings"][0][0]
            weight = self.weight(meta, now)
            # Young centroids are plain means; settled ones become exponential averages.
            step = max(self.momentum, 1.0 / (weight + 1.0))
            self.moods.update(
                ids=mood,
                embeddings=centre + step * (point - centre),
                metadatas={"weight": weight + 1.0, "last": now, "plays": meta["plays"] + 1},
            )
            return mood
        # Names are never reused: a counter in the collection's metadata outlives deleted moods.
        number = self.moods.metadata["founded"] + 1
        self.moods.modify(metadata={**self.moods.metadata, "founded": number})
        self.moods.add(
            ids=f"mood-{number}",
            embeddings=point,
            documents=title,              # the founding track is a good enough label
            metadatas={"weight": 1.0, "last": now, "plays": 1},
        )
        return f"mood-{number}"

    def forget(self, floor=0.4):
        """Delete faded moods; returns how many."""
        now = self.moods.metadata["clock"]
        # `last` bounds the weight from above, so the filter spares us most of the records.
        stale = self.moods.get(where={"last": {"$lte": now - self.half_life}}, include=["metadatas"])
        faded = [i for i, m in zip(stale["ids"], stale["metadatas"]) if self.weight(m, now) < floor]
        if not faded:
            return 0
        return self.moods.delete(ids=faded)["deleted"]

    def suggest(self, mood, exclude=()):
        """The tracks nearest to a mood's centroid that have not just been played."""
        centre = self.moods.get(ids=[mood], include=["embeddings"])["embeddings"][0]
        ranked = sorted(TRACKS, key=lambda t: float(np.linalg.norm(np.array(TRACKS[t]) - centre)))
        return [t for t in ranked if t not in exclude][:2]


def main():
    with tempfile.TemporaryDirectory() as folder:
        board, client = MoodBoard.open(folder)
        calm = board.play("Gymnopedie No. 1")
        loud = board.play("Ace of Spades")
        assert board.play("Spiegel im Spiegel") == calm != loud
        disco = board.play("Le Freak")
        assert len({calm, loud, disco}) == 3
        client.close()

        # A restart: nothing but the folder survives.
        board, client = MoodBoard.open(folder)
        assert board.moods.metadata == {"clock": 4, "founded": 3}
        rap = board.play("Rapper's Delight")
        assert rap not in (calm, loud, disco), "speech sets it apart"
        for title in ["Good Times", "September", "Good Times"]:
            assert board.play(title) == disco
        assert board.play("Clair de lune") == calm
        assert set(board.suggest(disco, exclude={"September"})) == {"Good Times", "Le Freak"}

        for title in ["September", "Le Freak", "September"]:
            board.play(title)
        centre = board.moods.get(ids=disco, include=["embeddings"])["embeddings"][0]
        assert np.linalg.norm(centre - np.array(TRACKS["September"])) < 0.1
        assert board.forget() == 2, "metal and rap were played once, long ago; the calm mood came back in between"
        assert sorted(board.moods.get(include=[])["ids"]) == sorted([calm, disco])
        assert board.play("Overkill") == "mood-5", "metal comes back as a new mood"

        top = board.moods.get(where={"plays": {"$gt": 5}})
        assert top["ids"] == [disco]
        for mood, label, meta in zip(*(board.moods.get()[k] for k in ("ids", "documents", "metadatas"))):
            print(f"{mood}: {label:<18} plays={meta['plays']:<3} weight={meta['weight']:.2f}")
        client.close()


if __name__ == "__main__":
    main()
