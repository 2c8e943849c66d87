"""Where a cursor stands: in code, in a comment or in a string, told by the text before it.

Knows: how Python begins and ends strings and comments, and that the code before a cursor is often broken. Must not
know: statements, models, why anybody asks.

Only what stands between triple quotes goes on from line to line, so only the lines with triple quotes and the
cursor's own are looked at closely. Whatever else is left open on a line ends with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class Place(Enum):
    """What a cursor stands in."""

    CODE = auto()
    """Code; an f-string's replacement fields are code too."""
    COMMENT = auto()
    """Behind a `#`, up to the end of the line."""
    STRING = auto()
    """Between the quotes of a string or docstring, or in the format of a replacement field."""


def place_at(before: str) -> Place:
    """Where the cursor stands that has this text before it, from the document's beginning.

    Lines may end in \\n, \\r\\n or \\r. The time it takes grows with the text, at about a
    millisecond for 5,000 lines. Never raises.
    """
    at, place = 0, None
    triples = dict.fromkeys(_TRIPLES, -1)
    while place is None:
        for quotes, found in triples.items():
            if found < at:
                triples[quotes] = _find(before, quotes, at)
        triple = min(triples.values())
        at, place = _read_code(before, _line_start(before, at, triple), triple)
    return place


_Read = tuple[int, Place | None]
"""Up to where the text was read, and the cursor's place if that was the text's end."""

_TRIPLES = ('"""', "'''")
_MARK = re.compile(r"[\"'#]")
_LINE = re.compile(r"[^\r\n]*")
_FORMATTED = re.compile(r"(?<!\w)(?:[ft]r?|r[ft])\Z", re.IGNORECASE)
"""The prefix of a string with replacement fields."""
_PREFIX = re.compile(r"(?<!\w)[bfrtu]{1,2}\Z", re.IGNORECASE)
_BODY = {
    '"': re.compile(r'(?s:[^"\\\r\n]*(?:\\(?:\r\n|.|\Z)[^"\\\r\n]*)*)'),
    "'": re.compile(r"(?s:[^'\\\r\n]*(?:\\(?:\r\n|.|\Z)[^'\\\r\n]*)*)"),
    '"""': re.compile(r'(?s:[^"\\]*(?:(?:\\(?:.|\Z)|"(?!""))[^"\\]*)*)'),
    "'''": re.compile(r"(?s:[^'\\]*(?:(?:\\(?:.|\Z)|'(?!''))[^'\\]*)*)"),
}
"""What stands between these quotes in a string without replacement fields; nothing to backtrack for. No possessive
groups: early releases of Python 3.11 match them wrongly."""


def _find(text: str, quotes: str, at: int) -> int:
    """Where these quotes are next; the text's end where there are none."""
    found = text.find(quotes, at)
    return len(text) if found < 0 else found


def _line_start(text: str, least: int, at: int) -> int:
    """The start of the line at `at`, and of the lines that end in a backslash above it; at least `least`."""
    while True:
        at = max(text.rfind("\n", least, at), text.rfind("\r", least, at))
        if at < 0:
            return least
        if not text.endswith(("\\", "\\\r"), least, at):
            return at + 1


def _read_code(text: str, at: int, until: int) -> _Read:
    """Read on in code until behind `until`, or to the end."""
    place = None
    while at <= until and place is None:
        mark = _MARK.search(text, at)
        if mark is None:
            return len(text), Place.CODE
        if mark.group() == "#":
            at = _LINE.match(text, mark.end()).end()  # type: ignore[union-attr]
            place = Place.COMMENT if at == len(text) else None
        elif _FORMATTED.search(text, max(mark.start() - 2, 0), mark.start()):
            at, place = _read_formatted(text, mark.start())
        else:
            at, place = _read_plain(text, mark.start())
    return at, place


def _quotes_at(text: str, at: int) -> str:
    return text[at : at + 3] if text.startswith(_TRIPLES, at) else text[at]


def _read_plain(text: str, at: int) -> _Read:
    """Read a string without replacement fields, whose quotes begin at `at`."""
    quotes = _quotes_at(text, at)
    body = _BODY[quotes].match(text, at + len(quotes))
    assert body
    if body.end() == len(text):
        return body.end(), Place.STRING
    return body.end() + (len(quotes) if text.startswith(quotes, body.end()) else 0), None


