"""Pin down every `where` and `where_document` operator with parametrised tests over a collection of asteroids."""
from __future__ import annotations

from collections.abc import Iterator

import chromadb
import pytest

ASTEROIDS = [
    # id        diameter  class  hazardous  discoverers            note
    ("ceres", 939.4, "C", False, ["Piazzi"], "Dwarf planet, water ice under the crust"),
    ("pallas", 512.0, "B", False, ["Olbers"], "Strongly inclined orbit"),
    ("vesta", 525.4, "V", False, ["Olbers"], "Basalt crust, visited by Dawn"),
    ("eros", 16.8, "S", False, ["Witt", "Charlois"], "Elongated, landed on by NEAR"),
    ("apophis", 0.34, "S", True, ["Tucker", "Tholen", "Bernardi"], "Close approach in 2029"),
    ("bennu", 0.49, "B", True, ["LINEAR"], "Rubble pile, samples returned in 2023"),
]
NAMES = [row[0] for row in ASTEROIDS]


@pytest.fixture(scope="module")
def belt() -> Iterator[chromadb.Collection]:
    client = chromadb.EphemeralClient()
    collection = client.get_or_create_collection("asteroid_belt", embedding_function=None)
    collection.add(
        ids=NAMES,
        embeddings=[[float(i), 1.0] for i in range(len(NAMES))],
        documents=[row[5] for row in ASTEROIDS],
        metadatas=[
            {"km": km, "type": kind, "hazardous": hazardous, "found_by": people}
            for _, km, kind, hazardous, people, _ in ASTEROIDS
        ],
    )
    # one record without metadata: does a filter's negation include it?
    collection.add(ids=["unnamed"], embeddings=[[99.0, 1.0]], documents=["Provisional designation only"])
    yield collection
    client.delete_collection("asteroid_belt")
    client.close()


def matching(belt, **filters) -> set[str]:
    """Names found by get(), after checking that query() agrees with it."""
    via_get = set(belt.get(**filters, include=[])["ids"])
    via_query = set(belt.query(query_embeddings=[[0.0, 1.0]], n_results=10, **filters, include=[])["ids"][0])
    assert via_get == via_query
    return via_get


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param({"type": "S"}, {"eros", "apophis"}, id="shorthand-eq"),
        pytest.param({"type": {"$eq": "V"}}, {"vesta"}, id="eq"),
        pytest.param({"hazardous": True}, {"apophis", "bennu"}, id="eq-bool"),
        pytest.param({"km": {"$gt": 512.0}}, {"ceres", "vesta"}, id="gt"),
        pytest.param({"km": {"$gte": 512.0}}, {"ceres", "vesta", "pallas"}, id="gte"),
        pytest.param({"km": {"$lt": 0.49}}, {"apophis"}, id="lt"),
        pytest.param({"km": {"$lte": 0.49}}, {"apophis", "bennu"}, id="lte"),
        pytest.param({"type": {"$in": ["C", "V"]}}, {"ceres", "vesta"}, id="in"),
        pytest.param({"found_by": {"$contains": "Olbers"}}, {"pallas", "vesta"}, id="array-contains"),
        pytest.param(
            {"$and": [{"type": "B"}, {"hazardous": False}]}, {"pallas"}, id="and"
        ),
        pytest.param(
            {"$or": [{"km": {"$gt": 900}}, {"type": "V"}]}, {"ceres", "vesta"}, id="or-int-against-float"
        ),
        pytest.param(
            {"$and": [{"$or": [{"type": "S"}, {"type": "B"}]}, {"km": {"$lt": 1.0}}]},
            {"apophis", "bennu"},
            id="nested",
        ),
        pytest.param({"type": "Z"}, set(), id="no-match"),
        pytest.param({"albedo": {"$gt": 0}}, set(), id="unknown-key"),
    ],
)
def test_where(belt, where, expected):
    assert matching(belt, where=where) == expected


@pytest.mark.parametrize(
    ("where", "excluded"),
    [
        ({"type": {"$ne": "S"}}, {"eros", "apophis"}),
        ({"type": {"$nin": ["S", "B"]}}, {"eros", "apophis", "pallas", "bennu"}),
        ({"found_by": {"$not_contains": "Olbers"}}, {"pallas", "vesta"}),
    ],
    ids=["ne", "nin", "array-not-contains"],
)
def test_negations_keep_records_without_the_key(belt, where, excluded):
    assert matching(belt, where=where) == {*NAMES, "unnamed"} - excluded


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"$contains": "crust"}, {"ceres", "vesta"}),
        ({"$contains": "Crust"}, set()),  # case matters
        ({"$not_contains": "a"}, {"pallas"}),
        ({"$regex": r"20\d\d"}, {"apophis", "bennu"}),
        ({"$regex": r"(?i)^DWARF"}, {"ceres"}),
        ({"$not_regex": r"[,]"}, {"pallas", "apophis", "unnamed"}),
        ({"$and": [{"$contains": "crust"}, {"$not_contains": "ice"}]}, {"vesta"}),
        ({"$or": [{"$contains": "Dawn"}, {"$contains": "NEAR"}]}, {"vesta", "eros"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_where_document(belt, condition, expected):
    assert matching(belt, where_document=condition) == expected


def test_filters_combine_with_ids_and_paging(belt):
    page = belt.get(
        ids=["vesta", "eros", "bennu"],
        where={"km": {"$lt": 100}},
        where_document={"$contains": "e"},
        limit=1,
        offset=1,
        include=["metadatas"],
    )
    assert page["ids"] == ["bennu"] and page["metadatas"][0]["found_by"] == ["LINEAR"]
    near = belt.query(query_embeddings=[[0.0, 1.0]], ids=["eros", "bennu"], n_results=5, include=["distances"])
    assert near["ids"] == [["eros", "bennu"]] and near["distances"] == [[9.0, 25.0]]


@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ({"type": {"$like": "S%"}}, "Expected where operator to be one of"),
        ({"type": {"$gt": "S"}}, "to be an int or a float"),
        ({"type": "S", "hazardous": True}, "exactly one operator"),
        ({"$and": [{"type": "S"}]}, "at least two where expressions"),
        ({"type": {"$in": []}}, "non-empty list"),
        ({"type": {"$in": ["S", 1]}}, "same type"),
    ],
    ids=["unknown-operator", "gt-on-text", "two-keys", "lonely-and", "empty-in", "mixed-in"],
)
def test_invalid_filters_are_refused_before_the_database_is_asked(belt, where, complaint):
    with pytest.raises(ValueError, match=complaint):
        belt.get(where=where)


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
