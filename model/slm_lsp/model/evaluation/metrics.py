"""How close a suggestion came to what was really written.

Knows: two texts. Must not know: models, points, how a suggestion is made, LSP.
"""

from __future__ import annotations

from rapidfuzz import fuzz

from slm_lsp.model.evaluation.points import code_of


def exact_match(suggestion: str, target: str) -> bool:
    """Whether the suggestion, up to the end of its line, is the target; trailing space and comment ignored."""
    return code_of(first_line(suggestion)) == code_of(target)


def edit_similarity(suggestion: str, target: str) -> float:
    """How alike the two are, from 0 to 1, by the same rules."""
    return fuzz.ratio(code_of(first_line(suggestion)), code_of(target)) / 100


def first_line(text: str) -> str:
    """The text up to its first line ending."""
    return text.split("\n", 1)[0].removesuffix("\r")
