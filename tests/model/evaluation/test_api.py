"""The API benchmark: every method, keyword and literal of a program's ChromaDB calls, and of no other call."""

from __future__ import annotations

from dataclasses import dataclass

from doubles import PROGRAM
from slm_lsp.model.evaluation.api import api_points, judge_api

SOURCE = """import chromadb
from chromadb import Collection

client = chromadb.EphemeralClient()
notes = client.create_collection("notes", metadata={"hnsw:space": "cosine"})
seen = set()
seen.add("ü")
notes.add(ids=["ü"], documents=texts)
dict(a=1).get("a")


def find(shelf: Collection, words):
    return shelf.query(query_texts=words, n_results=-1)["ids"]
"""


def test_every_part_of_chromadb_calls_is_asked_for_and_nothing_else() -> None:
    found = [(point.kind, point.target) for point in api_points("a.py", SOURCE)]
    assert found == [
        ("method", "EphemeralClient"),
        ("method", "create_collection"),
        ("literal", '"notes"'),
        ("keyword", "metadata="),
        ("literal", '{"hnsw:space": "cosine"}'),
        ("method", "add"),
        ("keyword", "ids="),
        ("literal", '["ü"]'),
        ("keyword", "documents="),
        ("method", "query"),
        ("keyword", "query_texts="),
        ("keyword", "n_results="),
        ("literal", "-1"),
    ]
    for point in api_points("a.py", SOURCE):
        assert point.prefix + point.target + point.suffix == SOURCE


def test_what_does_not_parse_or_does_not_import_chromadb_has_no_points() -> None:
    assert api_points("a.py", "import chromadb\nchromadb.Client(") == []
    assert api_points("a.py", "client.create_collection('a')\n") == []


@dataclass(frozen=True)
class Says:
    """Answers everything with one text and one list of names, and notes what it was shown."""

    text: str
    names: tuple[str, ...]
    suffixes: list[str]
    confidence: float = 1.0
    shown: bool = True

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Says:
        self.suffixes.append(suffix)
        return self

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[Named]:
        return [Named(name) for name in self.names]


@dataclass(frozen=True)
class Named:
    name: str


def test_exact_begins_with_the_target_and_does_not_go_on_with_the_same_word() -> None:
    point = next(point for point in api_points("p.py", PROGRAM) if point.target == "get_or_create_collection")
    suffixes: list[str] = []
    right = next(
        judge_api(Says("get_or_create_collection(name)", ("x", "get_or_create_collection"), suffixes), [point])
    )
    wrong = next(judge_api(Says("get_or_create_collections(", ("x",), suffixes), [point]))
    assert (right.right, right.rank) == (True, 2) and right.ms > 0
    assert (wrong.right, wrong.rank) == (False, 0)
    assert all(suffix.startswith("\n") for suffix in suffixes)


def test_a_keyword_is_found_with_or_without_its_sign() -> None:
    point = next(point for point in api_points("p.py", PROGRAM) if point.target == "n_results=")
    assert next(judge_api(Says("n_results=count", ("n_results",), []), [point])).rank == 1
    assert next(judge_api(Says("n_results=count", ("n_results=",), []), [point])).rank == 1
