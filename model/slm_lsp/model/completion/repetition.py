"""Whether a line says again what already stands around it, where nobody would say it twice.

Knows: lines, indentation, open brackets. Must not know: models, how sure anybody is.

Small models like to write what they have just read. People repeat a call now and then, but hardly ever one of the
two lines above, nor an argument, a key or an item in one bracket, nor the name of a function or class in one scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from slm_lsp.model.completion.shape import WINDOW, read_before

_MEANS = re.compile(r"\b(?!(?:None|True|False)\b)[^\W\d]\w")
"""Lines without a word, or with nothing but a constant, may well be said twice."""
_KEY = re.compile(r"(?!lambda\b)(\w+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*(?:=(?!=)|:)")
"""An argument, a parameter or a key, and what it is given."""
_DEFINED = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)[ \t]*[(:\[]")


def says_again(before: str, text: str, after: str) -> bool:
    """Whether the first line of a text, between these parts of a document, repeats what stands there.

    All three have unix newlines. Never raises.
    """
    start = before.rfind("\n") + 1
    line = (before[start:] + text.split("\n", 1)[0]).rstrip(" \t,")
    if not _MEANS.search(line) or line.lstrip()[0] in ")]}@":
        return False
    above = before[max(start - WINDOW, 0) : start].split("\n")[:-1][::-1]
    below = after[:WINDOW].split("\n")[1:]
    if _DEFINED.match(line.strip()):
        return _is_defined(line, above, below)
    reading = read_before(before[:start])
    bracket = reading.code[reading.opened[-1]] if reading.opened and not reading.quotes else ""
    if bracket != "[" and line in _last(line, above):
        return True
    if not bracket or line[-1] in "([{":
        return False
    item = _item(line, bracket)
    return item is not None and any(
        item == _item(one, bracket) for lines in (above, below) for one in _beside(line, lines)
    )


def _last(line: str, above: Iterable[str]) -> list[str]:
    """The two lines above, the nearest first; the nearest alone where it is the head of the line's block."""
    last = [one.rstrip(" \t,") for one in above if one.strip()][:2]
    return last[:1] if last and _depth(last[0]) < _depth(line) else last


def _is_defined(line: str, above: Iterable[str], below: Iterable[str]) -> bool:
    """Whether the name that a line defines is defined in its scope; not where decorators tell that it may be twice."""
    name = _defined(line)
    before, after = list(_statements(line, above)), list(_statements(line, below))
    if before and before[0].startswith("@"):
        return False
    decorated = [other.startswith("@") for other in before[1:]] + [False]
    return any(_defined(one) == name and not twice for one, twice in zip(before, decorated, strict=False)) or any(
        _defined(one) == name for one in after
    )


def _defined(line: str) -> str | None:
    found = _DEFINED.match(line.strip())
    return found[1] if found else None


def _statements(line: str, lines: Iterable[str]) -> Iterator[str]:
    """What stands beside the line, without the ends of brackets and comments."""
    for one in _beside(line, lines):
        if one.lstrip()[0] not in ")]}#":
            yield one.strip()


def _beside(line: str, lines: Iterable[str]) -> Iterator[str]:
    """Those of the lines, going away from a line, that are indented as it is, as far as its block or bracket goes."""
    depth = _depth(line)
    for one in lines:
        if one.strip():
            if _depth(one) < depth:
                return
            if _depth(one) == depth:
                yield one


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _item(line: str, bracket: str) -> str | None:
    """What may stand only once in a bracket: the name or key that is given something, else the line; None for others.

    In a list items may be equal.
    """
    found = _KEY.match(line.strip())
    if found:
        return found[1]
    return None if bracket == "[" else line.strip(" \t,")
