"""What all claims are told with: a sentence beside a table, and words for differences.

Knows: rows set side by side, which arms are whole. Must not know: the claims.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slm_lsp.trainer.experiment.study.arms import ARMS
from slm_lsp.trainer.experiment.study.comparing import Line, Pick, compared
from slm_lsp.trainer.experiment.study.rows import Look, Row

BY_CHANCE = 2
"""Standard errors of a difference within which it is called noise."""
PLAIN = tuple(arm.name for arm in ARMS if arm.start == "scratch" and arm.decay == 0)
"""The arms that differ in shape and text alone."""


@dataclass(frozen=True)
class Told:
    """A claim and what the rows say of it."""

    sentence: str
    """In words, with figures."""
    table: str
    """Where they come from, in Markdown."""


NOTHING = Told("Not measured yet.", "")
Claim = Callable[[Sequence[Row]], Told]
"""What tells of one claim."""


def whole(rows: Sequence[Row], arms: Sequence[str] = PLAIN) -> list[str]:
    """Those of the arms that have a row on every project of the first seed: the study does these first."""
    first = min((row.seed for row in rows), default=0)
    there = [row for row in rows if row.seed == first]
    projects = {row.project for row in there}
    return [name for name in arms if projects and projects == {row.project for row in there if row.arm == name}]


def of_whole(rows: Sequence[Row], *wanted: tuple[str, str, Pick]) -> list[Line]:
    """A line for each (label, arm, pick) whose arm is whole; the others are left out."""
    there = whole(rows, [arm for _, arm, _ in wanted])
    return compared(rows, *(one for one in wanted if one[1] in there))


def change(before: Line, after: Line) -> str:
    """What EM and ES become from one line to another, and whether EM's difference may be chance."""
    differ, places = after.em - before.em, (before.places, after.places)
    both = (before.em * places[0] + after.em * places[1]) / max(sum(places), 1)
    error = math.sqrt(both * (1 - both) * sum(1 / max(count, 1) for count in places))
    where = "beyond" if abs(differ) > BY_CHANCE * error else "within"
    return f"EM {points(differ)} ({where} the noise), ES {after.es - before.es:+.3f}"


def points(difference: float | None) -> str:
    """A difference of two shares; "" for none."""
    return "" if difference is None else f"{100 * difference:+.1f} points"


def signed(value: float | None) -> str:
    """A correlation; "" for none."""
    return "" if value is None else f"{value:+.2f}"


def gap(look: Look) -> float | None:
    """Validation less training loss."""
    return look.gap


def validation(look: Look) -> float | None:
    """The validation loss."""
    return look.validation


def train(look: Look) -> float | None:
    """The training loss."""
    return look.train


def em(look: Look) -> float:
    """Exact match of the model alone."""
    return look.alone.em


def es(look: Look) -> float:
    """Edit similarity of the model alone."""
    return look.alone.es
