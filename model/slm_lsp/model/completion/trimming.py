"""A decoded text fitted to what stands around the cursor.

Knows: strings. Must not know: models.
"""

from __future__ import annotations

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

    `suffix` begins at the cursor and has unix newlines, as the text.
    """
    rest = suffix.split("\n", 1)[0].rstrip()
    text = text.rstrip()
    text = text[: len(text) - _overlap(text, rest)].rstrip()
    if len(text.strip()) < SHORTEST or _repeats_below(text, suffix):
        return ""
    return text


def _overlap(text: str, rest: str) -> int:
    """How much of the end of the text already follows; brackets that the text itself opened stay closed."""
    for count in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:count]) and _unclosed(text[:-count]) <= 0:
            return count
    return 0


def _unclosed(text: str) -> int:
    return sum(text.count(bracket) for bracket in "([{") - sum(text.count(bracket) for bracket in ")]}")


def _repeats_below(text: str, suffix: str) -> bool:
    """Whether the first line of the text is the next line that is already there."""
    here, _, below = suffix.partition("\n")
    following = next((line.strip() for line in below.split("\n") if line.strip()), "")
    return not here.strip() and text.split("\n", 1)[0].strip() == following
