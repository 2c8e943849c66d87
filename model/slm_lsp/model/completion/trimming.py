"""A decoded text fitted to what stands around the cursor.

Knows: strings, brackets, where a statement begins. Must not know: models.
"""

from __future__ import annotations

import re

from slm_lsp.model.completion.brackets import Reading
from slm_lsp.model.completion.grammar import sound_part
from slm_lsp.model.completion.shape import WINDOW, read_before

_CLOSING = re.compile(r"""[\s)\]}"'`,:;]*""")
"""What editors put behind the cursor by themselves, or people leave there: closing brackets and quotes."""
_COMMENT = re.compile(r"\A([\s)\]},:;]*)#.*")
"""A comment behind the cursor, with the brackets before it: whoever wrote it may still write code in front of it."""
SHORTEST = 3
"""A suggestion of fewer characters costs more attention than it saves keys."""


def fit(text: str, before: str, after: str, begun: int = 0) -> str:
    """The beginning of the text that fits between `before` and `after`; empty when nothing of worth is left.

    Without what already follows the cursor, closing the brackets that it opens and of the others only those that
    nothing behind the cursor closes, ending where it is still Python. In front of code that the text does not lead
    into, there is nothing to offer: models that are asked by prefix alone would write over it. All three have unix
    newlines; never raises. `begun` characters at the end of `before` are offered with the text, as an item of the popup
    that it goes on from: behind them a single bracket is of worth.
    """
    rest, _, below = after.partition("\n")
    text = text.rstrip()
    if not text.strip():
        return ""
    statement = _statement(before, text)
    rest = (rest if Reading(statement).quotes else _COMMENT.sub(r"\1", rest)).rstrip()
    overlap = _overlap(statement, text, rest)
    if overlap < len(rest) and not _CLOSING.fullmatch(rest):
        return ""
    text = text[: len(text) - overlap]
    text = text[: _limit(statement, text, after[:WINDOW])].rstrip()
    if not rest:
        text = _without_repeats(statement[statement.rfind("\n") + 1 :], text, below)
    text = sound_part(statement, text, rest)
    return text if text.strip() and begun + len(text.strip()) >= SHORTEST else ""


def is_torn(text: str, fitted: str, after: str) -> bool:
    """Whether the first line of a text lost more by being fitted than closes brackets or stands behind the cursor."""
    line, rest = text.split("\n", 1)[0].rstrip(), after.split("\n", 1)[0].strip()
    lost = line[len(fitted.split("\n", 1)[0]) :].strip()
    if rest and _CLOSING.fullmatch(rest) and lost.startswith(rest[0]):
        return False  # it writes on behind the bracket that closes there
    return not rest.startswith(lost) and not _CLOSING.fullmatch(lost)


def _statement(before: str, text: str) -> str:
    """The statement that the cursor stands in, up to the cursor; the text tells whether it goes on there."""
    begun = read_before(before).code
    reading = Reading(begun + text)
    spans = [*reading.statements, (reading.start, len(reading.code))]
    starts = (start for start, end in spans if start <= len(begun) <= end)
    return begun[next(starts, begun.rfind("\n") + 1) :]


def _overlap(statement: str, text: str, rest: str) -> int:
    """How much of the end of the text already follows; brackets that the text itself opened stay closed."""
    for count in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:count]):
            opened = Reading(statement + text[:-count]).opened
            if not any(at >= len(statement) for at in opened):
                return count
    return 0


def _limit(statement: str, text: str, after: str) -> int:
    """Where the text closes a bracket that is not its own to close; its length where it does not.

    Its own are those that it opens, and those opened before the cursor and not closed behind it.
    """
    place = len(statement)
    around = Reading(statement + after)
    opened = set(Reading(statement).opened)
    left = len(opened) - len({opening for closing, opening in around.closed if closing >= place} & opened)
    if (string := _string_end(statement, text, after)) is not None:
        return string
    reading = Reading(statement + text)
    left += sum(at >= place for at in reading.opened)  # what it leaves open is closed behind the cursor first
    for closing in reading.escapes(place):
        left -= 1
        if left < 0:
            return closing - place
    return len(text)


def _string_end(statement: str, text: str, after: str) -> int | None:
    """Where the text ends a string that the cursor stands in and that is ended behind the cursor too; None if not."""
    quotes, place = Reading(statement).quotes, len(statement)
    if not quotes or quotes not in after.partition("\n")[0]:
        return None
    ends = (end for begin, end in Reading(statement + text).strings if begin < place < end < place + len(text) + 1)
    end = next(ends, None)
    if end is None or not (statement + text)[:end].endswith(quotes):
        return None
    return max(end - len(quotes) - place, 0)


def _without_repeats(line: str, text: str, below: str) -> str:
    """The text up to the first of its lines that, with what stands before it, is the next line already there."""
    following = next((line.strip() for line in below.split("\n") if line.strip()), "")
    lines = text.split("\n")
    whole = [line + lines[0], *lines[1:]]
    same = next((number for number, line in enumerate(whole) if following and line.strip() == following), len(lines))
    return "\n".join(lines[:same]).rstrip()
