"""The popup's items: what kind of thing a name is, keyword arguments, marks."""

from __future__ import annotations

import pytest
from lsprotocol.types import CompletionItem, CompletionItemKind, Position, Range, TextEdit

from slm_lsp.server.features.completion import (
    Word,
    has_names,
    items_of,
    kinds_of,
    marked,
    patience,
)
from slm_lsp.server.static.analysis import Listed, Names

Kind = CompletionItemKind
TEXT = "client.query(1)\nload(client.name)\nprint (x)\n"
RANGE = Range(Position(0, 0), Position(0, 2))


@pytest.mark.parametrize(
    ("name", "after_dot", "kind"),
    [
        ("query", True, Kind.Method),
        ("load", False, Kind.Function),
        ("name", True, Kind.Field),
        ("client", False, Kind.Variable),
        ("Client", False, Kind.Class),
        ("Client", True, Kind.Class),
        ("MOST", False, Kind.Variable),
        ("return", False, Kind.Keyword),
        ("None", False, Kind.Keyword),
    ],
)
def test_kinds(name: str, after_dot: bool, kind: Kind) -> None:
    assert kinds_of([name, "other"], TEXT, after_dot)[name] == kind


def items(before: str, ranked: list[str], *listed: Listed) -> list[CompletionItem]:
    return items_of(ranked, Names(5, listed) if listed else None, Word("", before, "", RANGE))


def test_without_static_analysis_kinds_are_guessed_and_nothing_can_be_described() -> None:
    query, name = items(f"{TEXT}client.", ["query", "name"])
    assert (query.kind, name.kind) == (Kind.Method, Kind.Field)
    assert query.data is None
    assert (query.label, query.filter_text, query.sort_text) == ("query", "query", "000")
    assert (name.text_edit, name.sort_text) == (TextEdit(RANGE, "name"), "001")


@pytest.mark.parametrize(
    ("jedis", "before", "kind"),
    [
        ("module", "", Kind.Module),
        ("class", "x.", Kind.Class),
        ("function", "", Kind.Function),
        ("function", "x.", Kind.Method),
        ("property", "x.", Kind.Property),
        ("statement", "query(", Kind.Function),
        ("", "x.", Kind.Field),
    ],
)
def test_kinds_are_those_of_static_analysis_where_it_knows_them(jedis: str, before: str, kind: Kind) -> None:
    [item] = items(f"{before}", ["query"], Listed("query", jedis))
    assert item.kind == kind
    assert item.data == {"list": 5, "name": "query"}


def test_a_keyword_argument_comes_with_its_sign_and_before_the_variable() -> None:
    arguments = Listed("limit", "param", keyword=True), Listed("where", "param", keyword=True)
    found = items("query(", ["limit", "where", "text"], *arguments, Listed("limit", "statement"))
    assert [item.label for item in found] == ["limit=", "limit", "where=", "text"]
    assert [item.sort_text for item in found] == ["000", "001", "002", "003"]
    assert found[0].text_edit == TextEdit(RANGE, "limit=")
    assert found[0].data == {"list": 5, "name": "limit="}
    assert found[1].data == {"list": 5, "name": "limit"}
    assert found[3].data is None


def test_marked_items_are_sorted_before_anybody_elses() -> None:
    few = marked(items("", ["a", "b"]))
    assert {item.detail for item in few} == {"slm-lsp"}
    sort_texts = [str(item.sort_text) for item in few]
    assert sort_texts == sorted(sort_texts)
    assert max(sort_texts) < min("00", "!", "_a", "a")


@pytest.mark.parametrize(("ordering", "wait"), [(0.0, 0.065), (0.015, 0.065), (0.04, 0.04), (0.2, 0.03)])
def test_static_analysis_is_waited_for_as_long_as_the_rest_leaves_time(ordering: float, wait: float) -> None:
    assert patience(ordering) == pytest.approx(wait)


@pytest.mark.parametrize(
    "line", ["shelf.", "    self.shelf.", "call(x).", "[1].", "'text'.", "x = (a\n    .", "from ."]
)
def test_behind_these_dots_names_can_stand(line: str) -> None:
    assert has_names(line)


@pytest.mark.parametrize("line", ["timeout = 3.", "...", "def f(): ...", "class Stub: ..", "x = .", "1e5.", "print(1."])
def test_behind_these_dots_they_cannot(line: str) -> None:
    assert not has_names(line)


def test_the_mark_leaves_the_detail_readable() -> None:
    [item] = marked([CompletionItem("n_results", detail="int = 10")])
    assert item.detail == "slm-lsp: int = 10"
