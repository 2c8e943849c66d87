"""What each line of a text says of names, whatever stands around it.

Knows: the few forms in which Python binds and types names. Must not know: what the names are, other lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from slm_lsp.server.chroma.expressions import arguments

CLASSES = {
    "ClientAPI": "client",
    "AsyncClientAPI": "async_client",
    "AsyncClient": "async_client",
    "AdminAPI": "admin",
    "AsyncAdminAPI": "async_admin",
    "AsyncAdminClient": "async_admin",
    "Collection": "collection",
    "AsyncCollection": "async_collection",
    "GetResult": "get",
    "QueryResult": "query",
}
"""Annotation -> what a name of that type is."""
_NAME = r"[^\W\d]\w*"
_IMPORT = re.compile(r"[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+()")
_ASSIGN = re.compile(r"[ \t]*([^\W\d][\w.]*)[ \t]*(?::[ \t]*([^=#]+?)[ \t]*)?=(?!=)[ \t]*()")
_CHAINED = re.compile(r"([^\W\d][\w.]*)[ \t]*=(?!=)[ \t]*")
_TARGET = rf"[(\[]?\*?{_NAME}(?:\.{_NAME})*[)\]]*"
_SEVERAL = rf"{_TARGET}(?:[ \t]*,[ \t]*{_TARGET})+[ \t]*,?[)\]]*"
_UNPACKED = re.compile(rf"[ \t]*({_SEVERAL})[ \t]+=(?!=)[ \t]*()")
_ONE = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_WALRUS = re.compile(r"\b(\w+)[ \t]*:=[ \t]*()")
_WITH = re.compile(r"(?:with\b)?[ \t(,]*")
_AS = re.compile(r"\bas[ \t]+(?:([^\W\d][\w.]*)|\(([^()]*)\))[ \t]*(?=[:,)])")
_EXCEPT = re.compile(rf"[ \t]*(?:except\b|case\b).*\bas[ \t]+({_NAME})[ \t]*:")
_CASE = re.compile(rf"[ \t]*case[ \t]+({_NAME})[ \t]*(?:if\b.*)?:")
_DEL = re.compile(rf"[ \t]*del[ \t]+({_NAME}(?:\.{_NAME})*(?:[ \t]*,[ \t]*{_NAME}(?:\.{_NAME})*)*)[ \t]*(?:#.*)?$")
_FOR = re.compile(
    rf"\bfor[ \t]+({_SEVERAL}|\w+)[ \t]+in[ \t]+(?:(\[|\((?=[^()]*,))[ \t]*)?()"
    r"(?:(?:(?!\bfor\b).)*?\b(list_collections)\()?"
)
_TYPED = re.compile(r"([^\W\d][\w.]*)[ \t]*:[ \t]*([^=,:)#]*\b(?:" + "|".join(CLASSES) + r")\b[^=,)#]*)")
_NAMES_A_TYPE = re.compile("Collection|ClientAPI|AdminAPI|AsyncClient|AsyncAdminClient|Result")
_DEF = re.compile(r"[ \t]*(?:async[ \t]+)?(def|class)[ \t]+(\w+)")
_RETURNS = re.compile(r"\)[ \t]*->[ \t]*(.*?):[ \t]*(?:#.*)?$")
_RETURN = re.compile(r"[ \t]+(?:return|yield)[ \t]+()")
_TRIPLE = re.compile(r"\"\"\"|'''")


class Event(NamedTuple):
    """What a line says of names, whatever stands around it."""

    what: Literal["import", "assign", "loop", "type", "def", "class", "returns", "return", "other"]
    """`other`: the name is bound to something that is not looked at."""
    target: str
    said: str
    """An annotation, the module that is imported from, or `list_collections`."""
    value: int
    """Where in the line the expression begins; of functions and classes, where their names end."""
    part: str = ""
    """Which part of the expression is meant: its number, or `each`; empty for all of it."""


class Line(NamedTuple):
    """What is told by a line alone."""

    indent: int
    """How far it is indented; -1 where that says nothing, as of comments and closing brackets."""
    quotes: tuple[str, ...]
    """The triple quotes in it."""
    events: tuple[Event, ...]


@lru_cache(maxsize=50_000)
def read_line(line: str) -> Line:
    """What a line says; the same lines are asked for with every key that is typed."""
    code = line.lstrip(" \t")
    quotes = tuple(_TRIPLE.findall(code)) if ('"""' in code or "'''" in code) and not code.startswith("#") else ()
    return Line(-1 if code[:1] in "#)]}" else len(line) - len(code), quotes, tuple(_events(line)))


