"""The programs of the cookbook, one file each, in folders by theme; and those of the API benchmark, in one folder.

Knows: where they lie, what a program's docstring says first, how many tokens they are. Must not know: chromadb, or
what a program does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slm_lsp.data import ROOT, vocabulary
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.runtime.tokenizer import Tokenizer

COOKBOOK = ROOT / "cookbook"
"""The folder of the shipped programs."""

BENCHMARK = ROOT / "api_benchmark"
"""The folder of the benchmark's programs: written apart from the cookbook, and never trained on."""

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
    """Every program in the folders of `folder`, by theme and name; raises CorpusError if there is none."""
    return _read(folder, "*/*.py")


def read_benchmark(folder: Path = BENCHMARK) -> list[Program]:
    """Every program of the benchmark, by name; raises CorpusError if there is none."""
    return _read(folder, "*.py")


def _read(folder: Path, pattern: str) -> list[Program]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise CorpusError(f"{folder}: no programs here")
    return [Program(path, path.read_text(encoding="utf-8")) for path in paths]


def count_tokens(programs: Iterable[Program]) -> int:
    """Tokens of the programs' texts in the vocabulary of ours."""
    tokenizer = Tokenizer.from_file(vocabulary("chroma8k"))
    return sum(map(len, tokenizer.encode_batch(program.text for program in programs)))
