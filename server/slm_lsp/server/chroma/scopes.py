"""Which functions and classes are around a place, told by indentation.

Knows: how blocks are indented, that strings between triple quotes are no blocks. Must not know: what names are.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

MODULE = -1
"""The scope that is around all others."""


class Scope(NamedTuple):
    """A function or class."""

    at: int
    """Where its first line begins."""
    indent: int
    name: str
    is_class: bool
    around: int
    """The scope that it is in."""


class Scopes:
    """The functions and classes of a text, numbered in their order."""

    def __init__(self) -> None:
        self.all: list[Scope] = []
        self.now = MODULE
        """The innermost scope at the place that has been read."""
        self._starts = [0]
        self._innermost = [MODULE]
        self._quotes = ""

    def line(self, at: int, indent: int) -> None:
        """Begin to read a line; the blocks end that it is not indented as far as."""
        if self.now == MODULE or self._quotes or indent < 0 or indent > self.all[self.now].indent:
            return
        while self.now != MODULE and indent <= self.all[self.now].indent:
            self.now = self.all[self.now].around
        self._change(at)

    def quotes(self, marks: tuple[str, ...]) -> None:
        """Take the triple quotes of a line, that is read then."""
        for mark in marks:
            if not self._quotes:
                self._quotes = mark
            elif self._quotes == mark:
                self._quotes = ""

    def open(self, at: int, indent: int, name: str, name_end: int, *, is_class: bool) -> None:
        """Begin a function or class on the line that is read; nothing within a string."""
        if self._quotes:
            return
        self.all.append(Scope(at, indent, name, is_class, self.now))
        self.now = len(self.all) - 1
        self._change(name_end)

    def _change(self, at: int) -> None:
        self._starts.append(at)
        self._innermost.append(self.now)

    def at(self, place: int) -> int:
        """The innermost scope around a place."""
        return self._innermost[bisect_right(self._starts, place) - 1]

    def visible(self, place: int) -> list[int]:
        """The scopes whose names are seen at a place, innermost first, the module's last."""
        scope = self.at(place)
        found: list[int] = []
        while scope != MODULE:
            if not self.all[scope].is_class or not found:
                found.append(scope)
            scope = self.all[scope].around
        return [*found, MODULE]

    def class_of(self, scope: int) -> int:
        """The class that a scope is or is in; MODULE if it is in none."""
        while scope != MODULE and not self.all[scope].is_class:
            scope = self.all[scope].around
        return scope

    def function_of(self, scope: int) -> int:
        """The function that a scope is or is in; MODULE if it is in none."""
        while scope != MODULE and self.all[scope].is_class:
            scope = self.all[scope].around
        return scope