_DEEPEST = 50
"""Parts of f-strings within each other; what is nested deeper is read as if it had no replacement fields."""


class _Part(Enum):
    """A part of an f-string, with the regular expression that finds what matters in it."""

    TEXT = re.compile(r"\\(?:N\{[^}\"'\r\n]*\}?|\r\n|[^{}]|\Z)|\{\{|[{\"'\r\n]")
    FIELD = re.compile(r"[\"'()\[\]{}:\r\n]")
    FORMAT = re.compile(r"[{}\"'\r\n]")


@dataclass
class _Open:
    """A part of an f-string that has begun and not ended."""

    part: _Part
    quotes: str
    """Those of its string."""
    brackets: int = 0
    """Open in it."""


def _read_formatted(text: str, at: int) -> _Read:
    """Read a string with replacement fields, and the strings in these, as Python 3.12 and later allow them."""
    quotes = _quotes_at(text, at)
    at += len(quotes)
    parts = [_Open(_Part.TEXT, quotes)]
    while parts:
        part = parts[-1]
        mark = part.part.value.search(text, at)
        if mark is None:
            return len(text), Place.CODE if part.part is _Part.FIELD else Place.STRING
        found, at = mark.group(), mark.end()
        if found in ("\r", "\n"):
            if len(part.quotes) == 1:
                at -= 1
                _end_line(parts)
        elif found in ("'", '"'):
            at, place = _read_quote(text, at - 1, parts)
            if place is not None:
                return at, place
        elif found == "{" and part.part is not _Part.FIELD:
            parts.append(_Open(_Part.FIELD, part.quotes))
        elif part.part is _Part.FIELD:
            _read_in_field(found, parts)
        elif part.part is _Part.FORMAT:
            del parts[-2:]
    return at, None


def _end_line(parts: list[_Open]) -> None:
    """End the strings that do not go on in the next line."""
    while parts and len(parts[-1].quotes) == 1:
        parts.pop()


def _read_in_field(found: str, parts: list[_Open]) -> None:
    """Take a bracket or colon of a replacement field."""
    field = parts[-1]
    if found in "([{":
        field.brackets += 1
    elif found == ":":
        if not field.brackets:
            parts.append(_Open(_Part.FORMAT, field.quotes))
    elif field.brackets:
        field.brackets -= 1
    elif found == "}":
        parts.pop()


def _read_quote(text: str, at: int, parts: list[_Open]) -> _Read:
    """Take a quote within an f-string: it ends the string, begins one in a field, or is text."""
    quotes, part = _quotes_at(text, at), parts[-1]
    for index, other in enumerate(parts):
        # Three quotes end their string wherever they stand in it: nobody nests them, and much may be left open.
        if other.quotes == quotes and len(quotes) == 3:
            del parts[index:]
            return at + 3, None
    ends = text.startswith(part.quotes, at)
    if part.part is _Part.FIELD and not (ends and _ends_unclosed(text, at, part)):
        if _FORMATTED.search(text, max(at - 2, 0), at) and len(parts) < _DEEPEST:
            parts.append(_Open(_Part.TEXT, quotes))
            return at + len(quotes), None
        return _read_in_quotes(text, at, parts[0].quotes)
    if not ends:
        return at + 1, None
    while parts.pop().part is not _Part.TEXT:
        pass
    return at + len(part.quotes), None


def _read_in_quotes(text: str, at: int, outer: str) -> _Read:
    """Read a string without replacement fields in a field of a string with these quotes, which end it if three."""
    end, place = _read_plain(text, at)
    found = text.find(outer, at, end) if len(outer) == 3 else -1
    return (end, place) if found < 0 else (found, None)


def _ends_unclosed(text: str, at: int, field: _Open) -> bool:
    """Whether the quotes of a field's own string end it, though the field is not closed.

    They rather begin a string in the field where one can begin: in brackets, or behind an operator.
    """
    prefix = _PREFIX.search(text, max(at - 2, 0), at)
    ahead = text[:0] if field.brackets else text[max(at - 100, 0) : prefix.start() if prefix else at].rstrip(" \t")
    return bool(ahead) and (ahead[-1].isalnum() or ahead[-1] in "_)]}\"'")
