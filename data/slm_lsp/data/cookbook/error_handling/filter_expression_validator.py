"""Turn what users type into a search form into a valid Chroma filter, and explain what is wrong if it is not.

Chroma checks filters before a query runs and raises ValueError with the offending part. The first half collects
the mistakes people make, with Chroma's answer; the second is a small builder that cannot produce them.
"""

from __future__ import annotations

import unittest
from dataclasses import dataclass
from typing import Any, Iterable, Union

import chromadb
from chromadb.api.types import Where, WhereDocument, validate_where, validate_where_document
from chromadb.errors import InvalidArgumentError

WRONG_WHERE: list[tuple[Any, str]] = [
    ({}, "exactly one operator"),
    ({"price": 3, "stock": 1}, "exactly one operator"),
    ({"price": {"$gt": 1, "$lt": 9}}, "exactly one operator"),
    ({"price": {"$gt": "cheap"}}, "int or a float"),
    ({"price": {"$between": [1, 9]}}, "where operator to be one of"),
    ({"price": None}, "str, int, float"),
    ({"kind": {"$in": "saw"}}, "to be an list"),
    ({"kind": {"$in": []}}, "non-empty list"),
    ({"kind": {"$in": ["saw", 4]}}, "same type"),
    ({"$and": [{"price": 3}]}, "at least two"),
    ({"$or": {"price": 3}}, "to be a list"),
    ({"$not": [{"price": 3}]}, "str, int, float"),
    ({"$contains": "saw"}, "metadata field name"),
    ([("price", 3)], "to be a dict"),
]

WRONG_WHERE_DOCUMENT: list[tuple[Any, str]] = [
    ({"$contains": ""}, "non-empty str"),
    ({"$contains": 7}, "to be a str"),
    ({"$contains": "a", "$not_contains": "b"}, "exactly one operator"),
    ({"$like": "%saw%"}, "to be one of"),
    ({"$or": [{"$contains": "a"}]}, "at least two"),
    ("saw", "to be a dictionary"),
]

Scalar = Union[str, int, float, bool]


@dataclass(frozen=True)
class Condition:
    """One condition or a combination; `&` and `|` combine. `where()` gives what Chroma takes."""

    expression: dict[str, Any]

    def where(self) -> Where:
        validate_where(self.expression)  # the same check that Collection.get() makes
        return self.expression

    def __and__(self, other: Condition) -> Condition:
        return Condition({"$and": [*self._parts("$and"), *other._parts("$and")]})

    def __or__(self, other: Condition) -> Condition:
        return Condition({"$or": [*self._parts("$or"), *other._parts("$or")]})

    def _parts(self, operator: str) -> list[dict[str, Any]]:
        """a & b & c becomes one $and of three instead of nested pairs."""
        return self.expression.get(operator, [self.expression])


def between(key: str, low: float | None, high: float | None) -> Condition | None:
    bounds = [Condition({key: {op: v}}) for op, v in (("$gte", low), ("$lte", high)) if v is not None]
    return all_of(bounds)


def one_of(key: str, values: Iterable[Scalar]) -> Condition | None:
    """None for no choice at all: an empty box in a form means "any", and $in [] would be an error."""
    chosen = list(dict.fromkeys(values))
    if not chosen:
        return None
    return Condition({key: chosen[0]}) if len(chosen) == 1 else Condition({key: {"$in": chosen}})


def all_of(conditions: Iterable[Condition | None]) -> Condition | None:
    present = [condition for condition in conditions if condition is not None]
    combined = None
    for condition in present:
        combined = condition if combined is None else combined & condition
    return combined


def words(text: str) -> WhereDocument | None:
    """'hand saw -steel' -> documents with both words, without the third."""
    parts: list[WhereDocument] = []
    for word in text.split():
        parts.append({"$not_contains": word[1:]} if word.startswith("-") and len(word) > 1 else {"$contains": word})
    return parts[0] if len(parts) == 1 else {"$and": parts} if parts else None


def search(collection: chromadb.Collection, form: dict[str, Any]) -> list[str]:
    condition = all_of([
        between("price", form.get("from"), form.get("to")),
        one_of("kind", form.get("kinds", [])),
        Condition({"used": {"$ne": True}}) if form.get("new_only") else None,
    ])
    return sorted(collection.get(
        where=condition.where() if condition else None, where_document=words(form.get("text", "")), include=[]
    )["ids"])


class FilterTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.client = chromadb.EphemeralClient()
        cls.tools = cls.client.create_collection("tools", embedding_function=None)
        rows = [
            ("s1", "hand saw with beech handle", "saw", 19.0, False),
            ("s2", "hand saw, steel frame", "saw", 35.0, True),
            ("h1", "claw hammer", "hammer", 15.5, False),
            ("p1", "block plane, steel", "plane", 48.0, False),
        ]
        cls.tools.add(
            ids=[row[0] for row in rows],
            documents=[row[1] for row in rows],
            embeddings=[[1.0, 0.0]] * len(rows),
            metadatas=[{"kind": kind, "price": price, "used": used} for _, _, kind, price, used in rows],
        )

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.delete_collection("tools")

    def test_wrong_where_is_refused_by_get_query_and_delete(self) -> None:
        for where, hint in WRONG_WHERE:
            with self.subTest(where=where):
                with self.assertRaisesRegex(ValueError, hint):
                    self.tools.get(where=where)
                with self.assertRaisesRegex(ValueError, hint):
                    self.tools.query(query_embeddings=[[1.0, 0.0]], where=where)
                with self.assertRaisesRegex(ValueError, hint):
                    self.tools.delete(where=where)
        self.assertEqual(self.tools.count(), 4)

    def test_wrong_where_document(self) -> None:
        for where_document, hint in WRONG_WHERE_DOCUMENT:
            with self.subTest(where_document=where_document):
                with self.assertRaisesRegex(ValueError, hint):
                    self.tools.get(where_document=where_document)
                with self.assertRaisesRegex(ValueError, hint):
                    validate_where_document(where_document)

    def test_a_broken_regex_is_found_by_the_database_not_by_the_client(self) -> None:
        with self.assertRaisesRegex(InvalidArgumentError, "regex parse error"):
            self.tools.get(where_document={"$regex": "saw("})
        found = self.tools.get(where_document={"$regex": r"^hand\s+saw"}, include=[])["ids"]
        self.assertEqual(sorted(found), ["s1", "s2"])

    def test_forms(self) -> None:
        expected = [
            ({}, ["h1", "p1", "s1", "s2"]),
            ({"from": 16, "to": 40}, ["s1", "s2"]),
            ({"kinds": ["saw"], "new_only": True}, ["s1"]),
            ({"kinds": ["saw", "plane"], "text": "steel"}, ["p1", "s2"]),
            ({"text": "hand saw -steel"}, ["s1"]),
        ]
        for form, ids in expected:
            self.assertEqual(search(self.tools, form), ids, form)

    def test_combinations_stay_flat(self) -> None:
        a, b, c = Condition({"price": 1}), Condition({"kind": "saw"}), Condition({"used": False})
        self.assertEqual((a & b & c).where(), {"$and": [{"price": 1}, {"kind": "saw"}, {"used": False}]})
        self.assertEqual(
            ((a & b) | c).where(), {"$or": [{"$and": [{"price": 1}, {"kind": "saw"}]}, {"used": False}]}
        )


if __name__ == "__main__":
    for bad, _ in WRONG_WHERE[:4]:
        try:
            validate_where(bad)
        except ValueError as problem:
            print(f"{bad!s:<32} {problem}")
        else:
            raise AssertionError(f"accepted: {bad}")
    unittest.main(verbosity=0)
