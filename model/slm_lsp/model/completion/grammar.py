"""Whether a text can stand at a cursor: is the statement there, with the text in it, Python?

Knows: how statements that are not finished can be finished. Must not know: models, suggestions, blocks above.

Python's own parser judges the one statement the cursor stands in, not the file, so nothing else that is broken there
matters. What it cannot be asked about (wrong before the text came) is taken for right.
"""

from __future__ import annotations

import ast
import re
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from slm_lsp.model.completion.brackets import CLOSING, Reading
from slm_lsp.model.completion.shape import HEADS

LONGEST = 500
"""Characters of a statement that is still parsed, what its strings say not counted; of others only brackets and
quotes are looked at, for time's sake."""
DEEPEST = 30
"""Brackets within each other in a statement that is still judged."""
TRIES = 6
"""Places at which a text that is not right is cut, at most."""

_ENDS = ("", " _", " else _", " in _", ": _")
"""What can follow inside a bracket on the next line."""
_MORE = ("", " _", ": _", " _: _", " else _")
"""What can follow the end of a token, nearly always."""
_LATER = ("", ": _", " else _")
"""What can be left to write behind a line that was not brought to its end."""
_BEGUN = (
    "_", "", " _", "_ in _: _", "=_", " else _", " in _", " in _: _", " import _", " _: _", ": _", " _(): _", "(): _",
    " def _(): _", ": _", ")", ' ""',
)  # fmt: skip
"""What can follow something half typed."""
_WORD = re.compile(r"([ \t]*)([^\W\d]\w*)?")
_FORMATTED = re.compile(r"(?<!\w)(?:[ft]r?|r[ft])\Z", re.IGNORECASE)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_OPERAND = re.compile(r"[)\]}\"']\Z|(?<!\w)(?!(?:and|await|else|for|if|in|is|lambda|not|or|yield)\Z)\w+\Z")
_GLUED = re.compile(r"(?<![\w.])(\d[\w.]*?\d|\d)(?=(?:and|else|for|if|in|is|not|or)\b)")


def sound(before: str, text: str, rest: str = "") -> bool:
    """Whether a text makes no worse of the statement `before` it; `rest` follows it on the line.

    `before` begins where the statement does, indentation included.
    """
    whole = before + text
    if len(whole) > LONGEST:
        return not _tears(whole, len(before))
    if _stands(whole, rest, len(before)):
        return True
    return not _tears(whole, len(before)) and not any(_parses(before + end) for end in _BEGUN)


def sound_part(before: str, text: str, rest: str = "") -> str:
    """The longest beginning of a text that is sound, and closes the brackets that it opens; the text if it is sound.

    "" where there is none, or the statement is too long to look for it.
    """
    if any(end == len(before) for _, end in Reading(before).comments[-1:]):
        return text.split("\n", 1)[0].rstrip()  # in a comment anything can stand
    before = _short(before)
    if sound(before, text, rest):
        return text
    whole, place = before + text, len(before)
    if len(whole) > LONGEST:
        return ""
    ends = [end for end in _breaks(whole, place) if end < len(whole)]
    # What follows the first mistake is wrong too, so half of the places need not be looked at, and so on.
    good = bisect_left(ends, True, key=lambda end: not _stands(whole[:end], "", sys.maxsize, _MORE))
    for end in reversed(ends[max(good - TRIES, 0) : good]):
        if _stands(whole[:end], rest, place):
            return text[: end - place].rstrip()
    return ""


def _stands(code: str, rest: str, place: int, later: Sequence[str] = _LATER) -> bool:
    """Whether the code is right with something of `later` behind it; inside a bracket, _ENDS say what can follow."""
    return _parses(code, rest, place) or (
        not Reading(code).opened and any(_parses(code + more, rest, place) for more in later if more)
    )


def _tears(code: str, place: int) -> bool:
    """Whether what stands behind `place` closes what is not open, or opens quotes that do not close."""
    reading = Reading(code)
    torn = [*reading.torn, *(reading.strings[-1][:1] if len(reading.quotes) == 1 else ())]
    return max(torn, default=-1) >= place or any(
        closing >= place > opening == -1 for closing, opening in reading.closed
    )


