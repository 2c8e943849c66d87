"""Try every metadata operator on a lot of used cars, each with the cars it ought to find.

A table of (question in words, where filter, expected cars) doubles as documentation and as a test:
when a chromadb upgrade changes what an operator means, this program says which one.
"""

import chromadb

CARS = [
    # id, make, year, km, price, electric, extras
    ("astra", "Opel", 2012, 148_000, 4_900.0, False, ["tow bar"]),
    ("corsa", "Opel", 2019, 61_000, 11_200.0, False, ["heated seats", "camera"]),
    ("zoe", "Renault", 2020, 38_500, 13_900.0, True, ["camera"]),
    ("twingo", "Renault", 2009, 171_000, 1_950.5, False, None),
    ("model3", "Tesla", 2021, 52_000, 28_400.0, True, ["glass roof", "tow bar", "camera"]),
    ("panda", "Fiat", 2016, 88_000, 7_250.0, False, ["roof rack"]),
    ("barn-find", "Fiat", None, 99_999, None, None, None),  # nobody knows more
]

TOUR = [
    ("a bare value means equality", {"make": "Fiat"}, {"panda", "barn-find"}),
    ("$eq, the long form", {"make": {"$eq": "Fiat"}}, {"panda", "barn-find"}),
    ("$eq with a boolean", {"electric": True}, {"zoe", "model3"}),
    ("$ne", {"make": {"$ne": "Opel"}}, {"zoe", "twingo", "model3", "panda", "barn-find"}),
    # A record without the key is "not equal" too; $eq False would be stricter.
    (
        "$ne finds records that lack the key",
        {"electric": {"$ne": True}},
        {"astra", "corsa", "twingo", "panda", "barn-find"},
    ),
    ("$eq False does not", {"electric": {"$eq": False}}, {"astra", "corsa", "twingo", "panda"}),
    ("$gt excludes the bound", {"year": {"$gt": 2019}}, {"zoe", "model3"}),
    ("$gte includes it", {"year": {"$gte": 2019}}, {"corsa", "zoe", "model3"}),
    ("$lt", {"km": {"$lt": 52_000}}, {"zoe"}),
    ("$lte", {"km": {"$lte": 52_000}}, {"zoe", "model3"}),
    ("$lte on floats, asked with an int", {"price": {"$lte": 4_900}}, {"astra", "twingo"}),
    ("a missing key is in no range", {"price": {"$gte": 0}}, {"astra", "corsa", "zoe", "twingo", "model3", "panda"}),
    ("$in", {"make": {"$in": ["Tesla", "Fiat"]}}, {"model3", "panda", "barn-find"}),
    ("$in with numbers", {"year": {"$in": [2009, 2012, 1999]}}, {"astra", "twingo"}),
    (
        "$nin, again with the keyless",
        {"year": {"$nin": [2009, 2012]}},
        {"corsa", "zoe", "model3", "panda", "barn-find"},
    ),
    ("$contains looks into a list", {"extras": {"$contains": "camera"}}, {"corsa", "zoe", "model3"}),
    ("$not_contains", {"extras": {"$not_contains": "camera"}}, {"astra", "twingo", "panda", "barn-find"}),
    (
        "$and of a range",
        {"$and": [{"price": {"$gt": 5_000}}, {"price": {"$lt": 12_000}}]},
        {"corsa", "panda"},
    ),
    (
        "$or",
        {"$or": [{"electric": True}, {"price": {"$lt": 2_000}}]},
        {"zoe", "model3", "twingo"},
    ),
    (
        "nested: (electric or young) and a tow bar",
        {
            "$and": [
                {"$or": [{"electric": True}, {"year": {"$gte": 2018}}]},
                {"extras": {"$contains": "tow bar"}},
            ]
        },
        {"model3"},
    ),
]

MALFORMED = [
    ({}, "an empty filter: pass None instead"),
    ({"make": "Opel", "year": 2012}, "two keys side by side: use $and"),
    ({"year": {"$gte": 2010, "$lte": 2020}}, "two operators on one key: use $and"),
    ({"$and": [{"make": "Opel"}]}, "$and of a single condition"),
    ({"year": {"$gt": "2019"}}, "a range needs a number, not a string"),
    ({"make": {"$in": []}}, "an empty list matches nothing and is refused"),
    ({"make": {"$in": ["Opel", 3]}}, "a list of mixed types"),
    ({"make": {"$like": "Op%"}}, "no such operator"),
    ({"make": None}, "None is no value to compare with"),
]


def fill_lot(client):
    lot = client.create_collection("used_car_lot")
    metadatas = []
    for _, make, year, km, price, electric, extras in CARS:
        facts = {"make": make, "year": year, "km": km, "price": price, "electric": electric, "extras": extras}
        metadatas.append({key: value for key, value in facts.items() if value is not None})
    lot.add(
        ids=[row[0] for row in CARS],
        embeddings=[[row[3] / 100_000, (row[2] or 1990) - 1990] for row in CARS],
        metadatas=metadatas,
    )
    return lot


def matching(lot, where):
    return set(lot.get(where=where, include=[])["ids"])


def main():
    lot = fill_lot(chromadb.EphemeralClient())

    for words, where, expected in TOUR:
        found = matching(lot, where)
        assert found == expected, f"{words}: {where} found {sorted(found)}"
        # query() takes the same filter; with room for all it must find the same cars.
        nearest = lot.query(query_embeddings=[[0.5, 25]], n_results=len(CARS), where=where, include=[])
        assert set(nearest["ids"][0]) == expected, words
        print(f"{words:<44} {', '.join(sorted(found))}")

    for where, why in MALFORMED:
        try:
            lot.get(where=where)
        except ValueError:
            continue
        raise AssertionError(f"{where} should be refused: {why}")
    print(f"{len(TOUR)} filters agree, {len(MALFORMED)} malformed ones refused")


if __name__ == "__main__":
    main()
