"""Search proverbs by their wording: every where_document operator, alone, nested and with where.

Document filters work on the text itself and mind upper and lower case; $contains takes a literal
string, $regex a pattern.  Both can be combined with $and / $or, but there is no $not: negation
goes into the leaves ($not_contains, $not_regex).
"""
import hashlib

import chromadb

PROVERBS = {
    "en": [
        "A rolling stone gathers no moss.",
        "Rome was not built in a day.",
        "When in Rome, do as the Romans do.",
        "Two wrongs do not make a right.",
        "The early bird catches the worm.",
    ],
    "de": [
        "Morgenstund hat Gold im Mund.",
        "Übung macht den Meister.",
        "Rom wurde nicht an einem Tag erbaut.",
    ],
    "fr": [
        "Rome ne s'est pas faite en un jour.",
        "L'avenir appartient à ceux qui se lèvent tôt.",
        "Pierre qui roule n'amasse pas mousse.",
    ],
}


def proverb_id(language, text):
    return f"{language}-{hashlib.sha1(text.encode()).hexdigest()[:6]}"


def toy_vector(text):
    """Vowel shares.  Only there because a collection holds vectors; this program is about text."""
    low = text.lower()
    return [low.count(vowel) / len(low) for vowel in "aeiou"]


client = chromadb.Client()
proverbs = client.get_or_create_collection("proverbs", embedding_function=None)
for language, texts in PROVERBS.items():
    proverbs.add(
        ids=[proverb_id(language, text) for text in texts],
        documents=texts,
        embeddings=[toy_vector(text) for text in texts],
        metadatas=[{"lang": language, "words": len(text.split())} for text in texts],
    )


def texts(where_document, **more):
    return sorted(proverbs.get(where_document=where_document, include=["documents"], **more)["documents"])


# --- $contains: a literal piece of the text ---------------------------------------------------
assert len(texts({"$contains": "Rome"})) == 3
assert texts({"$contains": "rome"}) == [], "case matters"
assert texts({"$contains": "no moss."}) == ["A rolling stone gathers no moss."], "spaces and dots are literal"
assert len(texts({"$contains": "Rom"})) == 4, "a piece of a word will do"
assert texts({"$contains": "Üb"}) == ["Übung macht den Meister."]

# --- $not_contains: everything else ------------------------------------------------------------
everything = proverbs.count()
assert len(texts({"$not_contains": "Rom"})) == everything - 4

# --- $and / $or, nested as deeply as one likes -------------------------------------------------
romans_twice = {"$and": [{"$contains": "Rome"}, {"$contains": "Romans"}]}
assert texts(romans_twice) == ["When in Rome, do as the Romans do."]

rolling = {"$or": [{"$contains": "stone"}, {"$contains": "Pierre"}]}
assert len(texts(rolling)) == 2

rome_but_not_patience = {
    "$and": [
        {"$or": [{"$contains": "Rome"}, {"$contains": "Rom "}]},
        {"$not_contains": "day"},
        {"$not_contains": "Tag"},
        {"$not_contains": "jour"},
    ]
}
assert texts(rome_but_not_patience) == ["When in Rome, do as the Romans do."]

# --- $regex / $not_regex -----------------------------------------------------------------------
assert len(texts({"$regex": r"(?i)\brom(e|ans)?\b"})) == 4  # (?i): upper or lower case
assert texts({"$regex": r"^L'"}) == ["L'avenir appartient à ceux qui se lèvent tôt."]
no_negation = {"$and": [{"$not_regex": r"(?i)\b(no|not|nicht|pas)\b"}, {"$not_regex": r"n'"}]}
assert len(texts(no_negation)) == 5

# --- with a metadata filter: both must hold ----------------------------------------------------
assert texts({"$contains": "Rome"}, where={"lang": "fr"}) == ["Rome ne s'est pas faite en un jour."]
short = texts({"$regex": r"\.$"}, where={"$and": [{"lang": {"$ne": "en"}}, {"words": {"$lte": 5}}]})
assert short == ["Morgenstund hat Gold im Mund.", "Übung macht den Meister."]

# --- in query(): the filter first, then the nearest of what is left ----------------------------
nearest = proverbs.query(
    query_embeddings=toy_vector("Rome was not built in a day."),
    where_document={"$not_contains": "Rome"},
    n_results=2,
    include=["documents"],
)
assert all("Rome" not in text for text in nearest["documents"][0])

# --- in delete() -------------------------------------------------------------------------------
gone = proverbs.delete(where={"lang": "en"}, where_document={"$contains": "wrongs"})
assert gone == {"deleted": 1} and proverbs.count() == everything - 1

# --- what is refused ---------------------------------------------------------------------------
for bad in (
    {},  # no operator
    {"$contains": ""},  # nothing to look for
    {"$contains": ["a", "b"]},  # one string only; use $or
    {"$and": [{"$contains": "a"}]},  # $and needs two
    {"$contains": "a", "$not_contains": "b"},  # one operator per level
    {"$not": {"$contains": "a"}},  # no such operator
):
    try:
        proverbs.get(where_document=bad)
    except ValueError:
        pass
    else:
        raise AssertionError(f"accepted {bad}")

print(f"{everything} proverbs")
for title, found in (("Rome", texts({"$contains": "Rome"})), ("short and foreign", short)):
    print(f"{title}: " + " | ".join(found))