def _breaks(code: str, place: int) -> list[int]:
    """Ends of the tokens behind `place` that stand outside strings and the brackets opened there."""
    reading = Reading(code)
    brackets = [(opening, closing) for closing, opening in reading.closed if opening >= place]
    brackets += [(opening, len(code)) for opening in reading.opened if opening >= place]
    spans = sorted([*brackets, *((begin, end - 1) for begin, end in [*reading.strings, *reading.comments])])
    found, at = [], place
    for begin, last in [*spans, (len(code), len(code))]:
        if begin < at:
            continue
        found += [token.end() for token in _TOKEN.finditer(code, at, begin)]
        at = min(last + 1, len(code))
        if begin < len(code) and code[begin] != "#":
            found.append(at)
    return found


def _parses(code: str, rest: str = "", place: int = sys.maxsize) -> bool:
    """Whether the code is one or more statements, the last of which may go on in the next line.

    A bracket opened behind `place` may stay open where the line goes on behind a bracket, comma or operator.
    """
    reading = Reading(code + rest)
    if reading.torn or any(opening < 0 for _, opening in reading.closed):
        return False
    if len(reading.quotes) == 1:
        return (len(reading.code) - len(reading.code.rstrip("\\"))) % 2 == 1  # it goes on in the next line
    if len(reading.opened) > DEEPEST or _holds_quotes(reading):
        return True
    plain = _plain(reading)
    closing = "".join(CLOSING[reading.code[at]] for at in reversed(reading.opened))
    if any(at >= place for at in reading.opened) and not reading.quotes and _OPERAND.search(plain):
        return False
    goes_on = bool(closing) or plain.endswith("\\")
    last = reading.code[reading.start :]
    return any(
        _valid(program)
        for end in (_ENDS if goes_on else ("",))
        for program in _programs(plain.removesuffix("\\") + end + closing, last, bool(closing))
    )


def _programs(code: str, last: str, open_ended: bool) -> Iterator[str]:
    """Whole programs with the code, whose `last` statement is not finished, in them."""
    indent, word = _head(code)
    own, begins = _head(last)
    before = {
        "elif": f"{indent}if _:\n{indent} _\n", "else": f"{indent}if _:\n{indent} _\n",
        "except": f"{indent}try:\n{indent} _\n", "finally": f"{indent}try:\n{indent} _\n",
    }.get(word, "")  # fmt: skip
    if word == "case":
        before, code, own = "match _:\n", code if indent else " " + code, own or " "
    elif indent:
        before = "if _:\n" + before
    code = before + code
    if begins in HEADS and open_ended and not code.endswith(":"):
        yield code + ": _"
    if code.endswith(":"):
        code += f"\n{own}  case _: _" if begins == "match" else f"\n{own} _"
    if last.lstrip().startswith("@"):
        code += f"\n{own}def _(): _"
    yield code
    if tries := [line for line in code.split("\n") if line.strip() == "try:"]:
        yield code + "".join(f"\n{_head(line)[0]}finally: _" for line in reversed(tries))


def _valid(program: str) -> bool:
    try:
        ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    except SystemError:  # CPython 3.11, when two threads parse at a time: nothing was said of the program
        return True
    return True


def _plain(reading: Reading) -> str:
    """The code without comments, and without what its strings say.

    Not quite empty: behind two quotes a third one would begin another kind of string.
    """
    parts, at = [], 0
    spans = [(*span, '"_"') for span in reading.strings] + [(*span, "") for span in reading.comments]
    for begin, end, instead in sorted(spans):
        parts += [reading.code[at:begin], instead]
        at = end
    return _GLUED.sub(r"\1 ", "".join([*parts, reading.code[at:]])).rstrip()


def _short(before: str) -> str:
    """The beginning of a statement, plain where it can be: it is read many times."""
    reading = Reading(before)
    if reading.quotes or reading.torn or _holds_quotes(reading):
        return before
    return _plain(reading) + before[len(before.rstrip()) :]


def _holds_quotes(reading: Reading) -> bool:
    """Whether a string may be torn by quotes in its replacement fields, as Python 3.12 allows."""
    return any(
        _FORMATTED.search(reading.code, max(begin - 2, 0), begin)
        and reading.code.count("{", begin, end) != reading.code.count("}", begin, end)
        for begin, end in reading.strings
    )


def _head(code: str) -> tuple[str, str]:
    """Indentation and first word of a statement."""
    found = _WORD.match(code)
    assert found
    return found[1], found[2] or ""
