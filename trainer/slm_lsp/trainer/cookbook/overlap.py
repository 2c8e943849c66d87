"""How alike programs are, by the windows of four lines that they share.

Knows: pairs of programs. Must not know: chromadb, or how much is too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from slm_lsp.trainer.cookbook.programs import Program
from slm_lsp.trainer.corpus.windows import line_windows, shared


@dataclass(frozen=True)
class Pair:
    """Two programs and what they have in common."""

    one: Program
    """The one that comes first in the list."""

    other: Program
    """The other one."""

    share: float
    """Windows in both, of the shorter one's; 0 to 1."""

    def __str__(self) -> str:
        return f"{self.share:4.0%}  {self.one.label}  {self.other.label}"


def compare(programs: Sequence[Program]) -> list[Pair]:
    """Every pair of programs, the most alike first."""
    windows = [(program, line_windows(program.text)) for program in programs]
    pairs = [
        Pair(one, other, shared(its_windows, others) / max(min(len(its_windows), len(others)), 1))
        for (one, its_windows), (other, others) in combinations(windows, 2)
    ]
    return sorted(pairs, key=lambda pair: pair.share, reverse=True)
