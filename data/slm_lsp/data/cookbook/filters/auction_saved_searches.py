"""Run saved searches of an auction house against new lots only, and tell people what matches.

A saved search is a JSON row: filters and, if the collector gave an example, a vector with a greatest
distance.  When lots come in, each search runs once with ids= set to the new lots, so nobody is told
twice about the same clock.
"""
import json
import sqlite3
from contextlib import closing

import chromadb
from chromadb.errors import ChromaError

SCHEMA = """
CREATE TABLE searches (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    criteria TEXT NOT NULL,         -- {"where": ..., "where_document": ..., "like": [...], "within": 0.2}
    broken TEXT                     -- why the search no longer runs
)
"""


def new_lots(lots, rows):
    """Catalogue the lots; their ids are what the alerts will look at."""
    ids = [row["lot"] for row in rows]
    lots.add(
        ids=ids,
        documents=[row["text"] for row in rows],
        embeddings=[row["style"] for row in rows],
        metadatas=[{k: v for k, v in row.items() if k not in {"lot", "text", "style"}} for row in rows],
    )
    return ids


def save_search(db, lots, owner, **criteria):
    """Store a search after trying it: what does not run now will not run tonight."""
    unknown = criteria.keys() - {"where", "where_document", "like", "within"}
    if unknown:
        raise ValueError(f"unknown criteria {sorted(unknown)}")
    run_search(lots, criteria, ids=None)
    with db:
        cursor = db.execute(
            "INSERT INTO searches (owner, criteria) VALUES (?, ?)", (owner, json.dumps(criteria))
        )
    return cursor.lastrowid


def run_search(lots, criteria, ids):
    filters = {name: criteria[name] for name in ("where", "where_document") if criteria.get(name)}
    if "like" not in criteria:
        return lots.get(ids=ids, include=[], **filters)["ids"]
    found = lots.query(
        query_embeddings=[criteria["like"]],
        ids=ids,
        n_results=len(ids) if ids else 1,
        include=["distances"],
        **filters,
    )
    limit = criteria.get("within", float("inf"))
    return [lot for lot, distance in zip(found["ids"][0], found["distances"][0]) if distance <= limit]


def alerts(db, lots, fresh):
    """{owner: [lots]} for the fresh lots; searches that fail are marked, not fatal."""
    outbox = {}
    for search_id, owner, criteria in db.execute(
        "SELECT id, owner, criteria FROM searches WHERE broken IS NULL ORDER BY id"
    ).fetchall():
        try:
            matches = run_search(lots, json.loads(criteria), ids=fresh)
        except (ChromaError, ValueError) as error:
            with db:
                db.execute("UPDATE searches SET broken = ? WHERE id = ?", (str(error)[:200], search_id))
            continue
        for lot in matches:
            if lot not in outbox.setdefault(owner, []):
                outbox[owner].append(lot)
    return {owner: sorted(found) for owner, found in outbox.items() if found}


MORNING = [
    {"lot": "1", "text": "Longcase clock, oak, signed Hartley",
     "kind": "clock", "estimate": 1800, "year": 1780, "style": [0.9, 0.1, 0.0]},
    {"lot": "2", "text": "Art deco cocktail cabinet, walnut",
     "kind": "furniture", "estimate": 2400, "year": 1932, "style": [0.2, 0.9, 0.3]},
    {"lot": "3", "text": "Box of pewter spoons, some bent",
     "kind": "silver", "estimate": 40, "year": 1850, "style": [0.7, 0.0, 0.2]},
]
AFTERNOON = [
    {"lot": "4", "text": "Carriage clock, brass, with key",
     "kind": "clock", "estimate": 350, "year": 1890, "style": [0.7, 0.3, 0.1]},
    {"lot": "5", "text": "Chrome tea trolley, Bauhaus manner",
     "kind": "furniture", "estimate": 600, "year": 1929, "style": [0.0, 0.8, 0.9]},
]


def main():
    lots = chromadb.EphemeralClient().create_collection("auction_lots", metadata={"sale": "2024-11"})
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(SCHEMA)
        fresh = new_lots(lots, MORNING)

        save_search(db, lots, "ruth", where={"$and": [{"kind": "clock"}, {"estimate": {"$lte": 500}}]})
        save_search(db, lots, "ruth", where={"year": {"$lt": 1800}})
        save_search(db, lots, "omar", where_document={"$regex": "(?i)bauhaus|art deco"})
        save_search(db, lots, "wim", like=[0.0, 1.0, 0.8], within=0.4, where={"kind": "furniture"})
        save_search(db, lots, "eva", where={"kind": {"$ne": "silver"}}, where_document={"$not_contains": "clock"})

        for nonsense in ({"where": {"kind": ["clock"]}}, {"where_document": {"$regex": "(((" }}, {"colour": "red"}):
            try:
                save_search(db, lots, "troll", **nonsense)
            except (ChromaError, ValueError) as error:
                print("not saved:", " ".join(str(error).split())[:70])
            else:
                raise AssertionError(nonsense)

        morning = alerts(db, lots, fresh)
        assert morning == {"ruth": ["1"], "omar": ["2"], "wim": ["2"], "eva": ["2"]}, morning

        # The afternoon: the same searches, other lots; nothing of the morning is repeated.
        fresh = new_lots(lots, AFTERNOON)
        assert lots.count() == 5
        afternoon = alerts(db, lots, fresh)
        assert afternoon == {"ruth": ["4"], "omar": ["5"], "wim": ["5"], "eva": ["5"]}, afternoon

        # A row from an older version of the program, with an operator that never existed.
        with db:
            db.execute(
                "INSERT INTO searches (owner, criteria) VALUES ('old', ?)",
                (json.dumps({"where": {"year": {"$between": [1700, 1800]}}}),),
            )
        assert alerts(db, lots, fresh) == afternoon
        (broken,) = db.execute("SELECT broken FROM searches WHERE owner = 'old'").fetchone()
        assert "$between" in broken

        saved = db.execute("SELECT count(*) FROM searches WHERE broken IS NULL").fetchone()[0]
        print(f"{saved} searches; morning {morning}; afternoon {afternoon}")


if __name__ == "__main__":
    main()
