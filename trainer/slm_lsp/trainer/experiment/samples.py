"""What each model writes after the same beginnings, beside what the file really goes on with.

Knows: beginnings in files set aside, greedy generation. Must not know: phases, results on disk, wording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from slm_lsp.model.evaluation import Point
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.experiment.results import Written

COUNT = 4
"""Beginnings."""
TOKENS = 48
"""Most tokens that are written after each."""
BEFORE = 64
"""Most tokens of the beginning that are given."""
REST = 160
"""Characters that must follow, so that there is something to compare with."""
SHOWN = 4
"""Lines of the beginning that are shown."""


@dataclass(frozen=True)
class Beginning:
    """The text before a cursor in a file that no model has learned."""

    path: str
    """The file."""
    text: str
    """All of it up to the cursor."""
    rest: str
    """What really follows."""

    @property
    def shown(self) -> str:
        """Its last lines."""
        return "\n".join(self.text.split("\n")[-SHOWN:]).strip("\n")


def beginnings(points: Sequence[Point]) -> list[Beginning]:
    """Up to COUNT of the points, spread over them, at starts of lines with enough behind them."""
    there = [
        _beginning(point)
        for point in points
        if point.kind in ("line_start", "call_args") and len(point.target + point.suffix) >= REST and point.prefix
    ]
    every = max(len(there) // COUNT, 1)
    return there[::every][:COUNT]


def _beginning(point: Point) -> Beginning:
    """The point's text; indentation at its end is left to the model, as a vocabulary may join it to what follows."""
    text = point.prefix.rstrip(" ")
    indentation = point.prefix[len(text) :] if text.endswith("\n") else ""
    text = point.prefix[: len(point.prefix) - len(indentation)]
    return Beginning(point.path, text, indentation + point.target + point.suffix)


def write_after(model: TinyGPT, tokenizer: Tokenizer, beginning: Beginning) -> Written:
    """What the model writes, greedily, and how like the file it is over as much text, white space apart."""
    file = tokenizer.special("file")
    ids = tokenizer.encode(beginning.text)
    if file is not None and len(ids) < BEFORE:
        ids = [file, *tokenizer.encode(beginning.path + "\n"), *ids]
    ids = ids[-BEFORE:] or tokenizer.encode("\n")
    text = tokenizer.decode(model.generate(ids, TOKENS, stop=tokenizer.special("end"))).rstrip()
    said, meant = "".join(text.split()), "".join(beginning.rest.split())
    return Written(text, fuzz.ratio(said, meant[: len(said)]) / 100 if said else 0.0)
