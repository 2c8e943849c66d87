"""A decoded text fitted to what stands around the cursor.

Knows: strings. Must not know: models.
"""

from __future__ import annotations

import re

_CLOSING = re.compile(r"""[\s)\]}"'`,:;]*""")
"""What editors put behind the cursor by themselves, or people leave there: closing brackets and quotes."""
SHORTEST = 2
"""A suggestion of fewer characters costs more attention than it saves keys."""


def opens_block(prefix: str) -> bool:
    """Whether the cursor stands on an empty line below one that ends in a colon and is indented less."""
    above, newline, line = prefix.rpartition("\n")
    if not newline or line.strip():
        return False
    opener = above.rpartition("\n")[2].rstrip()
    return (
        opener.endswith(":") and not opener.lstrip().startswith("#") and len(line) > len(opener) - len(opener.lstrip())
    )


def fit(text: str, suffix: str) -> str:
    """The text without what already follows the cursor; empty when nothing of worth is left.

    `suffix` begins at the cursor and has unix newlines, as the text. In front of code that the text does not lead
    into, there is nothing to offer: models that are asked by prefix alone would write over it.
    """
    rest, _, below = suffix.partition("\n")
    rest, text = rest.rstrip(), text.rstrip()
    overlap = _overlap(text, rest)
    if overlap < len(rest) and not _CLOSING.fullmatch(rest):
        return ""
    text = text[: len(text) - overlap].rstrip()
    if not rest:
        text = _without_repeats(text, below)
    return text if len(text.strip()) >= SHORTEST else ""


def _overlap(text: str, rest: str) -> int:
    """How much of the end of the text already follows; brackets that the text itself opened stay closed."""
    for count in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:count]) and _unclosed(text[:-count]) <= 0:
            return count
    return 0


def _unclosed(text: str) -> int:
    return sum(text.count(bracket) for bracket in "([{") - sum(text.count(bracket) for bracket in ")]}")


def _without_repeats(text: str, below: str) -> str:
    """The text up to the first of its lines that is the next line already there."""
    following = next((line.strip() for line in below.split("\n") if line.strip()), "")
    lines = text.split("\n")
    same = next((number for number, line in enumerate(lines) if following and line.strip() == following), len(lines))
    return "\n".join(lines[:same]).rstrip()
