"""Suggest recipes from what is in the pantry, with allergens ruled out by array filters before anything is ranked.

Ranking may be a matter of taste; an allergen is not.  So the pantry goes into the vector
and the allergy into `where`, where no score can overrule it.
"""

from dataclasses import asdict, dataclass, field

import chromadb
import numpy as np
from rich.console import Console
from rich.table import Table


@dataclass
class Recipe:
    title: str
    ingredients: list[str]
    allergens: list[str] = field(default_factory=list)
    minutes: int = 30
    season: list[str] = field(default_factory=lambda: ["spring", "summer", "autumn", "winter"])


RECIPES = [
    Recipe("Chickpea stew", ["chickpeas", "tomato", "onion", "cumin", "garlic"], minutes=40),
    Recipe("Shakshuka", ["egg", "tomato", "pepper", "onion", "cumin"], ["egg"], 25),
    Recipe("Hummus plate", ["chickpeas", "tahini", "lemon", "garlic"], ["sesame"], 15),
    Recipe("Pumpkin risotto", ["rice", "pumpkin", "onion", "parmesan", "butter"], ["milk"], 45, ["autumn", "winter"]),
    Recipe("Rice and beans", ["rice", "black beans", "onion", "pepper", "garlic"], minutes=35),
    Recipe("Pad thai", ["rice noodles", "peanut", "egg", "lime", "tofu"], ["egg", "peanut", "soy"], 30),
    Recipe("Gazpacho", ["tomato", "pepper", "cucumber", "garlic", "bread"], ["gluten"], 15, ["summer"]),
    Recipe("Lentil soup", ["lentils", "carrot", "onion", "cumin", "lemon"], minutes=35),
    Recipe("Tomato omelette", ["egg", "tomato", "butter"], ["egg", "milk"], 10),
    Recipe("Fried tofu", ["tofu", "garlic", "lime", "rice"], ["soy"], 20),
]

INGREDIENTS = sorted({item for recipe in RECIPES for item in recipe.ingredients})
# Salt-like things are in every dish and say little; rare ones say much.
RARITY = np.array([1 / sum(item in r.ingredients for r in RECIPES) for item in INGREDIENTS])


def pantry_vector(items) -> np.ndarray:
    present = np.array([item in items for item in INGREDIENTS], dtype=np.float32)
    return present * np.sqrt(RARITY) + 1e-4


class Kitchen:
    def __init__(self, client):
        self.book = client.create_collection("recipe_book", configuration={"hnsw": {"space": "cosine"}})

    def learn(self, recipes):
        rows = []
        for recipe in recipes:
            row = asdict(recipe)
            # An empty list cannot be stored; a recipe without allergens simply lacks the key,
            # and $not_contains lets records without the key pass.
            if not row["allergens"]:
                del row["allergens"]
            rows.append({**row, "size": len(recipe.ingredients)})
        self.book.add(
            ids=[r.title.lower().replace(" ", "-") for r in recipes],
            embeddings=np.stack([pantry_vector(r.ingredients) for r in recipes]),
            documents=[f"{r.title}: {', '.join(r.ingredients)}" for r in recipes],
            metadatas=rows,
        )

    def suggest(self, pantry, *, avoid=(), minutes=None, season=None, must_use=None, count=3):
        rules = [{"allergens": {"$not_contains": allergen}} for allergen in avoid]
        if minutes:
            rules.append({"minutes": {"$lte": minutes}})
        if season:
            rules.append({"season": {"$contains": season}})
        if must_use:
            rules.append({"ingredients": {"$contains": must_use}})
        where = {"$and": rules} if len(rules) > 1 else (rules[0] if rules else None)
        page = self.book.query(
            query_embeddings=pantry_vector(pantry),
            n_results=count,
            where=where,
            include=["metadatas", "distances"],
        )
        return [
            {
                "title": meta["title"],
                "minutes": meta["minutes"],
                "missing": sorted(set(meta["ingredients"]) - set(pantry)),
                "fit": 1 - distance,
            }
            for meta, distance in zip(page["metadatas"][0], page["distances"][0])
        ]

    def containing(self, *ingredients, either=False):
        parts = [{"ingredients": {"$contains": item}} for item in ingredients]
        where = parts[0] if len(parts) == 1 else {"$or" if either else "$and": parts}
        return sorted(m["title"] for m in self.book.get(where=where, include=["metadatas"])["metadatas"])


def as_table(title, rows):
    table = Table(title=title, title_justify="left")
    for column in ("recipe", "min", "fit", "still to buy"):
        table.add_column(column)
    for row in rows:
        table.add_row(row["title"], str(row["minutes"]), f"{row['fit']:.0%}", ", ".join(row["missing"]) or "nothing")
    return table


def main():
    console = Console(width=72)
    kitchen = Kitchen(chromadb.EphemeralClient())
    kitchen.learn(RECIPES)

    pantry = ["chickpeas", "garlic", "lemon", "tomato", "onion", "egg", "butter"]
    everything = kitchen.suggest(pantry)
    console.print(as_table("No allergies", everything))
    assert everything[0]["title"] in {"Hummus plate", "Tomato omelette", "Chickpea stew"}

    careful = kitchen.suggest(pantry, avoid=["sesame", "egg"], count=5)
    console.print(as_table("No sesame, no egg", careful))
    assert careful[0]["title"] == "Chickpea stew" and careful[0]["missing"] == ["cumin"]
    served = {row["title"] for row in careful}
    assert not served & {"Hummus plate", "Shakshuka", "Pad thai", "Tomato omelette"}

    # All the rules of a weekday evening at once.
    quick = kitchen.suggest(["rice", "garlic", "lime"], avoid=["peanut"], minutes=20, must_use="tofu", season="winter")
    assert [row["title"] for row in quick] == ["Fried tofu"]

    assert kitchen.containing("cumin", "onion") == ["Chickpea stew", "Lentil soup", "Shakshuka"]
    assert kitchen.containing("pumpkin", "cucumber", either=True) == ["Gazpacho", "Pumpkin risotto"]

    # Contains compares whole elements: "rice" does not match "rice noodles".
    assert "Pad thai" not in kitchen.containing("rice")

    # A recipe is changed: now vegan, so the allergen list has to go; None removes a key on update.
    kitchen.book.update(ids=["pumpkin-risotto"], metadatas=[{"allergens": None, "ingredients": ["rice", "pumpkin", "onion"]}])
    changed = kitchen.book.get(ids=["pumpkin-risotto"])["metadatas"][0]
    assert "allergens" not in changed and len(changed["ingredients"]) == 3
    assert len(kitchen.suggest(["pumpkin"], avoid=["milk"], season="autumn", must_use="pumpkin")) == 1
    console.print("Pumpkin risotto is now offered to people who avoid milk.")


if __name__ == "__main__":
    main()
