"""A recipe box behind a repository class: create, read, update, delete and find with pydantic models.

The rest of an application should not know how chromadb spells things.  ``RecipeBox`` is the only
place that does; it takes and returns ``Recipe`` models, and turns absence into exceptions.
"""

import tempfile
from typing import Annotated, Iterator, Literal, Optional

import chromadb
from pydantic import BaseModel, ConfigDict, Field

Course = Literal["starter", "main", "dessert"]
PANTRY = ["flour", "egg", "butter", "sugar", "tomato", "onion", "rice", "bean", "lemon", "cheese", "chili"]


class Recipe(BaseModel):
    model_config = ConfigDict(frozen=True)

    slug: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    title: str
    course: Course
    minutes: Annotated[int, Field(gt=0)]
    ingredients: Annotated[list[str], Field(min_length=1)]
    rating: Optional[float] = None

    def vector(self) -> list[float]:
        """One dimension per pantry ingredient, and one so that nothing is a zero vector."""
        joined = " ".join(self.ingredients).lower()
        return [1.0 if item in joined else 0.0 for item in PANTRY] + [0.1]

    def facts(self) -> dict:
        facts = {"course": self.course, "minutes": self.minutes, "ingredients": self.ingredients}
        if self.rating is not None:  # None is no metadata value when a record is added
            facts["rating"] = self.rating
        return facts


class RecipeExists(Exception):
    pass


class RecipeMissing(Exception):
    pass


class RecipeBox:
    def __init__(self, client: chromadb.ClientAPI, name: str = "recipe_box") -> None:
        self.collection = client.get_or_create_collection(
            name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )

    def __len__(self) -> int:
        return self.collection.count()

    def __contains__(self, slug: str) -> bool:
        return bool(self.collection.get(ids=[slug], limit=1, include=[])["ids"])

    def __iter__(self) -> Iterator[Recipe]:
        stored = self.collection.get(include=["documents", "metadatas"])
        for slug, title, facts in zip(stored["ids"], stored["documents"], stored["metadatas"]):
            yield Recipe(slug=slug, title=title, **facts)

    def create(self, recipe: Recipe) -> None:
        if recipe.slug in self:  # add() would keep the old record and say nothing
            raise RecipeExists(recipe.slug)
        self.collection.add(
            ids=recipe.slug,
            embeddings=recipe.vector(),
            documents=recipe.title,
            metadatas=recipe.facts(),
        )

    def read(self, slug: str) -> Recipe:
        found = self.collection.get(ids=[slug])
        if not found["ids"]:
            raise RecipeMissing(slug)
        return Recipe(slug=slug, title=found["documents"][0], **found["metadatas"][0])

    def change(self, slug: str, **changes) -> Recipe:
        """Change some fields; the model is validated again before anything is written."""
        changed = Recipe.model_validate(self.read(slug).model_dump() | changes)
        self.collection.update(
            ids=[slug],
            embeddings=[changed.vector()],
            documents=[changed.title],
            # In update() a None value does have a meaning: take the key away.
            metadatas=[{"rating": None} | changed.facts()],
        )
        return changed

    def delete(self, slug: str) -> None:
        if slug not in self:
            raise RecipeMissing(slug)
        self.collection.delete(ids=[slug])

    def cook_with(self, *ingredients: str, course: Optional[Course] = None, limit: int = 3) -> list[Recipe]:
        """Recipes that use these ingredients and few others, best first."""
        wish = Recipe(slug="wish", title="", course="main", minutes=1, ingredients=list(ingredients))
        found = self.collection.query(
            query_embeddings=[wish.vector()],
            n_results=limit,
            where={"course": course} if course else None,
            include=["documents", "metadatas"],
        )
        rows = zip(found["ids"][0], found["documents"][0], found["metadatas"][0])
        return [Recipe(slug=slug, title=title, **facts) for slug, title, facts in rows]


def main() -> None:
    omelette = Recipe(slug="omelette", title="Omelette", course="main", minutes=10, ingredients=["3 eggs", "butter"])
    risotto = Recipe(
        slug="lemon-risotto",
        title="Lemon risotto",
        course="main",
        minutes=35,
        ingredients=["rice", "1 lemon", "butter", "hard cheese", "onion"],
        rating=4.5,
    )
    tart = Recipe(
        slug="lemon-tart", title="Lemon tart", course="dessert", minutes=70,
        ingredients=["flour", "butter", "sugar", "2 lemons", "4 eggs"],
    )

    with tempfile.TemporaryDirectory() as kitchen:
        box = RecipeBox(chromadb.PersistentClient(path=kitchen))
        for recipe in (omelette, risotto, tart):
            box.create(recipe)
        assert len(box) == 3 and "omelette" in box and "ratatouille" not in box
        assert {recipe.slug: recipe for recipe in box}["lemon-tart"] == tart

        assert box.cook_with("eggs", "butter", limit=1) == [omelette]
        assert box.cook_with("eggs", "butter", course="dessert") == [tart]

        changed = box.change("lemon-risotto", minutes=40, rating=None)
        assert box.read("lemon-risotto") == changed and changed.rating is None
        assert "rating" not in box.collection.get("lemon-risotto")["metadatas"][0]

        try:
            box.create(omelette)
        except RecipeExists as clash:
            print("already in the box:", clash)
        else:
            raise AssertionError("a second omelette")

        # A second client on the same folder reads what the first one wrote.
        box.delete("omelette")
        again = RecipeBox(chromadb.PersistentClient(path=kitchen))
        assert sorted(recipe.slug for recipe in again) == ["lemon-risotto", "lemon-tart"]
        for missing in (again.read, again.delete):
            try:
                missing("omelette")
            except RecipeMissing:
                continue
            raise AssertionError(missing.__name__)

        for recipe in again.cook_with("lemon"):
            print(f"{recipe.title}: {recipe.minutes} min, {', '.join(recipe.ingredients)}")


if __name__ == "__main__":
    main()
