"""Dismissals: what makes two places the same, and what is forgotten."""

from __future__ import annotations

import gc

import pytest
from pygls.workspace import ServerTextPosition

from slm_lsp.server.dismissals import KEPT, Dismissals, spot_at
from slm_lsp.server.documents import Document, ExactCodec

AT = ServerTextPosition(1, 4)
TEXT = "first\nx = \nlast\n"


def document(text: str = TEXT) -> Document:
    return Document("file:///a.py", text, 1, "python", ExactCodec("utf-16"))


@pytest.mark.parametrize(
    ("text", "at", "same"),
    [
        (TEXT, AT, True),
        ("one more\n" + TEXT, ServerTextPosition(2, 4), True),
        (TEXT.replace("last", "least"), AT, True),
        (TEXT.replace("x = ", "x = y"), AT, True),
        (TEXT.replace("\n", "\r\n"), AT, True),
        (TEXT, ServerTextPosition(1, 3), False),
        (TEXT.replace("x", "y"), AT, False),
        (TEXT.replace("first", "one"), AT, False),
        ("x = ", ServerTextPosition(0, 4), False),
    ],
)
def test_a_spot_is_the_text_before_it(text: str, at: ServerTextPosition, same: bool) -> None:
    assert (spot_at(document(text), at) == spot_at(document(), AT)) is same


def test_what_was_dismissed_where() -> None:
    dismissals, one, other = Dismissals(), document(), document()
    spot = spot_at(one, AT)
    dismissals.add(one, spot, "a\r\nb")
    assert dismissals.holds(one, spot, "a\nb")
    assert not dismissals.holds(one, spot, "a")
    assert not dismissals.holds(one, ("", "x = "), "a\nb")
    assert not dismissals.holds(other, spot, "a\nb"), "another document with the same name"


def test_half_a_character_can_be_dismissed() -> None:
    dismissals, opened = Dismissals(), document()
    dismissals.add(opened, ("", ""), "\ud83d")
    assert dismissals.holds(opened, ("", ""), "\ud83d")


def test_the_oldest_are_forgotten_and_closed_documents_altogether() -> None:
    dismissals, opened = Dismissals(), document()
    dismissals.add(opened, ("", ""), "again")
    for number in range(KEPT - 1):
        dismissals.add(opened, ("", ""), str(number))
    dismissals.add(opened, ("", ""), "again")
    dismissals.add(opened, ("", ""), "one too many")
    assert dismissals.holds(opened, ("", ""), "again")
    assert dismissals.holds(opened, ("", ""), "1")
    assert not dismissals.holds(opened, ("", ""), "0")
    del opened
    gc.collect()
    assert len(dismissals._dismissed) == 0
