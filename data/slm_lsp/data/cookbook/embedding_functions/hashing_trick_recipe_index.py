"""Search a recipe box with a signed feature-hashing embedding function that needs no vocabulary and no model.

Every token is hashed to a bucket and to a sign.  The sign makes collisions cancel out on average instead of
piling up, which is why 256 buckets are plenty for a kitchen's vocabulary.
"""

import re
import zlib
from typing import Any

import chromadb
import numpy as np
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

RECIPES = {
    "shakshuka": ("Poach eggs in a spiced tomato and pepper sauce, finish with coriander.", 25, "breakfast", True),
    "dal-tadka": ("Simmer red lentils with turmeric, pour over sizzling cumin and garlic butter.", 40, "dinner", True),
    "carbonara": ("Toss spaghetti with eggs, pecorino and crisp guanciale off the heat.", 20, "dinner", False),
    "pho-ga": ("Char ginger and onion, simmer a chicken broth, serve with rice noodles.", 150, "dinner", False),
    "granola": ("Roast oats, almonds and honey until golden, then stir in dried apricots.", 35, "breakfast", True),
    "gazpacho": ("Blend ripe tomato, cucumber, pepper and garlic with olive oil, chill well.", 15, "lunch", True),
    "banh-mi": ("Fill a crisp baguette with pork, pickled carrot, cucumber and coriander.", 30, "lunch", False),
}


@register_embedding_function
class SignedHashing(EmbeddingFunction[Documents]):
    """Bag of words -> `buckets` floats; the seed makes two collections' spaces deliberately incompatible."""

    def __init__(self, buckets: int = 256, seed: int = 0, stop_words: list[str] | None = None) -> None:
        if buckets < 8:
            raise ValueError("fewer than 8 buckets would make every recipe look alike")
        self.buckets = buckets
        self.seed = seed
        self.stop_words = sorted(stop_words or [])

    def __call__(self, input: Documents) -> Embeddings:
        matrix = np.zeros((len(input), self.buckets), dtype=np.float32)
        for row, text in enumerate(input):
            for token in re.findall(r"[a-z]+", text.lower()):
                if token in self.stop_words:
                    continue
                # crc32 rather than hash(): the builtin is salted per process, so a persisted
                # collection would be unsearchable after a restart.
                digest = zlib.crc32(token.encode(), self.seed)
                sign = 1.0 if digest & 1 else -1.0
                matrix[row, (digest >> 1) % self.buckets] += sign
        return list(matrix)

    @staticmethod
    def name() -> str:
        return "signed_hashing"

    def get_config(self) -> dict[str, Any]:
        return {"buckets": self.buckets, "seed": self.seed, "stop_words": self.stop_words}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "SignedHashing":
        return SignedHashing(config["buckets"], config["seed"], config.get("stop_words"))

    def default_space(self) -> str:
        return "cosine"  # long and short recipes must compare by direction, not by length

    def supported_spaces(self) -> list[str]:
        return ["cosine", "ip", "l2"]

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        if not isinstance(config.get("buckets"), int):
            raise ValueError("signed_hashing needs an integer number of buckets")


def fill(box: chromadb.Collection) -> None:
    box.add(
        ids=list(RECIPES),
        documents=[text for text, *_ in RECIPES.values()],
        metadatas=[
            {"minutes": minutes, "meal": meal, "vegetarian": vegetarian}
            for _, minutes, meal, vegetarian in RECIPES.values()
        ],
    )


def suggest(box: chromadb.Collection, craving: str, *, at_most: int, meals: list[str]) -> list[str]:
    found = box.query(
        query_texts=[craving],
        n_results=2,
        where={"$and": [{"minutes": {"$lte": at_most}}, {"meal": {"$in": meals}}]},
        include=["distances", "metadatas"],
    )
    return found["ids"][0]


def main() -> None:
    client = chromadb.EphemeralClient()
    hashing = SignedHashing(stop_words=["and", "with", "in", "a", "the", "then"])
    box = client.create_collection("recipe-box", embedding_function=hashing)
    fill(box)

    # The space was never named: it came from default_space().
    assert box.configuration_json["hnsw"]["space"] == "cosine"
    assert box.configuration_json["embedding_function"]["config"]["buckets"] == 256

    quick = suggest(box, "tomato and cucumber with garlic", at_most=30, meals=["lunch", "dinner"])
    assert quick[0] == "gazpacho", quick
    morning = suggest(box, "eggs in pepper sauce", at_most=60, meals=["breakfast"])
    assert morning[0] == "shakshuka"

    # Opened by name alone, Chroma rebuilds the function from its stored configuration.
    again = client.get_collection("recipe-box")
    rebuilt = again.configuration["embedding_function"]
    assert isinstance(rebuilt, SignedHashing) and rebuilt.get_config() == hashing.get_config()
    noodles = again.query(query_texts="chicken broth, rice noodles", n_results=1, where={"vegetarian": False})
    assert noodles["ids"] == [["pho-ga"]]

    # Another seed is another space: the nearest neighbour is no longer at distance ~0.
    stored = box.get(ids=["granola"], include=["embeddings", "documents"])
    own, other = hashing(stored["documents"])[0], SignedHashing(seed=7)(stored["documents"])[0]
    same = box.query(query_embeddings=[own], n_results=1)["distances"][0][0]
    foreign = box.query(query_embeddings=[other], n_results=1)["distances"][0][0]
    assert same < 1e-5 < foreign

    try:
        SignedHashing(buckets=4)
    except ValueError as error:
        print("refused:", error)
    else:
        raise AssertionError("four buckets are too few")
    print(f"{box.count()} recipes; for lunch in half an hour: {quick}")
    client.delete_collection("recipe-box")


if __name__ == "__main__":
    main()