def _events(line: str) -> Iterator[Event]:
    if "import" in line and (match := _IMPORT.match(line)):
        yield Event("import", "", match[1] or "", match.start(2))
        return
    if ("def" in line or "class" in line) and (match := _DEF.match(line)):
        yield Event("def" if match[1] == "def" else "class", match[2], "", match.end())
    if "=" in line:
        yield from _assigned(line)
    if "with" in line:
        yield from _entered(line)
    if "for" in line:
        yield from _looped(line)
    if " as " in line or "case" in line or "del" in line:
        for pattern in (_EXCEPT, _CASE, _DEL):
            if match := pattern.match(line):
                yield from _others(match[1])
    if ":" in line and _NAMES_A_TYPE.search(line):
        yield from (Event("type", match[1], match[2], 0) for match in _TYPED.finditer(line))
    if "->" in line and (match := _RETURNS.search(line)):
        yield Event("returns", "", match[1], 0)
    if ("return" in line or "yield" in line) and (match := _RETURN.match(line)):
        parts = _parts(line, match.start(1)) if "," in line else []
        if len(parts) > 1:
            yield from (Event("return", "", "", part, str(index)) for index, part in enumerate(parts))
        else:
            yield Event("return", "", "", match.start(1))


def _others(names: str) -> Iterator[Event]:
    """Bindings of all these names to something else."""
    for name in _ONE.findall(names):
        yield Event("other", name, "", 0)


def _assigned(line: str) -> Iterator[Event]:
    """What `a = b = value` binds, and its like."""
    if match := _ASSIGN.match(line):
        targets, said, value = [match[1]], match[2] or "", match.end()
        while chained := _CHAINED.match(line, value):
            targets.append(chained[1])
            value = chained.end()
        yield from (Event("assign", target, said, value) for target in targets)
    elif "," in line and (match := _UNPACKED.match(line)):
        yield from _pairs(match)
    if ":=" in line:
        yield from (Event("assign", match[1], "", match.start(2)) for match in _WALRUS.finditer(line))


def _looped(line: str) -> Iterator[Event]:
    """What loops bind: one of the collections that are listed, one of a literal's elements, or something else."""
    for match in _FOR.finditer(line):
        if "#" in line[: match.start()]:
            return
        if match[1].isidentifier():
            yield Event("loop", match[1], match[4] or "", match.start(3), "" if match[2] or match[4] else "each")
        else:
            yield from _others(match[1])


def _entered(line: str) -> Iterator[Event]:
    """What `with a() as b, c() as d` binds."""
    begin = line.find("with")
    for match in _AS.finditer(line, begin):
        if match[1]:
            skipped = _WITH.match(line, begin)
            yield Event("assign", match[1], "", skipped.end() if skipped else begin)
        else:
            yield from _others(match[2])
        begin = match.end()


def _pairs(match: re.Match[str]) -> Iterator[Event]:
    """What `a, b = c, d` binds, and the parts of `a, b = f()`."""
    targets = [target.strip() for target in match[1].strip("()[] ,").split(",")]
    values = _parts(match.string, match.start(2))
    for index, target in enumerate(targets):
        if not _ONE.fullmatch(target) or len(values) not in (1, len(targets)):
            yield from _others(target)
        elif len(values) == 1:
            yield Event("assign", target, "", match.start(2), str(index))
        else:
            yield Event("assign", target, "", values[index])


def _parts(line: str, at: int) -> list[int]:
    """Where the expressions begin that commas divide, from a place to the line's end; none if it goes on."""
    found, at = [], at - 1
    for part in arguments(f"({line[at + 1 :]})", 0):
        found.append(at + 1 + len(part) - len(part.lstrip()))
        at += len(part) + 1
    return found
