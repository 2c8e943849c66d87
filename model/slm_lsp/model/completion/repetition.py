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
_KEY = re.compile(r"(\w+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*(?:=(?!=)|:)")
"""An argument, a parameter or a key, and what it is given."""
_DEFINED = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)[ \t]*[(:\[]")


def says_again(before: str, text: str, after: str) -> bool:
    """Whether the first line of a text, between these parts of a document, repeats what stands there.

    All three have unix newlines. Never raises.
    """
    start = before.rfind("\n") + 1
    line = (before[start:] + text.split("\n", 1)[0]).rstrip(" \t,")
    if not _MEANS.search(line) or line.lstrip()[0] in ")]}":
        return False
    above = before[max(start - WINDOW, 0) : start].split("\n")[:-1][::-1]
    below = after[:WINDOW].split("\n")[1:]
    last = [one.rstrip(" \t,") for one in above if one.strip()][:2]
    if line in last:
        return True
    if found := _DEFINED.match(line.strip()):
        if last and last[0].lstrip().startswith("@"):
            return False  # an overload, a setter
        return any(
            (other := _DEFINED.match(one.strip())) is not None and other[1] == found[1]
            for lines in (above, below)
            for one in _beside(line, lines)
        )
    reading = read_before(before[:start])
    if not reading.opened or reading.quotes or line[-1] in "([{":
        return False
    item = _item(line)
    return any(item == _item(one) for lines in (above, below) for one in _beside(line, lines))


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


def _item(line: str) -> str:
    """What may stand only once in a bracket: the name or key that is given something, else the line."""
    found = _KEY.match(line.strip())
    return found[1] if found else line.strip(" \t,")
