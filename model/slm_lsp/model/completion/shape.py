"""How much is wanted at a cursor, and where a text that is being written has come to its end.

Knows: Python's lines, blocks and brackets. Must not know: models, tokens, how sure anybody is.

One line, but for an empty line that only waits for more: below the head of a block that has no body yet, until the
block ends; in a bracket, until that closes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from slm_lsp.model.completion.brackets import Reading

WINDOW = 3000
"""Characters before the cursor that are looked at, and after it; an older bracket is not seen."""
BLOCK_LINES = 6
"""Most lines of a suggestion, but for a statement that goes on."""
MOST_LINES = 12
"""Most lines of any."""
HEADS = frozenset(
    ("async", "case", "class", "def", "elif", "else", "except", "finally", "for", "if", "match", "try", "while", "with")
)
"""Words that begin the head of a block."""
DOCUMENTED = frozenset(("async", "class", "def"))
"""Those below which a docstring is not yet the body."""

_FIRST = re.compile(r"(?P<space>[ \t]*)(?P<word>[^\W\d]\w*)?")
_DOCSTRING = re.compile(r"[ \t]*[rRuU]?[\"']")
_BELOW = re.compile(r"[ \t]*\n(?:[ \t]*(?:\#[^\n]*)?\n)*(?P<indent>[ \t]*)(?P<rest>[^\n]*)")


@dataclass(frozen=True)
class Shape:
    """What is wanted at a cursor."""

    kind: Literal["line", "block", "bracket"] = "line"
    """The rest of the line; the lines of a block's body; the lines up to the end of a bracket."""
    indent: str = ""
    """The white space before the cursor, where lines are wanted."""
    bracket: str = ""
    """The innermost open one, where the lines up to its end are wanted."""
    closed: bool = False
    """Whether what follows the cursor closes it."""


LINE = Shape()
"""One line."""


def wanted(before: str, after: str = "") -> Shape:
    """What is wanted between these texts, both with unix newlines. Never raises."""
    line = before[before.rfind("\n") + 1 :]
    if line.strip(" \t") or "\n" not in before:
        return LINE
    reading = read_before(before)
    if reading.quotes:
        return LINE
    below = _BELOW.match(after[:WINDOW])
    if after.strip() and below is None:
        return LINE  # code stands on the cursor's line
    if reading.opened:
        return _in_bracket(reading, line, after)
    if not _waits(reading, line):
        return LINE
    if below and below["rest"] and len(below["indent"]) >= len(line):
        return LINE  # its body is there already
    return Shape("block", line)


def read_before(before: str) -> Reading:
    """The end of the text before a cursor, read; all of it is taken for code where the cursor stands in code."""
    window = before[-WINDOW:]
    if len(window) == len(before):
        return Reading(window)
    window = window[window.find("\n") + 1 :]
    reading = Reading(window)
    if len(reading.quotes) == 3:  # so the window began between the quotes that it took for the first ones
        return Reading(window[window.find(reading.quotes) + 3 :])
    return reading


def stops(text: str, shape: Shape) -> bool:
    """Whether a text that is being written at the cursor has come to its end.

    That is the end of the line; or the first line that leaves the block; or the end of the line that closes the
    bracket, or the closing bracket itself where one stands behind the cursor already.
    """
    if shape.kind == "line":
        return "\n" in text
    if not shape.closed and "\n" not in text:
        return False
    end, whole = _ends(text, shape)
    lines = text.count("\n")
    return end < len(text) or lines >= MOST_LINES or (lines >= BLOCK_LINES and whole == text.rfind("\n"))


def cut(text: str, shape: Shape, *, complete: bool) -> str:
    """The part of a decoded text that is worth showing: the line, or whole lines of the block or bracket.

    Lines that were not brought to their end (`complete` is false, or there were too many, or a bracket is open) lose
    the last statement; of one that is all there is, the first line is kept.
    """
    if shape.kind == "line":
        return text.split("\n", 1)[0].rstrip()
    end, whole = _ends(text, shape)
    first, last, lines = text.find("\n"), text.rfind("\n"), text.count("\n")
    if lines and end == len(text) and (not complete or whole < last or lines >= BLOCK_LINES):
        end = whole or first
    return text[:end].rstrip()


def _ends(text: str, shape: Shape) -> tuple[int, int]:
    """Where a text has come to its end, its length where it has not; and the last line end outside its brackets."""
    skipped = len(shape.bracket)
    reading = Reading(shape.bracket + text)
    escapes = reading.escapes(skipped)
    if escapes and (shape.closed or not shape.bracket):
        return escapes[0] - skipped, 0
    whole = 0
    for newline, innermost in reading.newlines:
        if innermost >= skipped:
            continue
        whole = newline - skipped
        following = _FIRST.match(reading.code, newline + 1)
        assert following
        left = following.end("space") < len(reading.code) and reading.code[following.end("space")] != "\n"
        if shape.bracket:
            left = innermost < 0
        elif left:
            left = len(following["space"]) < len(shape.indent)
        if left:
            return whole, whole
    again = _again(text, anywhere=bool(shape.bracket))
    return (len(text), whole) if again is None else (again, min(again, whole))


def _again(text: str, *, anywhere: bool) -> int | None:
    """Where a text begins to repeat itself: the end of the line above one that was there already.

    `anywhere` above it, or else just above it.
    """
    lines = text.split("\n")[:-1]
    at = 0
    for number, line in enumerate(lines):
        if len(line.strip()) > 1 and line.strip() in map(
            str.strip, lines[0 if anywhere else max(number - 1, 0) : number]
        ):
            return at - 1
        at += len(line) + 1
    return None


def _waits(reading: Reading, line: str) -> bool:
    """Whether the statements end with the head of a block, or with one and a docstring."""
    if not reading.statements:
        return False
    start, end = reading.statements[-1]
    if len(reading.statements) > 1 and _DOCSTRING.match(reading.code, start, end):
        return _heads(reading, reading.statements[-2], line, DOCUMENTED)
    return _heads(reading, (start, end), line, HEADS)


def _heads(reading: Reading, statement: tuple[int, int], line: str, words: frozenset[str]) -> bool:
    """Whether a statement is the head of a block that the line would be in."""
    start, end = statement
    head = reading.code[start:end].rstrip()
    first = _FIRST.match(head)
    return (
        first is not None and first["word"] in words and head.endswith(":") and len(line) > len(first["space"])
        and not any(start <= at < end for at in reading.torn)
    )  # fmt: skip


def _in_bracket(reading: Reading, line: str, after: str) -> Shape:
    """Lines up to the bracket's end; one line where others follow in it already."""
    begin, place = reading.start, len(reading.code)
    whole = Reading(reading.code[begin:] + after[:WINDOW])
    opened = reading.opened[-1] - begin
    closing = next((closing for closing, opening in whole.closed if opening == opened), None)
    if closing is None:
        return Shape("bracket", line, reading.code[reading.opened[-1]])
    if whole.code[place - begin : closing].strip():
        return LINE
    return Shape("bracket", line, reading.code[reading.opened[-1]], closed=True)
