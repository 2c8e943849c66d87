"""The programs of the cookbook, one file each, in folders by theme.

Knows: where they lie and what a program's docstring says first. Must not know: chromadb, or what a program does.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from slm_lsp.data import ROOT
from slm_lsp.model.errors import CorpusError

COOKBOOK = ROOT / "cookbook"
"""The folder of the shipped programs."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


@dataclass(frozen=True)
class Program:
    """One program of the cookbook."""

    path: Path
    """Its file."""

    text: str
    """Its source."""

    @property
    def theme(self) -> str:
        """The name of its folder."""
        return self.path.parent.name

    @property
    def label(self) -> str:
        """How reports name it: theme/file."""
        return f"{self.theme}/{self.path.name}"

    @property
    def sentence(self) -> str:
        """What it does: the first sentence of its docstring, without the full stop.

        Raises CorpusError if it has no docstring.
        """
        docstring = ast.get_docstring(ast.parse(self.text))
        if not docstring:
            raise CorpusError(f"{self.path}: a program of the cookbook begins with a docstring")
        paragraph = " ".join(docstring.split("\n\n")[0].split())
        return _SENTENCE_END.split(paragraph)[0].rstrip(".")


def read_programs(folder: Path = COOKBOOK) -> list[Program]:
    """Every program below `folder`, by theme and name; raises CorpusError if there is none."""
    paths = sorted(folder.glob("*/*.py"))
    if not paths:
        raise CorpusError(f"{folder}: no programs here")
    return [Program(path, path.read_text(encoding="utf-8")) for path in paths]
