"""Merge near-duplicate recipes submitted by home cooks into one canonical entry each.

Vector search proposes the candidates, a stricter comparison of the ingredient lists decides.  Embeddings
alone are too generous: "lemon drizzle cake" and "orange drizzle cake" are neighbours but not duplicates.
"""

import hashlib
import re

import chromadb
import numpy as np

DIM = 192
CANDIDATES = 4
MAX_DISTANCE = 0.45
MIN_INGREDIENT_OVERLAP = 0.75

SUBMISSIONS = [
    {"id": "r-101", "title": "Lemon drizzle cake", "votes": 41,
     "ingredients": ["butter", "sugar", "eggs", "flour", "lemon"]},
    {"id": "r-102", "title": "Lemon Drizzle Cake (gran's)", "votes": 97,
     "ingredients": ["butter", "caster sugar", "eggs", "flour", "lemon"]},
    {"id": "r-103", "title": "Orange drizzle cake", "votes": 12,
     "ingredients": ["butter", "brown sugar", "eggs", "polenta", "orange"]},
    {"id": "r-104", "title": "Shakshuka", "votes": 60,
     "ingredients": ["eggs", "tomatoes", "peppers", "cumin", "onion"]},
    {"id": "r-105", "title": "Shakshuka for two", "votes": 8,
     "ingredients": ["eggs", "tomatoes", "peppers", "cumin", "onion"]},
    {"id": "r-106", "title": "Miso ramen", "votes": 33,
     "ingredients": ["noodles", "miso", "stock", "spring onion", "eggs"]},
    {"id": "r-107", "title": "lemon drizzle  cake!!", "votes": 3,
     "ingredients": ["butter", "sugar", "eggs", "flour", "lemons"]},
]


def trigrams(text):
    squeezed = " " + re.sub(r"[^a-z]+", " ", text.lower()).strip() + " "
    return [squeezed[i:i + 3] for i in range(len(squeezed) - 2)]


def vectorise(recipe):
    """Hash character trigrams of title and ingredients into a fixed number of buckets."""
    v = np.zeros(DIM, dtype=np.float32)
    # The title says more about identity than one more shared ingredient, so it counts twice.
    for gram in trigrams(recipe["title"]) * 2 + trigrams(" ".join(recipe["ingredients"])):
        v[int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=4).digest(), "big") % DIM] += 1
    return v / np.linalg.norm(v)


def ingredient_key(name):
    """'caster sugar' -> 'sugar', 'lemons' -> 'lemon': the last word, without a plural s.

    A qualifier is forgiven, so the title still has to agree."""
    word = name.lower().split()[-1]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def same_dish(a, b):
    left = {ingredient_key(i) for i in a}
    right = {ingredient_key(i) for i in b}
    return len(left & right) / len(left | right) >= MIN_INGREDIENT_OVERLAP


def find_match(book, recipe):
    """The (id, metadata) of a recipe already in the book that is the same dish, or None."""
    hits = book.query(
        query_embeddings=[vectorise(recipe)],
        n_results=CANDIDATES,               # fewer come back while the book is small: no need to check
        include=["metadatas", "distances"],
    )
    for rid, meta, distance in zip(hits["ids"][0], hits["metadatas"][0], hits["distances"][0]):
        if distance <= MAX_DISTANCE and same_dish(meta["ingredients"], recipe["ingredients"]):
            return rid, meta
    return None


def submit(book, recipe):
    """Add a recipe, or fold it into the one it repeats.  Returns the id people will see."""
    match = find_match(book, recipe)
    if match is None:
        book.add(
            ids=[recipe["id"]],
            embeddings=[vectorise(recipe)],
            documents=[recipe["title"]],
            metadatas=[{
                "ingredients": recipe["ingredients"],
                "votes": recipe["votes"],
                "best_votes": recipe["votes"],
                "merged": [recipe["id"]],
            }],
        )
        return recipe["id"]

    rid, meta = match
    changes = {"votes": meta["votes"] + recipe["votes"], "merged": meta["merged"] + [recipe["id"]]}
    if recipe["votes"] > meta["best_votes"]:
        # The more popular wording becomes the one on show; the id stays, links keep working.
        changes["best_votes"] = recipe["votes"]
        book.update(ids=[rid], documents=[recipe["title"]], embeddings=[vectorise(recipe)], metadatas=[changes])
    else:
        book.update(ids=[rid], metadatas=[changes])
    return rid


def main():
    client = chromadb.EphemeralClient()
    book = client.create_collection("recipe-book", configuration={"hnsw": {"space": "cosine"}})

    landed = {r["id"]: submit(book, r) for r in SUBMISSIONS}

    assert landed["r-102"] == landed["r-107"] == "r-101"
    assert landed["r-105"] == "r-104"
    assert landed["r-103"] == "r-103", "an orange is not a lemon"
    assert book.count() == 4

    cake = book.get(ids=["r-101"])
    assert cake["documents"] == ["Lemon Drizzle Cake (gran's)"]
    assert cake["metadatas"][0]["votes"] == 41 + 97 + 3

    # Metadata arrays can be searched: which entry swallowed submission r-107?
    owner = book.get(where={"merged": {"$contains": "r-107"}}, include=[])
    assert owner["ids"] == ["r-101"]

    for rid, title, meta in zip(*(book.get()[k] for k in ("ids", "documents", "metadatas"))):
        print(f"{rid}  {title:<30} votes={meta['votes']:<4} from {', '.join(meta['merged'])}")
    client.delete_collection("recipe-book")


if __name__ == "__main__":
    main()
