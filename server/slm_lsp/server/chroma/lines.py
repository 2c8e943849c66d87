"""What each line of a text says of names, whatever stands around it.

Knows: the few forms in which Python binds and types names. Must not know: what the names are, other lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

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
_IMPORT = re.compile(r"[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+()")
_ASSIGN = re.compile(r"[ \t]*([^\W\d][\w.]*)[ \t]*(?::[ \t]*([^=#]+?)[ \t]*)?=(?!=)[ \t]*()")
_TOGETHER = re.compile(
    r"[ \t]*([^\W\d][\w.]*(?:[ \t]*,[ \t]*[^\W\d][\w.]*)+)[ \t]*=(?!=)[ \t]*"
    r"([\w.()]+(?:[ \t]*,[ \t]*[\w.()\"']+)+)[ \t]*$"
)
_PART = re.compile(r"[^,\s][^,]*")
_WALRUS = re.compile(r"\b(\w+)[ \t]*:=[ \t]*()")
_WITH = re.compile(r"(?:with\b)?[ \t(,]*")
_AS = re.compile(r"\bas[ \t]+([^\W\d][\w.]*)[ \t]*(?=[:,)])")
_FOR = re.compile(r"\bfor[ \t]+(\w+)[ \t]+in[ \t]+[\[(]?()(?:.*\b(list_collections)\()?")
_TYPED = re.compile(r"([^\W\d][\w.]*)[ \t]*:[ \t]*([^=,:)#]*\b(?:" + "|".join(CLASSES) + r")\b[^=,)#]*)")
_NAMES_A_TYPE = re.compile("Collection|ClientAPI|AdminAPI|AsyncClient|AsyncAdminClient|Result")
_DEF = re.compile(r"([ \t]*)(?:async[ \t]+)?def[ \t]+(\w+)")
_RETURNS = re.compile(r"\)[ \t]*->[ \t]*(.*?):[ \t]*(?:#.*)?$")
_RETURN = re.compile(r"([ \t]+)(?:return|yield)[ \t]+()")


class Event(NamedTuple):
    """What a line says of names, whatever stands around it."""

    what: Literal["import", "assign", "loop", "type", "def", "returns", "return"]
    target: str
    said: str
    """An annotation, the module that is imported from, or an indentation."""
    value: int
    """Where in the line the expression begins."""


@lru_cache(maxsize=50_000)
def events_of(line: str) -> tuple[Event, ...]:
    """What a line says; the same lines are asked for with every key that is typed."""
    found: list[Event] = []
    if "import" in line and (match := _IMPORT.match(line)):
        return (Event("import", "", match[1] or "", match.start(2)),)
    if "=" in line:
        if match := _ASSIGN.match(line):
            found.append(Event("assign", match[1], match[2] or "", match.start(3)))
        elif "," in line and (match := _TOGETHER.match(line)):
            found += _pairs(match)
        if ":=" in line:
            found += (Event("assign", match[1], "", match.start(2)) for match in _WALRUS.finditer(line))
    if "with" in line:
        found += _entered(line)
    if "for" in line:
        found += (Event("loop", match[1], match[3] or "", match.start(2)) for match in _FOR.finditer(line))
    if ":" in line and _NAMES_A_TYPE.search(line):
        found += (Event("type", match[1], match[2], 0) for match in _TYPED.finditer(line))
    if "def" in line and (match := _DEF.match(line)):
        found.append(Event("def", match[2], match[1], 0))
    if "->" in line and (match := _RETURNS.search(line)):
        found.append(Event("returns", "", match[1], 0))
    if ("return" in line or "yield" in line) and (match := _RETURN.match(line)):
        found.append(Event("return", "", match[1], match.start(2)))
    return tuple(found)


def _entered(line: str) -> Iterator[Event]:
    """What `with a() as b, c() as d` binds."""
    begin = line.find("with")
    for match in _AS.finditer(line, begin):
        skipped = _WITH.match(line, begin)
        yield Event("assign", match[1], "", skipped.end() if skipped else begin)
        begin = match.end()


def _pairs(match: re.Match[str]) -> Iterator[Event]:
    """What `a, b = c, d` binds."""
    values = list(_PART.finditer(match.string, match.start(2)))
    targets = [target.strip() for target in match[1].split(",")]
    if len(targets) == len(values):
        yield from (Event("assign", target, "", at.start()) for target, at in zip(targets, values, strict=True))
