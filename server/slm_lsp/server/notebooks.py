"""Notebooks: the code cells of one make a program, and each cell a part of it.

Knows: which cells are code, what IPython adds to Python. Must not know: LSP's messages, positions, models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

BETWEEN = "\n\n"
"""What stands between two cells."""
_MAGIC = re.compile(r"^(?=%{1,2}[a-zA-Z]|!)", re.MULTILINE)
"""Lines for IPython or a shell."""
_OTHER_LANGUAGE = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b)")
"""The beginning of a cell that holds no Python."""


class Cell(Protocol):
    """A code cell."""

    @property
    def source(self) -> str:
        """Its text."""


def around(cells: Sequence[Cell], cell: Cell) -> tuple[str, str]:
    """The program of the notebook before and after a cell, both empty where it is none of these or no Python."""
    texts = [one.source for one in cells]
    place = next((index for index, one in enumerate(cells) if one is cell), None)
    if place is None or _OTHER_LANGUAGE.match(texts[place]):
        return "", ""
    earlier, later = map(_program, (texts[:place], texts[place + 1 :]))
    return earlier and f"{earlier}{BETWEEN}", later and f"{BETWEEN}{later}\n"


def program(cells: Sequence[Cell]) -> str:
    """All code of a notebook."""
    return _program([one.source for one in cells])


def _program(texts: Sequence[str]) -> str:
    python = (text.strip("\r\n") for text in texts if not _OTHER_LANGUAGE.match(text))
    return BETWEEN.join(_MAGIC.sub("# ", text) for text in python if text)
