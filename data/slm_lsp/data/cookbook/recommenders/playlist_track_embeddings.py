"""Learn track vectors from playlists (PPMI and SVD), store them in Chroma and continue a playlist that stops.

No audio and no tags: two tracks are alike if people put them into the same playlists.
Factorising the co-occurrence matrix gives vectors whose inner product predicts that.
"""
from __future__ import annotations

import itertools
import random

import chromadb
import numpy as np

GENRES = {
    "fado": ["Barco Negro", "Estranha Forma", "Lagrima", "Uma Casa", "Gaivota", "Maria Lisboa"],
    "bebop": ["Ornithology", "Anthropology", "Hot House", "Salt Peanuts", "Koko", "Confirmation"],
    "techno": ["Strings of Life", "Energy Flash", "The Bells", "Knights", "Spastik", "Jaguar"],
}
BRIDGES = ["Nocturne", "Water Walk"]  # turn up everywhere; popular, and therefore a poor recommendation


def make_playlists(rng: random.Random, count: int = 240) -> list[list[str]]:
    playlists = []
    for _ in range(count):
        genre = rng.choice(list(GENRES))
        tracks = rng.sample(GENRES[genre], k=rng.randint(3, 5))
        tracks += [t for t in BRIDGES if rng.random() < 0.7]
        if rng.random() < 0.15:  # people are not consistent
            tracks.append(rng.choice(GENRES[rng.choice(list(GENRES))]))
        playlists.append(list(dict.fromkeys(tracks)))
    return playlists


def learn_vectors(playlists: list[list[str]], rank: int = 6) -> tuple[list[str], np.ndarray, np.ndarray]:
    tracks = sorted({t for p in playlists for t in p})
    position = {t: n for n, t in enumerate(tracks)}
    together = np.zeros((len(tracks), len(tracks)))
    plays = np.zeros(len(tracks))
    for playlist in playlists:
        for t in playlist:
            plays[position[t]] += 1
        for a, b in itertools.permutations(playlist, 2):
            together[position[a], position[b]] += 1
    # Positive pointwise mutual information: how much more often than chance.
    chance = np.outer(together.sum(1), together.sum(0)) / together.sum()
    with np.errstate(divide="ignore"):
        ppmi = np.maximum(np.log(together / chance), 0)
    left, strength, _ = np.linalg.svd(ppmi)
    return tracks, (left[:, :rank] * np.sqrt(strength[:rank])).astype(np.float32), plays


def store(client: chromadb.ClientAPI, tracks: list[str], vectors: np.ndarray, plays: np.ndarray) -> chromadb.Collection:
    collection = client.get_or_create_collection(
        name="tracks.ppmi-svd",
        # "ip" on purpose: the vector's length carries how sure the model is of a track.
        configuration={"hnsw": {"space": "ip"}},
        metadata={"rank": int(vectors.shape[1]), "trained_on": "playlists"},
    )
    genre_of = {t: g for g, ts in GENRES.items() for t in ts}
    collection.upsert(
        ids=tracks,
        embeddings=vectors,
        metadatas=[
            {"plays": int(n), "genre": genre_of.get(t, "mixed"), "bridge": t in BRIDGES}
            for t, n in zip(tracks, plays)
        ],
    )
    return collection


def continue_playlist(tracks: chromadb.Collection, playlist: list[str], count: int, max_plays: int | None = None) -> list[str]:
    seeds = tracks.get(ids=playlist, include=["embeddings"])
    if not seeds["ids"]:
        raise LookupError("none of these tracks has been learnt")
    # Later tracks say more about where the playlist is heading.
    order = {t: n for n, t in enumerate(playlist, start=1)}
    weights = np.array([order[t] for t in seeds["ids"]], dtype=np.float32)
    heading = weights @ seeds["embeddings"] / weights.sum()
    found = tracks.query(
        query_embeddings=[heading],
        n_results=count + len(playlist),
        where={"plays": {"$lt": max_plays}} if max_plays else None,
        include=[],
    )
    return [t for t in found["ids"][0] if t not in playlist][:count]


def similar_tracks(tracks: chromadb.Collection, names: list[str], count: int) -> dict[str, list[str]]:
    """Neighbours of several tracks in a single request."""
    rows = tracks.get(ids=names, include=["embeddings"])
    answer = tracks.query(query_embeddings=rows["embeddings"], n_results=count + 1, include=["distances"])
    return {
        name: [other for other in ids if other != name][:count] for name, ids in zip(rows["ids"], answer["ids"])
    }


def main() -> None:
    playlists = make_playlists(random.Random(4))
    names, vectors, plays = learn_vectors(playlists)
    client = chromadb.EphemeralClient()
    tracks = store(client, names, vectors, plays)
    assert tracks.count() == 20 and tracks.metadata["rank"] == 6

    # Leave-some-out: does a genre's own continuation come back?
    for genre, members in GENRES.items():
        suggestion = continue_playlist(tracks, members[:3], count=3)
        print(f"{genre:<7}{members[:3]} -> {suggestion}")
        assert sum(t in members for t in suggestion) >= 2, (genre, suggestion)

    neighbours = similar_tracks(tracks, ["Gaivota", "Koko"], count=2)
    assert set(neighbours["Gaivota"]) <= set(GENRES["fado"])
    assert set(neighbours["Koko"]) <= set(GENRES["bebop"])

    # The most played tracks can be capped, to give the long tail a chance.
    most = max(plays)
    niche = continue_playlist(tracks, ["Koko"], count=10, max_plays=int(most))
    assert not any(plays[names.index(t)] >= most for t in niche)

    # A playlist that turns is followed: the last track weighs most.
    turning = continue_playlist(tracks, ["Lagrima", "Uma Casa", "Jaguar", "Spastik", "Knights"], count=2)
    print("after the turn:", turning)
    assert set(turning) <= set(GENRES["techno"])

    # Retraining keeps ids and metadata keys; the upsert moves every vector at once.
    names, vectors, plays = learn_vectors(playlists + make_playlists(random.Random(5), count=60))
    before = tracks.get(ids="Koko")["metadatas"][0]["plays"]
    tracks = store(client, names, vectors, plays)
    after = tracks.get(ids="Koko")["metadatas"][0]["plays"]
    assert tracks.count() == 20 and after > before
    print(f"retrained: 'Koko' now in {after} playlists, was {before}")

    try:
        continue_playlist(tracks, ["A song nobody knows"], count=3)
    except LookupError as error:
        print("cold start:", error)
    else:
        raise AssertionError("recommended from nothing")


if __name__ == "__main__":
    main()
