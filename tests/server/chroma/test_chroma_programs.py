"""On real programs: whatever is offered is accepted by the installed chromadb, and what authors wrote is offered."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chroma_authored import Program, Written

from slm_lsp.server.chroma import Facts, Offer, offers
from slm_lsp.server.chroma.installed import shipped
from slm_lsp.server.chroma.used import used_in
from slm_lsp.trainer.corpus.manifest import archives_folder

ROOT = Path(__file__).parents[3]
COOKBOOK = ROOT / "data" / "slm_lsp" / "data" / "cookbook"
SHOWS_OLD_CALLS = {"collection_calls_since_04.py", "legacy_client_construction.py", "test_collection_migrations.py"}
"""Programs that call what chromadb refuses, to show that it does."""
ALL = [path for path in sorted(COOKBOOK.rglob("*.py")) if path.name not in SHOWS_OLD_CALLS]
ADAPT = archives_folder().parent / "files" / "adapt"
PROJECTS = sorted(ADAPT.rglob("*.py")) or sorted((ROOT / ".demo" / "chromadb-ops").rglob("*.py"))
"""Other people's projects: the split `adapt`, where `corpus unpack adapt` has put it, else the demo's, where it ran."""
PROGRAMS = [
    *(
        pytest.param(path, id=path.stem, marks=[] if at % 12 == 0 else pytest.mark.cookbook)
        for at, path in enumerate(ALL)
    ),
    *(pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in PROJECTS),
]
INSTALLED = shipped()


def cursors(program: Program, one: Written) -> Iterator[tuple[str, str]]:
    """The text before and behind a cursor where something was written: while it is typed, and in the finished call."""
    text = program.text
    yield text[: one.at], text[one.call :]
    behind = text[one.at + len(one.text) :]
    yield text[: one.at], behind.lstrip().removeprefix("=") if one.kind == "keyword" else behind


def found_at(before: str, after: str) -> list[Offer]:
    return offers(before, after, Facts(INSTALLED, used_in(before + after)))


@cache
def database() -> Any:
    import chromadb

    return chromadb.EphemeralClient()  # on disk, a slow machine finds it locked by chromadb's own threads


_made = 0


def made(name: str | None = None, **arguments: Any) -> None:
    """Make a collection; raises what chromadb raises."""
    global _made
    _made += 1
    database().get_or_create_collection(name or f"made-{_made}", embedding_function=None, **arguments)


NUMBERS = {"resize_factor": 1.5, "hnsw:resize_factor": 1.5}


def check(offer: Offer, one: Written) -> None:
    """Let chromadb itself judge an offer; fails or raises if it refuses it."""
    from chromadb.api import types

    label = offer.label
    key = (offer.kind, label, one.kind, one.method if one.kind in ("include", "member", "keyword", "option") else "")
    if key in _checked:
        return
    operand: Any = ["a"] if label in ("$in", "$nin") else 3 if label[:3] in ("$gt", "$lt") else "a"
    if one.kind == "member":
        assert hasattr(_class(one.owner), label) or label in _class(one.owner).__annotations__
    elif offer.kind == "keyword":
        assert label.removesuffix("=") in inspect.signature(getattr(_class(one.owner), one.method)).parameters
    elif offer.kind == "collection":
        made(label.strip("\"'"))
    elif one.kind == "include":
        types.validate_include([label], ["distances"] if one.method == "get" else None)
    elif one.kind in ("key", "operator", "document") and label in ("$and", "$or"):
        parts = [{"$contains": "a"}, {"$contains": "b"}] if one.kind == "document" else [{"a": 1}, {"b": 2}]
        (types.validate_where_document if one.kind == "document" else types.validate_where)({label: parts})
    elif one.kind == "document":
        types.validate_where_document({label: "a"})
    elif one.kind in ("key", "operator"):
        types.validate_where({label: 1} if offer.kind == "key" else {"key": {label: operand}})
    elif one.kind == "metadata":
        types.validate_metadata({label: 1})
    elif one.kind == "index":
        made(metadata={label: "l2" if label == "hnsw:space" else NUMBERS.get(label, 64)})
    elif one.kind == "space":
        made(configuration={"hnsw": {"space": label}})
    elif one.kind == "option" and one.method == "modify":
        database().get_or_create_collection("changed", embedding_function=None).modify(
            configuration={"hnsw": {label: NUMBERS.get(label, 64)}}
        )
    elif one.kind == "option":
        made(configuration={"hnsw": {label: "l2" if label == "space" else NUMBERS.get(label, 64)}})
    else:
        assert one.kind == "section" and label in ("hnsw", "spann", "embedding_function")
    _checked.add(key)


_checked: set[tuple[str, str, str, str]] = set()


def _class(owner: str) -> Any:
    import chromadb
    from chromadb.api.client import AdminClient, Client

    return {"client": Client, "admin": AdminClient, "collection": chromadb.Collection, "chromadb": chromadb}[owner]


@pytest.mark.parametrize("path", PROGRAMS)
def test_what_is_offered_is_accepted(path: Path) -> None:
    program = Program(path.read_text(encoding="utf-8"))
    for one in program.written():
        for before, after in cursors(program, one):
            for offer in found_at(before, after):
                check(offer, one)


@pytest.mark.parametrize("path", PROGRAMS)
def test_no_hint_contradicts_the_author(path: Path) -> None:
    """Where a call's keywords are offered, whoever's it is, they hold what the author passed: else it is another's."""
    program = Program(path.read_text(encoding="utf-8"))
    text = program.text
    for node in ast.walk(program.tree):
        if not isinstance(node, ast.Call) or not node.keywords or not node.keywords[0].arg:
            continue
        at = program.at(node.keywords[0].lineno, node.keywords[0].col_offset)
        end = program.at(node.end_lineno or 1, node.end_col_offset or 0)
        known = {offer.label[:-1] for offer in found_at(text[:at], text[end:]) if offer.kind == "keyword"}
        passed = {keyword.arg for keyword in node.keywords if keyword.arg}
        takes_more = "EmbeddingFunction" in ast.unparse(node.func)  # and hands them on
        assert not known or passed <= known or takes_more, ast.unparse(node.func)


RECALL = {
    "keyword": 0.93,
    "member": 0.88,
    "include": 0.93,
    "operator": 0.9,
    "document": 0.9,
    "section": 0.9,
    "option": 0.9,
    "space": 0.9,
}
"""Least share of what authors wrote that is offered; names and keys depend on whether they are used twice."""


def test_what_authors_wrote_is_offered() -> None:
    written, hit = Counter[str](), Counter[str]()
    for path in ALL[::12]:
        program = Program(path.read_text(encoding="utf-8"))
        for one in program.written():
            before, after = next(cursors(program, one))
            written[one.kind] += 1
            wanted = f"{one.text}=" if one.kind == "keyword" else one.text
            hit[one.kind] += wanted in [offer.label for offer in found_at(before, after)]
    assert sum(written.values()) > 500
    assert {kind for kind, least in RECALL.items() if hit[kind] < least * written[kind]} == set()
