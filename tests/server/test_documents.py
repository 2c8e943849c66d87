"""Documents: LSP lines, positions in every encoding, incremental edits against a naive reference."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import ServerTextPosition, Workspace

from slm_lsp.server.documents import Document, Documents, ExactCodec, split_lines

ENCODINGS = list(types.PositionEncodingKind)
WIDTHS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
CHARACTERS = [
    "a",
    "(",
    " ",
    "\t",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\f",
    "\v",
    "\x1c",
    "\x85",
    "\u2028",
    "é",
    "日",
    "😋",
]
texts = st.lists(st.sampled_from(CHARACTERS), max_size=30).map("".join)
encodings = st.sampled_from(ENCODINGS)
positions = st.builds(types.Position, st.integers(0, 12), st.integers(0, 12))


def document(text: str, encoding: types.PositionEncodingKind = types.PositionEncodingKind.Utf16) -> Document:
    return Document("file:///a.py", text, 1, "python", ExactCodec(encoding))


def reference_offset(text: str, position: types.Position, encoding: types.PositionEncodingKind) -> int:
    """Index into the text, found by walking it one character at a time."""
    codec, width = WIDTHS[encoding.value]
    index, line = 0, 0
    while line < position.line:
        if index == len(text):
            return len(text)
        ended = text[index] in "\r\n" and text[index : index + 2] != "\r\n"
        line += ended
        index += 1
    units = 0
    while index < len(text) and text[index] not in "\r\n":
        units += len(text[index].encode(codec)) // width
        if units > position.character:
            break
        index += 1
    return index


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a\n", ""]),
        ("a\r\nb\rc\n", ["a\r\n", "b\r", "c\n", ""]),
        ("\r\r\n\n", ["\r", "\r\n", "\n", ""]),
        ("a\fb\vc\x1cd\x85e\u2028f\u2029g", ["a\fb\vc\x1cd\x85e\u2028f\u2029g"]),
    ],
)
def test_lines_end_at_lsp_line_endings_only(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@given(texts, st.lists(st.tuples(positions, positions, texts), max_size=8), encodings)
@settings(max_examples=400, deadline=None)
def test_edits_agree_with_a_naive_reference(
    text: str,
    edits: list[tuple[types.Position, types.Position, str]],
    encoding: types.PositionEncodingKind,
) -> None:
    edited = document(text, encoding)
    for one, other, new in edits:
        start, end = sorted(reference_offset(text, end, encoding) for end in (one, other))
        text = text[:start] + new + text[end:]
        edited.apply_change(types.TextDocumentContentChangePartial(types.Range(one, other), new))
        assert edited.source == text
        assert edited.lines == split_lines(text)


@given(texts, positions, encodings)
@settings(deadline=None)
def test_before_and_after_agree_with_a_naive_reference(
    text: str, position: types.Position, encoding: types.PositionEncodingKind
) -> None:
    opened = document(text, encoding)
    offset = reference_offset(text, position, encoding)
    at = opened.position_from_client_units(position)
    assert opened.before_and_after(at) == (text[:offset], text[offset:])


@given(texts, encodings)
@settings(deadline=None)
def test_positions_survive_the_round_trip(text: str, encoding: types.PositionEncodingKind) -> None:
    opened = document(text, encoding)
    for number, line in enumerate(opened.lines):
        for character in range(len(line.rstrip("\r\n")) + 1):
            at = ServerTextPosition(number, character)
            assert opened.position_from_client_units(opened.position_to_client_units(at)) == at


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_column_inside_a_character_is_before_it(encoding: types.PositionEncodingKind) -> None:
    opened = document("😋b\n", encoding)
    units = {"utf-8": 4, "utf-16": 2, "utf-32": 1}[encoding.value]
    for column in range(units):
        assert opened.position_from_client_units(types.Position(0, column)).character == 0
    assert opened.position_from_client_units(types.Position(0, units)).character == 1


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    opened = document("a\ud83db")
    opened.apply_change(
        types.TextDocumentContentChangePartial(types.Range(types.Position(0, 2), types.Position(0, 3)), "\ude00")
    )
    assert opened.source == "a\ufffd\ufffd"


def test_a_full_change_replaces_everything() -> None:
    opened = document("one\ntwo\n")
    opened.apply_change(types.TextDocumentContentChangeWholeDocument("three"))
    assert opened.lines == ["three"]


@pytest.mark.parametrize(
    ("start", "end", "new", "line"),
    [
        ((1, 0), (1, 3), "", 1),
        ((0, 1), (2, 2), "", 0),
        ((2, 2), (0, 1), "", 0),
        ((0, 3), (1, 0), "", 0),
        ((1, 0), (1, 3), "tw", 1),  # some editors name the word
        ((1, 0), (1, 3), "to", 1),
        ((1, 0), (1, 3), "wo", 1),
        ((1, 0), (1, 3), "TW", None),
        ((1, 0), (1, 3), "two", None),
        ((1, 0), (1, 3), "twos", None),
        ((1, 3), (1, 3), "s", None),
        ((1, 3), (1, 3), "", None),
        ((1, 3), (1, 99), "", None),
    ],
)
def test_deletions_are_told_from_other_edits(
    start: tuple[int, int], end: tuple[int, int], new: str, line: int | None
) -> None:
    opened = document("one\ntwo\nthree")
    assert opened.deleted_on is None
    where = types.Range(types.Position(*start), types.Position(*end))
    opened.apply_change(types.TextDocumentContentChangePartial(where, new))
    assert opened.deleted_on == line


def test_whatever_comes_after_a_deletion_ends_it() -> None:
    opened = document("one\ntwo\n")
    here = types.Range(types.Position(0, 0), types.Position(0, 1))
    opened.apply_change(types.TextDocumentContentChangePartial(here, ""))
    assert opened.deleted_on == 0
    opened.apply_change(types.TextDocumentContentChangePartial(types.Range(here.start, here.start), "o"))
    assert opened.deleted_on is None
    opened.apply_change(types.TextDocumentContentChangePartial(here, ""))
    opened.apply_change(types.TextDocumentContentChangeWholeDocument("one"))
    assert opened.deleted_on is None


def test_edits_in_a_long_file_cost_little() -> None:
    line = "    value = collection.query(query_texts=[text], n_results=10)\n"
    opened = document(line * 50_000)
    began = time.perf_counter()
    for number in range(500):
        where = types.Position(number * 100, 4)
        opened.apply_change(types.TextDocumentContentChangePartial(types.Range(where, where), "x"))
    a_edit = (time.perf_counter() - began) / 500
    assert opened.source.count("    xvalue") == 500
    assert a_edit < 0.006, f"{a_edit * 1000:.2f} ms an edit; splitting the whole text takes 20"


@pytest.mark.parametrize(
    ("uri", "language", "python"),
    [
        ("file:///a.py", "python", True),
        ("untitled:Untitled-1", "python", True),
        ("file:///a.txt", "python", True),
        ("file:///a.py", "", True),
        ("file:///a.pyi", "", True),
        ("file:///a.txt", "", False),
        ("file:///a.py", "plaintext", False),
    ],
)
def test_which_documents_are_python(uri: str, language: str, python: bool) -> None:
    assert Document(uri, "", 1, language, ExactCodec("utf-16")).is_python is python


def test_the_workspace_makes_our_documents_and_forgets_closed_ones() -> None:
    documents = Documents(Workspace("file:///w", position_encoding=types.PositionEncodingKind.Utf8))
    documents.put_text_document(types.TextDocumentItem("file:///w/a%20b.py", "python", 1, "é = 1\n"))
    opened = documents.opened("file:///w/a b.py")
    assert opened is not None
    assert opened.position_from_client_units(types.Position(0, 2)).character == 1
    assert str(opened.local_path).endswith("a b.py")
    assert documents.opened("file:///w/other.py") is None
    documents.remove_text_document("file:///w/a%20b.py")
    assert documents.opened("file:///w/a b.py") is None


def test_an_untitled_document_lies_nowhere() -> None:
    assert Document("untitled:Untitled-1", "", 1, "python", ExactCodec(None)).local_path is None
