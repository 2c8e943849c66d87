"""What is open at a place in Python code: brackets, strings, the statement; told by reading on from a line's start.

Knows: brackets, strings, comments, lines, and that the code around a cursor is often broken. Must not know: cursors,
suggestions, why anybody asks.

A bracket that nobody closed does not swallow the rest of the file: it is given up where a line below it can only begin
a statement of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

OPENING = {")": "(", "]": "[", "}": "{"}
CLOSING = {opening: closing for closing, opening in OPENING.items()}

_TOKEN = re.compile(
    r"[()\[\]{}\n]|\#[^\n]*|\\\n?"
    r'|"""(?s:[^"\\]*(?:(?:\\.|\\\Z|"(?!""))[^"\\]*)*)(?:"""|(?P<three>\Z))'
    r"|'''(?s:[^'\\]*(?:(?:\\.|\\\Z|'(?!''))[^'\\]*)*)(?:'''|(?P<tres>\Z))"
    r'|"[^"\\\n]*(?:\\(?:(?s:.)|\Z)[^"\\\n]*)*(?:"|(?P<two>\Z)|(?P<torn>(?=\n)))'
    r"|'[^'\\\n]*(?:\\(?:(?s:.)|\Z)[^'\\\n]*)*(?:'|(?P<one>\Z)|(?P<broken>(?=\n)))"
)
_QUOTES = {"three": '"""', "tres": "'''", "two": '"', "one": "'", "torn": '"', "broken": "'"}
_START = re.compile(r"[ \t]*(?:(?P<comment>[#\n]|\Z)|(?P<closing>[)\]}])|(?P<word>[^\W\d]\w*)?)")
_STATEMENTS = frozenset(
    (
        "assert",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "except",
        "finally",
        "global",
        "import",
        "nonlocal",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
    )
)
"""Keywords that begin a statement and never a line within brackets."""
_ASSIGNS = re.compile(r"[ \t]*[\w.]+(?:[ \t]+(?:[-+*/|&]?=)[ \t]|\()|[ \t]*@")
"""A line that, when it is indented no more than the statement above it, is a statement of its own."""


@dataclass
class Reading:
    """What stands in some code, from the beginning of a line on."""

    code: str
    """The code, with unix newlines."""
    statements: list[tuple[int, int]] = field(default_factory=list)
    """Beginning (indentation included) and end of the statements that have ended, comments at their end not
    included; lines without code belong to none."""
    strings: list[tuple[int, int]] = field(default_factory=list)
    """Beginning (at the quotes) and end of the strings."""
    comments: list[tuple[int, int]] = field(default_factory=list)
    """Beginning and end of the comments."""
    opened: list[int] = field(default_factory=list)
    """The places of the brackets that are open at the end, outermost first."""
    closed: list[tuple[int, int]] = field(default_factory=list)
    """Place of each closing bracket and of the one it closes; -1 where there was none."""
    newlines: list[tuple[int, int]] = field(default_factory=list)
    """Place of each line end outside strings, and of the innermost bracket open there; -1 where none is."""
    torn: list[int] = field(default_factory=list)
    """Where strings began that did not end on their line."""
    quotes: str = ""
    """Those of the string in which the code ends; empty where it ends outside."""
    start: int = 0
    """Where the last statement begins, its indentation included."""

    def __post_init__(self) -> None:
        end = 0
        for token in _TOKEN.finditer(self.code):
            at, mark = token.start(), token.group()[0]
            if mark == "\n":
                self._end_line(at)
            elif mark in "([{":
                self.opened.append(at)
            elif mark in ")]}":
                self._close(at, OPENING[mark])
            elif mark == "#":
                self.comments.append(token.span())
            elif mark in "\"'":
                self.strings.append(token.span())
                if token.lastgroup in ("torn", "broken"):
                    self.torn.append(at)
                elif token.lastgroup and token.end() == len(self.code):
                    self.quotes = _QUOTES[token.lastgroup]
            end = token.end()
        assert end <= len(self.code)

    def open_at(self, place: int) -> list[int]:
        """The brackets before `place` that are open there, as far as the rest of the code tells."""
        later = {opening for closing, opening in self.closed if closing >= place}
        return sorted({at for at in self.opened if at < place} | {at for at in later if 0 <= at < place})

    def escapes(self, place: int) -> list[int]:
        """The closing brackets behind `place` that close what was opened before it, or nothing at all."""
        first = bisect_left(self.closed, (place, -1))
        return [closing for closing, opening in self.closed[first:] if opening < place]

    def _close(self, at: int, opening: str) -> None:
        for index in range(len(self.opened) - 1, -1, -1):
            if self.code[self.opened[index]] == opening:
                self.closed.append((at, self.opened[index]))
                del self.opened[index:]
                return
        self.closed.append((at, -1))

    def _end_line(self, at: int) -> None:
        """Go on behind the newline at `at`: in the same statement, or in a new one."""
        if self.opened and not self._given_up(at + 1):
            self.newlines.append((at, self.opened[-1]))
            return
        self.opened.clear()
        self.newlines.append((at, -1))
        end = self.comments[-1][0] if self.comments and self.comments[-1][1] == at else at
        if self.code[self.start : end].strip():
            self.statements.append((self.start, end))
        self.start = at + 1

    def _given_up(self, line: int) -> bool:
        """Whether the line that begins there belongs no more to the brackets above it."""
        begins = _START.match(self.code, line)
        assert begins
        if begins["comment"] is not None or begins["closing"] is not None:
            return False
        if begins["word"] in _STATEMENTS:
            return True
        depth = (begins.start("word") if begins["word"] else begins.end()) - line
        own = _START.match(self.code, self.start)
        assert own
        above = (own.start("word") if own["word"] else own.end()) - self.start
        return depth < above or (depth == above and _ASSIGNS.match(self.code, line) is not None)
