"""Compare chromadb's three distances on perfumes, check them by hand, and turn them into scores.

The same vectors go into three collections, one per space.  The distances that come back are computed
again with numpy, which settles what they are: squared Euclidean, one minus cosine, one minus dot
product.  Each then needs its own way to a score that people understand.
"""

import math
from typing import Callable, Literal, get_args

import chromadb
import numpy as np

Space = Literal["l2", "cosine", "ip"]

# citrus, floral, wood, spice, smoke; a stronger perfume has a longer vector
PERFUMES = {
    "Verbena water": [0.9, 0.2, 0.0, 0.1, 0.0],
    "Verbena extract": [2.7, 0.6, 0.0, 0.3, 0.0],  # the same thing, three times as strong
    "Rose and pepper": [0.1, 1.0, 0.1, 0.6, 0.0],
    "Cedar chest": [0.0, 0.1, 1.2, 0.3, 0.2],
    "Campfire": [0.0, 0.0, 0.7, 0.2, 1.3],
}

BY_HAND: dict[Space, Callable[[np.ndarray, np.ndarray], float]] = {
    "l2": lambda a, b: float(((a - b) ** 2).sum()),  # squared: no root is taken
    "cosine": lambda a, b: float(1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))),
    "ip": lambda a, b: float(1 - a @ b),  # may be negative
}


def score(space: Space, distance: float) -> float:
    """A number to show, higher is better.  Within one space the order is that of the distances."""
    if space == "cosine":  # 0 .. 2  ->  100 .. 0
        return 100 * (1 - distance / 2)
    if space == "l2":  # 0 .. inf ->  100 .. 0, by the true distance
        return 100 / (1 + math.sqrt(max(0.0, distance)))
    # ip has no bounds; a logistic curve squeezes the dot product between 0 and 100.
    return 100 / (1 + math.exp(distance - 1))


def within_reach(space: Space, result, least: float) -> list[str]:
    """Cut off by score: query() itself always returns n_results, however far they are."""
    pairs = zip(result["ids"][0], result["distances"][0])
    return [name for name, distance in pairs if score(space, distance) >= least]


def counters(client: chromadb.ClientAPI) -> dict[Space, chromadb.Collection]:
    shelves = {}
    for space in get_args(Space):
        shelf = client.create_collection(
            name=f"perfumes-{space}",
            configuration={"hnsw": {"space": space}},
            embedding_function=None,
        )
        shelf.add(ids=list(PERFUMES), embeddings=list(PERFUMES.values()))
        assert shelf.configuration_json["hnsw"]["space"] == space
        shelves[space] = shelf
    return shelves


def main() -> None:
    shelves = counters(chromadb.EphemeralClient())
    wish = np.array([0.8, 0.3, 0.1, 0.1, 0.0], dtype=np.float32)

    answers = {
        space: shelf.query(query_embeddings=[wish], n_results=len(PERFUMES), include=["distances", "embeddings"])
        for space, shelf in shelves.items()
    }

    # 1. The distances are what we think they are.
    for space, answer in answers.items():
        for name, distance, vector in zip(answer["ids"][0], answer["distances"][0], answer["embeddings"][0]):
            assert math.isclose(distance, BY_HAND[space](wish, vector), rel_tol=1e-4, abs_tol=1e-5), (space, name)
        assert answer["distances"][0] == sorted(answer["distances"][0]), "nearest first in every space"

    # 2. The spaces disagree, and each has a point.
    ranking = {space: answer["ids"][0] for space, answer in answers.items()}
    assert ranking["l2"][0] == "Verbena water", "about as strong as the wish"
    assert set(ranking["cosine"][:2]) == {"Verbena water", "Verbena extract"}, "strength does not count"
    assert ranking["ip"][0] == "Verbena extract", "strength counts in favour"
    assert min(answers["ip"]["distances"][0]) < 0

    same_direction = dict(zip(ranking["cosine"], answers["cosine"]["distances"][0]))
    assert math.isclose(same_direction["Verbena water"], same_direction["Verbena extract"], abs_tol=1e-5)

    # 3. On vectors of length one the three agree: l2 = 2 * cosine, and ip = cosine.
    lengths = {name: np.linalg.norm(vector) for name, vector in PERFUMES.items()}
    unit_wish = wish / np.linalg.norm(wish)
    for shelf in shelves.values():
        shelf.update(
            ids=list(PERFUMES),
            embeddings=[(np.array(vector) / lengths[name]).tolist() for name, vector in PERFUMES.items()],
        )
    unit = {}
    for space, shelf in shelves.items():
        found = shelf.query(query_embeddings=unit_wish, n_results=5, include=["distances"])
        unit[space] = dict(zip(found["ids"][0], found["distances"][0]))
    for name in PERFUMES:
        assert math.isclose(unit["l2"][name], 2 * unit["cosine"][name], abs_tol=1e-4)
        assert math.isclose(unit["ip"][name], unit["cosine"][name], abs_tol=1e-4)

    # 4. Scores keep the order, and a threshold makes "nothing suits you" possible.
    for space, answer in answers.items():
        scores = [score(space, distance) for distance in answer["distances"][0]]
        assert scores == sorted(scores, reverse=True) and all(0 <= s <= 100 for s in scores)
    assert within_reach("cosine", answers["cosine"], least=90) == ranking["cosine"][:2]
    smoke = shelves["cosine"].query(query_embeddings=[[0, 0, 0, 0, -1.0]], n_results=5, include=["distances"])
    assert within_reach("cosine", smoke, least=60) == []

    for space, answer in answers.items():
        best = ", ".join(
            f"{name} {score(space, d):.0f}" for name, d in zip(answer["ids"][0][:3], answer["distances"][0])
        )
        print(f"{space:<7} {best}")


if __name__ == "__main__":
    main()
