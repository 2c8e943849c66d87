"""Python expressions, read no further than a name's meaning needs.

Knows: dotted names, calls and brackets, also in code that is broken. Must not know: ChromaDB.
"""

from __future__ import annotations

import re

LONGEST = 3_000
"""Characters of an expression that are read."""

_WORD = re.compile(r"[^\W\d][\w.]*")


def reduce(value: str) -> str:
    """A right-hand side as a dotted name with `()` for calls: `await a.b("x", f(y)).c(` is `a.b().c()`.

    Of alternatives the first counts; what is unpacked or computed gives nothing.
    """
    value = value.strip()
    while value.startswith("(") or value.startswith("await "):
        value = value[1 if value.startswith("(") else 6 :].lstrip()
    found, at = "", 0
    while word := _WORD.match(value, at):
        found += word.group()
        at = word.end()
        if value[at : at + 1] == "(":
            inner, at = at + 1, _past_brackets(value, at)
            if found in ("closing", "contextlib.closing", "asyncio.run") or found.endswith(".enter_context"):
                return reduce(value[inner:])
            found += "()"
        elif value[at : at + 1] == "[":
            return ""
        if value[at : at + 1] != ".":
            break
        found += "."
        at += 1
    rest = value[at:].lstrip(" )\t")
    return found if not rest or rest[0] in "#,:]" or rest.startswith(("if ", "or ", "as ", "\n")) else ""


_DIVIDERS = re.compile(r"[()\[\]{},]|\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*")
_BRACKETS = re.compile(r"[()\[\]{}]|\"[^\"\n]*\"|'[^'\n]*'")


def _past_brackets(text: str, at: int) -> int:
    """Behind the bracket that closes the one at a place; the text's end if none does."""
    depth = 0
    for mark in _BRACKETS.finditer(text, at):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(mark.group(), 0)
        if depth == 0:
            return mark.end()
    return len(text)


def arguments(text: str, at: int) -> list[str]:
    """The parts between the bracket at a place and its end that commas divide; none if it is not closed soon."""
    parts, depth, begin = [], 0, at + 1
    for mark in _DIVIDERS.finditer(text, at, at + LONGEST):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(mark.group(), 0)
        if depth == 0 or (depth == 1 and mark.group() == ","):
            parts.append(text[begin : mark.start()])
            begin = mark.end()
        if depth == 0:
            return parts
    return []
