"""Judgements summed up: figures by kind of cursor, each with its interval over files.

Knows: judgements. Must not know: completers, how a table is drawn.

Cursors of one file resemble each other, so the interval is that of files drawn anew (the cluster bootstrap): the
middle 95% of a figure over 1,000 draws of as many files as there are, with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slm_lsp.model.evaluation.judging import Judgement
from slm_lsp.model.evaluation.points import KINDS

DRAWS = 1_000
"""Bootstrap samples."""


@dataclass(frozen=True)
class Figure:
    """One figure with its interval."""

    value: float
    """Over all judgements that it is about."""
    low: float
    """Lower end of the 95% interval over files."""
    high: float
    """Upper end of it."""
    count: int
    """Judgements that it is about."""


@dataclass(frozen=True)
class Row:
    """The figures of one group of points."""

    name: str
    """A kind of cursor, "chroma", "other" or "all"."""
    points: int
    """How many."""
    figures: dict[str, Figure]
    """By name, see FIGURES; those about no judgement are left out."""


Counted = tuple[float, int]
"""What a judgement adds to a figure's sum and to its count."""

FIGURES: dict[str, Callable[[Judgement], Counted]] = {
    "em": lambda one: (one.right, 1),
    "es": lambda one: (one.similarity, 1),
    "top1": lambda one: (one.rank == 1, one.rank is not None),
    "top5": lambda one: (one.rank is not None and 1 <= one.rank <= 5, one.rank is not None),
    "mrr": lambda one: (1 / one.rank if one.rank else 0.0, one.rank is not None),
    "show_rate": lambda one: (one.shown, 1),
    "precision": lambda one: (one.shown and one.right, one.shown),
}
"""Exact match, edit similarity; of popups: the right name first, among the first five, its mean reciprocal rank; share
of the points at which something is shown, and how much of that is exactly right."""


def rows_of(judgements: Sequence[Judgement], kinds: Iterable[str] = KINDS) -> list[Row]:
    """The figures of all points, of ChromaDB lines and the others, and of each of the kinds that occurs."""
    chroma = [one for one in judgements if one.point.chroma]
    other = [one for one in judgements if not one.point.chroma]
    groups: list[tuple[str, list[Judgement]]] = [
        ("all", list(judgements)),
        *([("chroma", chroma), ("other", other)] if chroma and other else []),
        *((kind, [one for one in judgements if one.point.kind == kind]) for kind in kinds),
    ]
    return [Row(name, len(group), _figures(group)) for name, group in groups if group]


def _figures(judgements: Sequence[Judgement]) -> dict[str, Figure]:
    found = {}
    for name, counted in FIGURES.items():
        figure = ratio((one.point.path, *counted(one)) for one in judgements)
        if figure:
            found[name] = figure
    return found


def ratio(added: Iterable[tuple[str, float, int]]) -> Figure | None:
    """Sum over count of (file, to the sum, to the count), with its interval over files; None for a count of 0."""
    sums: dict[str, list[float]] = {}
    for file, value, count in added:
        entry = sums.setdefault(file, [0.0, 0.0])
        entry[0] += value
        entry[1] += count
    by_file = np.array(list(sums.values()), dtype=np.float64).reshape(-1, 2)  # (files, 2)
    total, count = by_file.sum(axis=0)
    if not count:
        return None
    drawn = by_file[np.random.default_rng(0).integers(len(by_file), size=(DRAWS, len(by_file)))].sum(axis=1)
    values = drawn[:, 0] / np.maximum(drawn[:, 1], 1)
    low, high = np.percentile(values, (2.5, 97.5))
    return Figure(float(total / count), float(low), float(high), int(count))
