"""Suggest dinner from what is in the pantry, with diets, allergens and cooking time as filters on list-valued metadata."""
import string
from typing import Iterable, Optional

import chromadb
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings, Where

ALPHABET = string.ascii_lowercase


class LetterPairs(EmbeddingFunction[Documents]):
    """Counts of adjacent letters. Plurals and compounds ("tomatoes", "tomato sauce") stay close."""

    def __init__(self) -> None:
        pass

    def __call__(self, input: Documents) -> Embeddings:
        vectors = []
        for text in input:
            counts = [0.0] * len(ALPHABET) ** 2
            for word in text.lower().split():
                letters = [c for c in word if c in ALPHABET]
                for a, b in zip(letters, letters[1:]):
                    counts[ALPHABET.index(a) * 26 + ALPHABET.index(b)] += 1.0
            vectors.append(counts)
        return vectors

    @staticmethod
    def name() -> str:
        return "letter-pairs"

    def get_config(self) -> dict:
        return {}

    @staticmethod
    def build_from_config(config: dict) -> "LetterPairs":
        return LetterPairs()


RECIPES = [
    # id, title and ingredients, minutes, diets, allergens, rating
    ("shakshuka", "Shakshuka: eggs poached in tomato, pepper and cumin", 25, ["vegetarian", "halal"], ["egg"], 4.7),
    ("dal", "Red lentil dal with spinach and rice", 35, ["vegan", "vegetarian", "halal"], ["none"], 4.5),
    ("carbonara", "Spaghetti carbonara with bacon, egg and pecorino", 20, ["any"], ["egg", "gluten", "milk"], 4.8),
    ("ratatouille", "Ratatouille of aubergine, courgette, pepper and tomato", 55, ["vegan", "vegetarian"], ["celery"], 4.1),
    ("fishstew", "Cod stew with potato, tomato and saffron", 40, ["pescetarian"], ["fish"], 4.4),
    ("pancakes", "Buttermilk pancakes with blueberry", 15, ["vegetarian"], ["egg", "gluten", "milk"], 4.6),
    ("chili", "Chili sin carne with beans, tomato and maize", 45, ["vegan", "vegetarian"], ["none"], 4.3),
]


def build_filter(
    diet: Optional[str] = None, without: Iterable[str] = (), minutes: Optional[int] = None, stars: float = 0.0
) -> Optional[Where]:
    """Compose the conditions that apply. `$and` needs two at least, so one or none is handled apart."""
    conditions: list[Where] = []
    if diet:
        conditions.append({"diets": {"$contains": diet}})
    for allergen in without:
        conditions.append({"allergens": {"$not_contains": allergen}})
    if minutes is not None:
        conditions.append({"minutes": {"$lte": minutes}})
    if stars > 0:
        conditions.append({"rating": {"$gte": stars}})
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}


def suggest(recipes: chromadb.Collection, pantry: str, n: int = 3, **wishes) -> list[str]:
    found = recipes.query(query_texts=[pantry], n_results=n, where=build_filter(**wishes))
    return found["ids"][0]


if __name__ == "__main__":
    kitchen = chromadb.Client()
    recipes = kitchen.get_or_create_collection(
        name="recipes",
        embedding_function=LetterPairs(),
        configuration={"hnsw": {"space": "cosine"}},
    )
    recipes.upsert(
        ids=[r[0] for r in RECIPES],
        documents=[r[1] for r in RECIPES],
        metadatas=[{"minutes": r[2], "diets": r[3], "allergens": r[4], "rating": r[5]} for r in RECIPES],
    )

    pantry = "tomato pepper aubergine courgette"
    anything = suggest(recipes, pantry)
    print("with", pantry, "->", anything)
    assert anything[0] == "ratatouille"

    in_a_hurry = suggest(recipes, pantry, minutes=30)
    assert "ratatouille" not in in_a_hurry and in_a_hurry[0] == "shakshuka"

    vegan = suggest(recipes, "beans and tomato", diet="vegan")
    assert vegan[0] == "chili" and set(vegan) == {"chili", "dal", "ratatouille"}

    guests = suggest(recipes, "egg and bacon", n=10, without=["egg", "fish"], stars=4.2)
    assert set(guests) == {"dal", "chili"}

    # Few recipes, so a wide search costs nothing.
    recipes.modify(metadata={"season": "spring"}, configuration={"hnsw": {"ef_search": 200}})
    assert recipes.metadata == {"season": "spring"}

    # The weekly plan: nothing twice, so what was cooked is excluded by name.
    cooked = ["dal", "chili", "carbonara"]
    recipes.update(ids=cooked, metadatas=[{"last_cooked": 20250310 + day} for day in range(3)])
    quick_or_loved = recipes.get(
        where={"$or": [{"minutes": {"$lt": 20}}, {"rating": {"$gt": 4.65}}]},
        include=["metadatas"],
    )
    assert sorted(quick_or_loved["ids"]) == ["carbonara", "pancakes", "shakshuka"]
    cooked_lately = recipes.get(where={"last_cooked": {"$in": [20250310, 20250311]}}, include=[])
    assert sorted(cooked_lately["ids"]) == ["chili", "dal"]
    remaining = [i for i in quick_or_loved["ids"] if i not in cooked]
    final = recipes.query(query_texts=["something with egg"], ids=remaining, n_results=2)
    assert sorted(final["ids"][0]) == ["pancakes", "shakshuka"]

    # A diet is spelled out in the text of one recipe only.
    sin_carne = recipes.query(query_texts=["beans"], n_results=1, where_document={"$contains": "sin carne"})
    assert sin_carne["ids"] == [["chili"]]
    kitchen.delete_collection("recipes")
    print("left for this week:", remaining)
