"""Whether the names in a line of Python mean anything where it stands, told by the text around it.

Knows: in which functions a name stands and which functions a place can see. Must not know: models, how sure anybody is,
other files.

A name is known wherever it stands in a scope that the place can see, bound or not: whoever wrote it there meant
something by it. What is written behind a dot, in strings and in comments is not looked at. When in doubt a name is
known.
"""

from __future__ import annotations

import builtins
import keyword
import re
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

FURTHEST = 200_000
"""Characters on either side of the line that are looked at."""
LONGEST = 300
"""Characters of a line in which the variables of a comprehension are looked for."""
LONGEST_LINE = 2_000
"""Characters of a line beyond which it is no code that somebody writes, and all its names are taken for known."""
OPEN = 2_000
"""Characters above the line in which an open bracket is looked for."""

_OWN = frozenset((*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "__file__", "__path__", "__annotations__"))
"""Names that nobody needs to bind."""
_MARKS = re.compile(
    r"(?<!\w)[bfrtuBFRTU]{0,2}(?:\"\"\"(?s:.*?)(?:\"\"\"|\Z)|'''(?s:.*?)(?:'''|\Z)"
    r"|\"(?:[^\"\\\n]|\\.)*(?:\"|$)|'(?:[^'\\\n]|\\.)*(?:'|$))|#[^\n]*",
    re.MULTILINE,
)
_NAME = re.compile(r"(?<![\w.])(?P<name>[^\W\d]\w*)(?P<bound>[ \t]*=(?!=))?")
_WORD = re.compile(r"[^\W\d]\w*")
_BINDS = re.compile(r"[ \t]*(?:async[ \t]+def|def|class|import|from|global|nonlocal|case|type)\b")
"""Lines that bind the names in them, nearly all."""
_BOUND = re.compile(
    r"\bfor\b(.*?)\bin\b|\bfor\b([^:]*)\Z|\blambda\b([^:]*):|\bas[ \t]+([\w, \t()]+)|(\w+)[ \t]*:="
    r"|^[ \t]*([\w*(][\w, \t*()]*?)=(?!=)|^[ \t]*(\w+)[ \t]*:"
)
_STARRED = re.compile(r"^[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]*\(?[ \t]*\*", re.MULTILINE)
_LINE = re.compile(r"^(?P<indent>[ \t]*)(?:(?P<def>(?:async[ \t]+)?def[ \t]+\w*)|[^\s)\]}])", re.MULTILINE)


def unknown_names(before: str, text: str, after: str) -> list[str]:
    """The names in the first line of a text, between these parts of a document, that nothing there explains.

    All three have unix newlines. Never raises.
    """
    start = before.rfind("\n") + 1
    place = len(before) - start
    if place > LONGEST_LINE:
        return []
    line = _blanked(before[start:] + text.split("\n", 1)[0])
    written = [found for found in _NAME.finditer(line) if found.end("name") > place and not found["bound"]]
    names = dict.fromkeys(found["name"] for found in written if found["name"] not in _OWN)
    if not names or _BINDS.match(line):
        return []
    around = _around(before[:start][-FURTHEST:], after.partition("\n")[2][:FURTHEST])
    if around.is_doubtful:
        return []
    bound = {name for found in _BOUND.finditer(line) for group in found.groups("") for name in _WORD.findall(group)}
    bound |= set(_WORD.findall(line[:place]))
    scopes = around.functions_at(len(line) - len(line.lstrip(" \t")))
    return [name for name in names if name not in bound and not around.holds(name, scopes)]


@dataclass(frozen=True)
class _Around:
    """A document without one of its lines."""

    code: str
    """With blanks for strings and comments."""
    place: int
    """Where the line is missing."""
    starts: list[int]
    """Where each of the lines begins that tells an indentation."""
    indents: list[int]
    functions: list[tuple[int, ...]]
    """Where the functions begin in which each of them stands, the outermost first."""
    heads: list[int]
    """Behind the name that a line defines as a function; -1 where it defines none."""
    is_doubtful: bool
    """Whether anything may be bound that cannot be seen here."""

    def functions_at(self, indent: int) -> tuple[int, ...]:
        """The functions in which a line stands at the place, with so much white space before it."""
        for index in range(bisect_right(self.starts, self.place - 1) - 1, -1, -1):
            if self.indents[index] < indent:
                inside = self.functions[index]
                return (*inside, self.starts[index]) if self.heads[index] >= 0 else inside
        return ()

    def holds(self, name: str, scopes: Collection[int]) -> bool:
        """Whether a name stands somewhere that is in none but these functions."""
        # Behind something else on its line, `name=` without a blank is an argument's keyword, which binds nothing here.
        for found in re.finditer(rf"^[ \t]*{name}\b|(?<![\w.]){name}\b(?!=(?!=))", self.code, re.MULTILINE):
            index = bisect_right(self.starts, found.start()) - 1
            inside = self.functions[index] if index >= 0 else ()
            if index >= 0 and 0 <= self.heads[index] < found.end():
                inside = (*inside, self.starts[index])  # a parameter is the function's own
            if all(one in scopes for one in inside) and not self._is_loops(name, found.start()):
                return True
        return False

    def _is_loops(self, name: str, at: int) -> bool:
        """Whether a name is the variable of a comprehension in its line, which nobody sees but that."""
        start, end = self.code.rfind("\n", 0, at) + 1, self.code.find("\n", at)
        line = self.code[start : end if end >= 0 else len(self.code)]
        pattern = rf"[(\[{{].*\bfor\b[^:]*\b{name}\b[^:]*\bin\b"
        return len(line) <= LONGEST and re.search(pattern, line) is not None


@lru_cache(maxsize=4)
def _around(above: str, below: str) -> _Around:
    """What is around a line; the same as long as nothing but this line changes."""
    head = _blanked(above)
    code = f"{head}\n{_blanked(below)}"
    starts: list[int] = []
    indents: list[int] = []
    functions: list[tuple[int, ...]] = []
    heads: list[int] = []
    open_: list[tuple[int, int, bool]] = []  # indentation and start of the lines around, and whether they are functions
    for found in _LINE.finditer(code):
        indent = len(found["indent"])
        while open_ and open_[-1][0] >= indent:
            open_.pop()
        starts.append(found.start())
        indents.append(indent)
        functions.append(tuple(start for _, start, is_function in open_ if is_function))
        heads.append(found.end("def"))
        open_.append((indent, found.start(), found["def"] is not None))
    doubtful = _STARRED.search(head) is not None or _BINDS.match(_opening(head)) is not None
    return _Around(code, len(head), starts, indents, functions, heads, doubtful)


def _blanked(code: str) -> str:
    """The code with blanks for what its strings and comments say."""
    return _MARKS.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), code)


def _opening(above: str) -> str:
    """The line of the innermost bracket that is open behind a text, up to there; empty where none is near."""
    depth = 0
    for at in range(len(above) - 1, max(len(above) - OPEN, 0) - 1, -1):
        depth += (above[at] in ")]}") - (above[at] in "([{")
        if depth < 0:
            return above[above.rfind("\n", 0, at) + 1 : at]
    return ""
