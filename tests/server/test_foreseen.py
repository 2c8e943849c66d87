"""What may be typed next, and where; that names are listed for it, the protocol's tests see."""

from __future__ import annotations

import pytest
from lsprotocol import types

from slm_lsp.server.features.foreseen import _cursor, may_take_dot
from slm_lsp.server.static.analysis import Listed, Names


def change(text: str, line: int = 3, character: int = 8) -> types.TextDocumentContentChangePartial:
    at = types.Position(line, character)
    return types.TextDocumentContentChangePartial(types.Range(at, at), text)


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        (" ", 3, 9),
        ("(", 3, 9),
        ("()", 3, 9),
        ("[]", 3, 9),
        (", ", 3, 10),
        ("\n", 4, 0),
        ("\r\n    ", 4, 4),
        ("x =\n ", 4, 1),
    ],
)
def test_a_name_may_begin_where_the_cursor_stands_after_a_change(text: str, line: int, character: int) -> None:
    assert _cursor([change(text)]) == types.Position(line, character)


@pytest.mark.parametrize("text", ["", "x", "_", "3", ".", ")", '"', "'", "#", "{}.", "é"])
def test_behind_anything_else_no_name_begins(text: str) -> None:
    assert _cursor([change(text)]) is None


def test_changes_in_many_places_are_no_typing() -> None:
    assert _cursor([]) is None
    assert _cursor([change(" "), change(" ", line=5)]) is None
    assert _cursor([types.TextDocumentContentChangeWholeDocument("x = ")]) is None


@pytest.mark.parametrize(
    ("typed", "may"), [("shelf", True), ("she", False), ("", False), ("load", False), ("if", False), ("title", False)]
)
def test_a_dot_may_follow_a_name_that_has_something_behind_it(typed: str, may: bool) -> None:
    kinds = {"shelf": "statement", "shelves": "", "load": "function", "if": "keyword"}
    listed = [Listed(name, kind) for name, kind in kinds.items()]
    assert may_take_dot(Names(5, (*listed, Listed("title", "param", keyword=True))), typed) == may
