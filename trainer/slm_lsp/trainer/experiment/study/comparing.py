"""Rows set side by side: arms at a look, over the same projects and seeds.

Knows: rows, means. Must not know: claims, wording.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slm_lsp.trainer.experiment.quality import Quality
from slm_lsp.trainer.experiment.report import percent
from slm_lsp.trainer.experiment.study.rows import Look, Row
from slm_lsp.trainer.experiment.study.statistics import mean

Pick = Callable[[Row], Look | None]
"""Which look of a row is compared."""
HEAD = ("runs", "EM alone", "ES alone")
"""Headings of a line's scores."""


@dataclass(frozen=True)
class Line:
    """One line of a table: an arm at a look, over all its projects and seeds."""

    label: str
    """What it is called."""
    looks: tuple[tuple[Row, Look], ...]
    """Everything that it is the mean of."""

    def mean(self, value: Callable[[Look], float | None]) -> float | None:
        """The mean of something over the looks."""
        return mean(value(look) for _, look in self.looks)

    @property
    def em(self) -> float:
        """Mean exact match of the models alone."""
        return self.mean(lambda look: look.alone.em) or 0.0

    @property
    def es(self) -> float:
        """Mean edit similarity of the models alone."""
        return self.mean(lambda look: look.alone.es) or 0.0

    @property
    def places(self) -> int:
        """Places at which its models completed, all runs together."""
        return sum(look.alone.points for _, look in self.looks)

    @property
    def noise(self) -> float:
        """Standard error of `em` by its places alone, each right or not by chance; other seeds come on top."""
        return math.sqrt(self.em * (1 - self.em) / max(self.places, 1))

    @property
    def gap(self) -> float | None:
        """Mean gap."""
        return self.mean(lambda look: look.gap)

    @property
    def scores(self) -> tuple[str, str, str]:
        """The cells under HEAD."""
        return str(len(self.looks)), percent(self.em), f"{self.es:.3f}"

    @property
    def ratio(self) -> str:
        """Parameters for each training token, from the least to the most."""
        ratios = sorted(row.ratio for row, _ in self.looks if row.tokens)
        if not ratios:
            return ""
        least, most = f"{ratios[0]:,.0f}", f"{ratios[-1]:,.0f}"
        return least if least == most else f"{least} to {most}"

    def share(self, *, repeated: bool) -> float | None:
        """Exact matches at repeated or new lines, over all places of all runs; None where there are none."""
        qualities: list[Quality] = [look.alone for _, look in self.looks]
        right = sum(quality.repeated_right if repeated else quality.new_right for quality in qualities)
        asked = sum(quality.repeated if repeated else quality.points - quality.repeated for quality in qualities)
        return right / asked if asked else None


def end(row: Row) -> Look:
    """The last look of the arm's own steps."""
    return [look for look in row.looks if look.at == "step"][-1]


def after(step: int) -> Pick:
    """The look after so many steps."""
    return lambda row: row.at(step)


def compared(rows: Sequence[Row], *wanted: tuple[str, str, Pick]) -> list[Line]:
    """A line for each (label, arm, pick), over the projects and seeds that all of them have; [] where none has."""
    there: dict[str, dict[tuple[str, int], tuple[Row, Look]]] = defaultdict(dict)
    for label, arm, pick in wanted:
        for row in rows:
            if row.arm == arm and (look := pick(row)) is not None:
                there[label][row.project, row.seed] = row, look
    common = set.intersection(*(set(there[label]) for label, _, _ in wanted)) if wanted else set()
    return [Line(label, tuple(there[label][key] for key in sorted(common))) for label, _, _ in wanted] if common else []
