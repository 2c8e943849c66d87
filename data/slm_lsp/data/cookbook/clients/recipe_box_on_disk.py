"""Keep a recipe box on disk with PersistentClient, close it, and find everything again on reopening.

The client is used as a context manager: leaving the block closes the SQLite files, which matters
when the folder is to be moved, zipped or deleted right afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings

PANTRY = (
    "tomato onion garlic basil rice egg flour butter sugar milk lemon chicken "
    "lentil carrot potato cheese mushroom cream chili ginger"
).split()


class PantryEmbedding(EmbeddingFunction[Documents]):
    """One dimension per pantry item: 1.0 where the text names it."""

    def __init__(self, items: list[str] | None = None) -> None:
        self.items = items or PANTRY

    def __call__(self, input: Documents) -> Embeddings:
        rows = []
        for text in input:
            words = text.lower()
            # The constant keeps vectors off the origin, where a cosine is undefined.
            rows.append([1.0 if item in words else 0.0 for item in self.items] + [0.05])
        return rows

    @staticmethod
    def name() -> str:
        return "pantry-items"

    def get_config(self) -> dict:
        return {"items": self.items}

    @staticmethod
    def build_from_config(config: dict) -> "PantryEmbedding":
        return PantryEmbedding(config["items"])


@dataclass
class Recipe:
    slug: str
    text: str
    minutes: int
    vegetarian: bool
    tags: list[str] = field(default_factory=list)


class RecipeBox:
    def __init__(self, client: chromadb.ClientAPI) -> None:
        self._recipes = client.get_or_create_collection(
            name="recipes",
            embedding_function=PantryEmbedding(),
            configuration={"hnsw": {"space": "cosine"}},
        )

    def __len__(self) -> int:
        return self._recipes.count()

    def save(self, recipes: Iterable[Recipe]) -> None:
        batch = list(recipes)
        self._recipes.upsert(
            ids=[recipe.slug for recipe in batch],
            documents=[recipe.text for recipe in batch],
            metadatas=[
                {"minutes": r.minutes, "vegetarian": r.vegetarian, "tags": r.tags or ["untagged"]}
                for r in batch
            ],
        )

    def cook_from(self, leftovers: str, under_minutes: int, count: int = 3) -> list[str]:
        found = self._recipes.query(
            query_texts=[leftovers], n_results=count, where={"minutes": {"$lt": under_minutes}}
        )
        return found["ids"][0]

    def tagged(self, tag: str) -> list[str]:
        return self._recipes.get(where={"tags": {"$contains": tag}}, include=[])["ids"]


BOX = [
    Recipe("risotto", "Mushroom risotto: rice, onion, butter and cheese", 40, True, ["comfort", "italian"]),
    Recipe("dal", "Lentil dal with ginger, garlic, chili and onion", 35, True, ["indian"]),
    Recipe("omelette", "Egg omelette with mushroom and cheese", 10, True),
    Recipe("caprese", "Tomato and basil salad with cheese", 5, True, ["italian"]),
    Recipe("lemon-chicken", "Chicken roasted with lemon, garlic and potato", 70, False, ["comfort"]),
]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="recipes-") as home:
        folder = Path(home) / "box"  # created by the client if it is missing

        with chromadb.PersistentClient(path=folder) as client:
            assert client.get_settings().is_persistent
            assert client.get_settings().persist_directory == str(folder)
            box = RecipeBox(client)
            box.save(BOX)
            box.save([Recipe("omelette", "Egg omelette with mushroom, cheese and cream", 12, True, ["quick"])])
            assert len(box) == 5  # the second save replaced the omelette
        assert (folder / "chroma.sqlite3").is_file()

        # A later run of the program: same folder, nothing to load.
        with chromadb.PersistentClient(path=folder) as client:
            box = RecipeBox(client)
            tonight = box.cook_from("leftover egg, mushroom, cream and cheese", under_minutes=45)
            assert tonight[:2] == ["omelette", "risotto"], tonight
            assert "lemon-chicken" not in box.cook_from("chicken and lemon", under_minutes=60, count=5)
            assert sorted(box.tagged("italian")) == ["caprese", "risotto"]
            print(f"{len(box)} recipes survived the restart; tonight: {', '.join(tonight)}")

            # Without an embedding function at hand the stored name and config bring ours back.
            reopened = client.get_collection("recipes")
            assert isinstance(reopened.configuration["embedding_function"], PantryEmbedding)


if __name__ == "__main__":
    main()
