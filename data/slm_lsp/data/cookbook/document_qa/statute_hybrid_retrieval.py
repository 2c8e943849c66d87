"""Search a traffic code by keyword and by vector at once and fuse both rankings with reciprocal ranks.

Vectors are good at "driving too fast", hopeless at "section 14(2)". Full-text filters
are the opposite. Reciprocal rank fusion needs no tuning between their scores.
"""
import collections
import hashlib
import re

import chromadb

SECTIONS = [
    ("s11", "Section 11(1). No person shall drive a motor vehicle at a speed greater than the posted limit.", 2015),
    ("s12", "Section 12(1). A driver shall give way to persons on a pedestrian crossing.", 2015),
    ("s14a", "Section 14(1). The keeper of a vehicle shall ensure that it carries a valid plate.", 2018),
    ("s14b", "Section 14(2). Any plate that is obscured is deemed invalid for the purposes of this Act.", 2018),
    ("s21", "Section 21(1). No person shall drive while holding a telephone or similar device.", 2021),
    ("s22", "Section 22(1). The blood alcohol concentration of a driver shall not exceed 0.5 grams per litre.", 2009),
    ("s23", "Section 23(4). A constable may require a breath specimen where Section 22(1) appears to be infringed.", 2009),
    ("s30", "Section 30(1). A cyclist shall display a white lamp in front between sunset and sunrise.", 2021),
]

# Lay words that a statute never uses. A real model learns these; here a small table
# plays the part, and keeps the program deterministic.
LAY = {
    "car": "vehicle", "fast": "speed", "speeding": "speed", "drunk": "alcohol", "drinking": "alcohol",
    "mobile": "telephone", "phone": "telephone", "bike": "cyclist", "bicycle": "cyclist", "police": "constable",
    "officer": "constable", "zebra": "crossing", "walkers": "pedestrian", "light": "lamp", "dark": "sunset",
    "night": "sunset", "dirty": "obscured", "licence": "valid",
}


def embed(text, size=256):
    vector = [0.0] * size
    for token in re.findall(r"[a-z]{3,}", text.lower()):
        token = LAY.get(token, token)
        digest = hashlib.blake2b(token.encode(), digest_size=4).digest()
        # sign bit from the last byte: collisions cancel instead of piling up
        vector[int.from_bytes(digest[:3], "big") % size] += 1 if digest[3] & 1 else -1
    return vector


def vector_ranking(collection, question, k=5):
    result = collection.query(query_embeddings=[embed(question)], n_results=k, include=["distances"])
    # A cosine distance of 1 means nothing in common: the order among such sections is chance, and must not be fused.
    return [i for i, distance in zip(result["ids"][0], result["distances"][0]) if distance < 0.999]


def keyword_ranking(collection, question, k=5):
    """Exact hits first: section numbers as a regex, then any rare word the question shares with the text."""
    ranking = []
    for number in re.findall(r"\d+\(\d+\)|\d+\.\d+", question):
        # A number opening the text is the section itself; elsewhere it is a cross-reference.
        opening = collection.get(where_document={"$regex": rf"^Section {re.escape(number)}"}, include=[])
        mention = collection.get(where_document={"$contains": number}, include=[])
        ranking += opening["ids"] + mention["ids"]
    words = [w for w in re.findall(r"[a-z]{5,}", question.lower()) if w not in {"about", "section", "shall", "what's"}]
    if len(words) > 1:
        ranking += collection.get(
            where_document={"$or": [{"$contains": word} for word in words]}, limit=k, include=[]
        )["ids"]
    elif words:
        ranking += collection.get(where_document={"$contains": words[0]}, limit=k, include=[])["ids"]
    return list(dict.fromkeys(ranking))[:k]  # order kept, repeats dropped


def fuse(*rankings, constant=60):
    score = collections.Counter()
    for ranking in rankings:
        for rank, section in enumerate(ranking):
            score[section] += 1 / (constant + rank)
    return [section for section, _ in score.most_common()]


def hybrid(collection, question, k=3):
    best = fuse(vector_ranking(collection, question), keyword_ranking(collection, question))[:k]
    rows = collection.get(ids=best, include=["documents", "metadatas"])
    # get() answers in storage order, not in the order of the ids we asked for
    by_id = {i: (doc, meta) for i, doc, meta in zip(rows["ids"], rows["documents"], rows["metadatas"])}
    return [(i, *by_id[i]) for i in best]


def main():
    client = chromadb.EphemeralClient()
    code = client.create_collection("traffic_code", configuration={"hnsw": {"space": "cosine"}})
    code.add(
        ids=[i for i, _, _ in SECTIONS],
        embeddings=[embed(text) for _, text, _ in SECTIONS],
        documents=[text for _, text, _ in SECTIONS],
        metadatas=[{"enacted": year} for _, _, year in SECTIONS],
    )

    # Lay language: only the vectors can help.
    assert keyword_ranking(code, "drunk behind a wheel") == []
    assert vector_ranking(code, "drunk behind a wheel")[0] == "s22"

    # A citation: only the keywords can help, and the section outranks the one that mentions it.
    assert keyword_ranking(code, "what does 22(1) say") == ["s22", "s23"]
    assert hybrid(code, "what does 22(1) say")[0][0] == "s22"

    expectations = {
        "using a mobile phone while I drive": "s21",
        "14(2) dirty plate": "s14b",
        "is there a light needed on a bicycle at night": "s30",
        "can police take a breath specimen": "s23",
        "going too fast past the posted limit": "s11",
    }
    for question, expected in expectations.items():
        section, text, meta = hybrid(code, question)[0]
        print(f"{question:<48} -> {section:<5} ({meta['enacted']}) {text[:38]}...")
        assert section == expected, (question, section)

    # Both kinds of filter also combine inside a single vector query.
    recent = code.query(
        query_embeddings=[embed("no person shall drive")],
        n_results=3,
        where={"enacted": {"$gte": 2015}},
        where_document={"$and": [{"$contains": "drive"}, {"$not_contains": "driver"}]},
    )
    assert set(recent["ids"][0]) == {"s11", "s21"}
    print("drive, since 2015:", recent["ids"][0])


if __name__ == "__main__":
    main()
