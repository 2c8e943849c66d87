"""Notebooks: the code cells of one make a program, and each cell a part of it.

Knows: which cells are code, what IPython adds to Python. Must not know: LSP's messages, positions, models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

BETWEEN = "\n\n"
"""What stands between two cells."""
_REST = r"(?:[^\n\\]|\\\r?\n|\\.?)*"
"""The rest of a line, and the lines that go on behind a backslash."""
_KNOWN = (
    "autoreload|bash|cat|cd|conda|config|cp|debug|env|history|load_ext|ls|lsmagic|matplotlib|memit|mkdir|mv|pdb|pip|prun"
    "|pwd|pylab|reload_ext|reset|rm|run|set_env|sql|store|time|timeit|uv|who|who_ls|whos"
)
"""Magics that are known where they are indented: `%x` could go on with an expression there."""
_MAGIC = re.compile(
    rf"^(?P<indent>[ \t]*)(?P<command>!(?!=){_REST}"
    rf"|(?:(?<![ \t])%{{1,2}}[a-zA-Z]|%(?:{_KNOWN})(?![\w.)\]])){_REST}"
    r"|\?{1,2}%{0,2}[\w.*]+[ \t\r]*$"
    r"|%{0,2}[^\W\d][\w.*]*(?:\[[^\]\n]*\])*\?{1,2}[ \t\r]*$)"
    rf"|^(?P<target>[ \t]*[^\W\d][\w., \t*]*=[ \t]*)(?P<value>(?:!(?!=)|%[a-zA-Z]){_REST})",
    re.MULTILINE,
)
"""Lines for IPython or a shell, questions, and what such lines give names to."""
_OTHER_LANGUAGE = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b)")
"""The beginning of a cell that holds no Python."""
_TRIPLES = ('"""', "'''")


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
    return BETWEEN.join(filter(None, map(_python, texts)))


@lru_cache(maxsize=1_000)
def _python(text: str) -> str:
    """What is Python of a cell, with its strings closed; the same cells are asked for with every key that is typed."""
    if _OTHER_LANGUAGE.match(text):
        return ""
    return _closed(_MAGIC.sub(_without_magic, text.strip("\r\n")))


def _without_magic(line: re.Match[str]) -> str:
    """A comment in place of what is not Python; names are still bound, and a block still has a statement."""
    if line["target"] is not None:
        value = "[]" if line["value"].startswith("!") else "None"
        return f"{line['target']}{value}  # {_commented(line['value'])}"
    return f"{line['indent']}{'pass  ' if line['indent'] else ''}# {_commented(line['command'])}"


def _commented(lines: str) -> str:
    return lines.replace("\n", "\n# ")


def _closed(text: str) -> str:
    """The text with its last string closed, if that is open; nothing if it cannot be closed.

    Otherwise all cells behind one whose docstring is being written would be a string.
    """
    if not any(quotes in text for quotes in _TRIPLES):
        return text  # all other strings end with their lines
    # Imported here: the package brings numpy and ONNX Runtime, which `initialize` must not wait for.
    from slm_lsp.model.completion.syntax import Place, place_at

    endings = ("", *(f"\n{quotes}" for quotes in _TRIPLES))
    # A comment can begin where no string is open, an f-string with its replacement fields neither.
    return next((text + end for end in endings if place_at(f"{text}{end}\n#") is Place.COMMENT), "")
