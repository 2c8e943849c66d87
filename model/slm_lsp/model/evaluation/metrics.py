"""How close suggestions come to what was really written.

Knows: text, points. Must not know: models, how a suggestion is made, LSP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rapidfuzz import fuzz

from slm_lsp.model.evaluation.points import Point, code_of


class Suggested(Protocol):
    """A suggestion, of which only the text is judged."""

    @property
    def text(self) -> str:
        """What would be inserted at the cursor."""
        ...


class Completes(Protocol):
    """Anything that completes: the Completer, or a baseline."""

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Suggested | None:
        """What to insert between prefix and suffix; None for nothing."""
        ...


@dataclass(frozen=True)
class Scores:
    """The figures of one completer on one set of points."""

    points: int
    """How many points."""
    em: float
    """Exact match: share of points at which the suggestion's first line is the rest of the real one; 0 to 1."""
    es: float
    """Edit similarity of the two, averaged; 0 to 1."""

    def beats(self, other: Scores) -> bool:
        """Whether these are better: by exact match, and where that is equal by edit similarity."""
        return (self.em, self.es) > (other.em, other.es)


def exact_match(suggestion: str, target: str) -> bool:
    """Whether the suggestion, up to the end of its line, is the target; trailing space and comment ignored."""
    return code_of(_first_line(suggestion)) == code_of(target)


def edit_similarity(suggestion: str, target: str) -> float:
    """How alike the two are, from 0 to 1, by the same rules."""
    return fuzz.ratio(code_of(_first_line(suggestion)), code_of(target)) / 100


def measure(completer: Completes, points: Sequence[Point], on_point: Callable[[], None] = lambda: None) -> Scores:
    """The scores of a completer; what its gate would hide counts too. `on_point` is called after each point."""
    matches = similarity = 0.0
    for point in points:
        suggestion = completer.complete(point.prefix, point.suffix, path=point.path)
        text = suggestion.text if suggestion else ""
        matches += exact_match(text, point.target)
        similarity += edit_similarity(text, point.target)
        on_point()
    count = max(len(points), 1)
    return Scores(len(points), matches / count, similarity / count)


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].removesuffix("\r")
