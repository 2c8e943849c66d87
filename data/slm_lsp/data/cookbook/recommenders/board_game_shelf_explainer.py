"""Recommend board games for tonight's table, spread over different kinds, each with the reason why it was picked."""

import collections
import io
import csv
import typing

import chromadb
from numpy import array, dot
from numpy.linalg import norm

SHELF = io.StringIO("""\
id,title,mechanisms,weight,min,max,minutes
hanabi,Hanabi,cooperation|deduction|cards,1.7,2,5,25
crew,The Crew,cooperation|tricks|cards,2.0,2,5,20
pandemic,Pandemic,cooperation|routes|hands,2.4,2,4,45
azul,Azul,drafting|patterns|tiles,1.8,2,4,40
sagrada,Sagrada,drafting|patterns|dice,1.9,1,4,40
calico,Calico,patterns|tiles|puzzle,2.2,1,4,45
wingspan,Wingspan,engine|cards|drafting,2.5,1,5,60
splendor,Splendor,engine|cards|racing,1.8,2,4,30
codenames,Codenames,words|teams|deduction,1.3,4,8,15
decrypto,Decrypto,words|teams|deduction,1.8,3,8,30
brass,Brass,engine|routes|economy,3.9,2,4,120
ticket,Ticket to Ride,routes|cards|hands,1.8,2,5,60
patchwork,Patchwork,tiles|puzzle|economy,1.6,2,2,25
dominion,Dominion,engine|cards|economy,2.3,2,4,30
""")

MECHANISMS: list[str] = []


class Suggestion(typing.NamedTuple):
    title: str
    reason: str
    score: float


def load_shelf(client, file) -> chromadb.Collection:
    games = list(csv.DictReader(file))
    MECHANISMS[:] = sorted({m for g in games for m in g["mechanisms"].split("|")})
    shelf = client.create_collection(
        "shelf",
        configuration={"hnsw": {"space": "cosine", "ef_construction": 120, "max_neighbors": 24}},
        metadata={"mechanisms": "|".join(MECHANISMS)},
    )
    shelf.add(
        ids=[g["id"] for g in games],
        embeddings=[features(g["mechanisms"].split("|"), float(g["weight"])) for g in games],
        documents=[g["title"] for g in games],
        metadatas=[
            dict(
                mechanisms=g["mechanisms"].split("|"),
                weight=float(g["weight"]),
                min_players=int(g["min"]),
                max_players=int(g["max"]),
                minutes=int(g["minutes"]),
                played=0,
            )
            for g in games
        ],
    )
    return shelf


def features(mechanisms, weight):
    # How heavy a game is counts about as much as one mechanism.
    return [1.0 if m in mechanisms else 0.0 for m in MECHANISMS] + [weight / 2.5]


def table_filter(players, minutes, heaviest=None):
    """Everything about the table that is a fact and not a taste."""
    facts = [
        {"min_players": {"$lte": players}},
        {"max_players": {"$gte": players}},
        {"minutes": {"$lte": minutes}},
    ]
    if heaviest is not None:
        facts.append({"weight": {"$lt": heaviest}})
    return {"$and": facts}


def suggest(shelf, loved, players, minutes, count=3, spread=0.5, heaviest=None):
    favourites = shelf.get(ids=loved, include=["embeddings", "metadatas", "documents"])
    wish = favourites["embeddings"].mean(axis=0)
    pool = shelf.query(
        query_embeddings=wish,
        n_results=10,
        where=table_filter(players, minutes, heaviest),
        include=["documents", "metadatas", "embeddings", "distances"],
    )
    candidates = [
        (doc, meta, array(vec), 1 - dist - 0.05 * meta["played"])  # played often: let others have a turn
        for key, doc, meta, vec, dist in zip(
            *(pool[part][0] for part in ("ids", "documents", "metadatas", "embeddings", "distances"))
        )
        if key not in loved
    ]
    picked = []
    while candidates and len(picked) < count:
        # Similar to the wish, but unlike what is on the list already.
        def worth(candidate):
            twin = max((dot(candidate[2], p[2]) / norm(candidate[2]) / norm(p[2]) for p in picked), default=0)
            return (1 - spread) * candidate[3] - spread * twin

        candidates.sort(key=worth)
        picked.append(candidates.pop())
    return [Suggestion(doc, explain(meta, favourites), score) for doc, meta, _, score in picked]


def explain(meta, favourites):
    """Name the favourite that shares most mechanisms, and which ones."""
    shared = collections.OrderedDict()
    for title, liked in zip(favourites["documents"], favourites["metadatas"]):
        common = [m for m in liked["mechanisms"] if m in meta["mechanisms"]]
        if common:
            shared[title] = common
    if not shared:
        return f"something else for a change: {', '.join(meta['mechanisms'])}"
    title = max(shared, key=lambda t: len(shared[t]))
    return f"{' and '.join(shared[title])} as in {title}"


def log_play(shelf, key):
    played = shelf.get(ids=[key], include=["metadatas"])["metadatas"][0]["played"]
    shelf.update(ids=[key], metadatas=[{"played": played + 1}])


def report(heading, suggestions):
    print(heading)
    for s in suggestions:
        print(f"  {s.title:<15} {s.score:5.2f}  {s.reason}")
    return [s.title for s in suggestions]


def main():
    shelf = load_shelf(chromadb.EphemeralClient(), SHELF)
    assert shelf.count() == 14
    assert len(shelf.peek(limit=1)["embeddings"][0]) == len(MECHANISMS) + 1

    narrow = report("three alike (no spread):", suggest(shelf, ["azul"], players=3, minutes=60, spread=0.0))
    assert set(narrow[:2]) == {"Sagrada", "Calico"}

    wide = report("spread out:", suggest(shelf, ["azul", "hanabi"], players=4, minutes=60, spread=0.5))
    assert len(set(wide)) == 3
    assert any("Azul" in s.reason for s in suggest(shelf, ["azul", "hanabi"], 4, 60))
    assert any("Hanabi" in s.reason for s in suggest(shelf, ["azul", "hanabi"], 4, 60))

    party = report("eight people, half an hour:", suggest(shelf, ["hanabi"], players=8, minutes=30))
    assert sorted(party) == ["Codenames", "Decrypto"], "there are no more, and none is made up"

    # Light games only: a strict bound, and Patchwork is out because it seats two.
    light = suggest(shelf, ["dominion"], players=3, minutes=45, heaviest=2.0)
    assert light[0].title == "Splendor" and "Patchwork" not in [s.title for s in light]

    for _ in range(6):
        log_play(shelf, "sagrada")
    rested = report("after six evenings of Sagrada:", suggest(shelf, ["azul"], players=3, minutes=60, spread=0.0))
    assert rested[0] == "Calico" and "Sagrada" not in rested[:2]
    assert shelf.get(where={"played": {"$gt": 0}})["ids"] == ["sagrada"]


if __name__ == "__main__":
    main()
