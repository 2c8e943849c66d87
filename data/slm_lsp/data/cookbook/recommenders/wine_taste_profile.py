"""Recommend wines from a customer's ratings by building a taste profile out of the vectors of what they liked and disliked."""

import argparse
from typing import Iterator, NamedTuple

import chromadb

# body, tannin, acidity, sweetness, fruit, oak  (the tasting sheet, 0 to 10)
CELLAR = {
    "barolo-2016": ([9, 9, 7, 1, 5, 6], "red", 62.0, "Barolo, stern and long"),
    "beaujolais-2021": ([4, 3, 7, 1, 9, 0], "red", 14.5, "Beaujolais, cherries and little else"),
    "rioja-2015": ([7, 6, 5, 1, 6, 9], "red", 24.0, "Rioja Reserva, vanilla and leather"),
    "cahors-2018": ([9, 9, 6, 1, 4, 5], "red", 18.0, "Cahors, ink-dark"),
    "priorat-2017": ([9, 8, 6, 2, 6, 7], "red", 39.0, "Priorat, dense and warm"),
    "madiran-2019": ([9, 10, 7, 1, 4, 6], "red", 16.0, "Madiran, chewy"),
    "riesling-2020": ([3, 0, 9, 4, 8, 0], "white", 17.0, "Riesling Kabinett, off-dry"),
    "chablis-2021": ([4, 0, 9, 0, 5, 1], "white", 26.0, "Chablis, oyster shell"),
    "meursault-2019": ([8, 0, 6, 1, 6, 8], "white", 58.0, "Meursault, butter and hazelnut"),
    "sauternes-2014": ([8, 0, 6, 10, 8, 6], "white", 45.0, "Sauternes, honey"),
    "muscadet-2022": ([2, 0, 8, 0, 4, 0], "white", 9.5, "Muscadet, salt and lemon"),
    "tavel-2022": ([5, 2, 6, 1, 8, 0], "rose", 13.0, "Tavel, a rose for dinner"),
}

RATINGS = {  # customer -> {wine: stars}
    "giulia": {"barolo-2016": 5, "rioja-2015": 4, "riesling-2020": 1},
    "henrik": {"chablis-2021": 5, "muscadet-2022": 4, "sauternes-2014": 2},
    "new": {},
}


class Pick(NamedTuple):
    wine: str
    text: str
    price: float
    match: float


def centred(sheet):
    """Scores around the middle of the scale: with raw scores every wine resembles every other."""
    return [(value - 5) / 5 for value in sheet]


def fill(cellar: chromadb.Collection) -> None:
    wines = list(CELLAR)
    cellar.add(
        ids=wines,
        embeddings=[centred(CELLAR[w][0]) for w in wines],
        documents=[CELLAR[w][3] for w in wines],
        metadatas=[{"colour": CELLAR[w][1], "price": CELLAR[w][2], "in_stock": True} for w in wines],
    )


def taste_profile(cellar: chromadb.Collection, ratings: dict[str, int]) -> list[float] | None:
    """Rocchio in one line: the sum of (stars - 3) times the vector; three stars say nothing."""
    opinions = {wine: stars - 3 for wine, stars in ratings.items() if stars != 3}
    if not opinions:
        return None
    rated = cellar.get(ids=list(opinions), include=["embeddings"])
    profile = [0.0] * len(rated["embeddings"][0])
    # Go by the ids that came back: get() neither keeps the order asked for nor complains of missing ones.
    for wine, vector in zip(rated["ids"], rated["embeddings"]):
        for axis, value in enumerate(vector):
            profile[axis] += opinions[wine] * float(value)
    return profile


def recommend(
    cellar: chromadb.Collection,
    ratings: dict[str, int],
    count: int = 3,
    budget: float | None = None,
    colours: list[str] | None = None,
) -> Iterator[Pick]:
    conditions: list[dict] = [{"in_stock": True}]
    if budget is not None:
        conditions.append({"price": {"$lte": budget}})
    if colours:
        conditions.append({"colour": {"$in": colours}})
    where = conditions[0] if len(conditions) == 1 else {"$and": conditions}

    profile = taste_profile(cellar, ratings)
    if profile is None:
        # A newcomer gets whatever is in stock, cheapest first: cold start by metadata alone.
        rows = cellar.get(where=where)
        cheapest = sorted(zip(rows["ids"], rows["documents"], rows["metadatas"]), key=lambda row: row[2]["price"])
        yield from (Pick(wine, text, meta["price"], 0.0) for wine, text, meta in cheapest[:count])
        return

    # Ids cannot be excluded in a query, so ask for as many more as were rated, and skip those.
    hits = cellar.query(query_embeddings=[profile], n_results=count + len(ratings), where=where)
    left = count
    for wine, text, meta, distance in zip(*(hits[k][0] for k in ("ids", "documents", "metadatas", "distances"))):
        if wine not in ratings and left:
            left -= 1
            yield Pick(wine, text, meta["price"], 1 - distance)


def show(title, picks):
    picks = list(picks)
    print(title)
    for pick in picks:
        print(f"   {pick.match:6.0%}  {pick.price:6.2f}  {pick.text}")
    return [pick.wine for pick in picks]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=40.0)
    budget = parser.parse_args(argv).budget

    client = chromadb.EphemeralClient()
    cellar = client.create_collection("cellar", configuration={"hnsw": {"space": "cosine"}})
    fill(cellar)

    dense = show("Giulia likes tannin and oak:", recommend(cellar, RATINGS["giulia"], budget=budget))
    assert set(dense) == {"priorat-2017", "madiran-2019", "cahors-2018"}

    crisp = show("Henrik likes acid, not sugar:", recommend(cellar, RATINGS["henrik"], count=2, budget=budget))
    assert not {"sauternes-2014", "meursault-2019"} & set(crisp)
    assert not RATINGS["henrik"].keys() & set(crisp), "nothing they already know"

    first = show("a newcomer:", recommend(cellar, RATINGS["new"], colours=["white", "rose"]))
    assert first == ["muscadet-2022", "tavel-2022", "riesling-2020"]

    # The last Priorat is sold: one metadata key changes, the vector stays.
    cellar.update(ids="priorat-2017", metadatas={"in_stock": False})
    assert "priorat-2017" not in [p.wine for p in recommend(cellar, RATINGS["giulia"], budget=budget)]
    assert cellar.get("priorat-2017")["metadatas"][0]["price"] == 39.0

    # A rating that changes its mind changes the list.
    turned = RATINGS["giulia"] | {"barolo-2016": 1, "riesling-2020": 5}
    assert next(recommend(cellar, turned, count=1)).wine not in dense
    print("and after a change of heart:", next(recommend(cellar, turned, count=1)).text)


if __name__ == "__main__":
    main([])
