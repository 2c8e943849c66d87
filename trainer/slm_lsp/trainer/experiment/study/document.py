"""docs/experiment.md: the tables in it are made from the file of rows beside it.

Knows: the marks around what is made. Must not know: what a claim says.

    <!-- rows: NAME -->
    the sentence and the table of the claim NAME
    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from slm_lsp.model.errors import TrainingError
from slm_lsp.trainer.experiment.report import percent
from slm_lsp.trainer.experiment.study.arms import ARMS, PROJECTS, SEEDS
from slm_lsp.trainer.experiment.study.comparing import end
from slm_lsp.trainer.experiment.study.rows import Row
from slm_lsp.trainer.experiment.study.telling import BY_CHANCE, of_whole
from slm_lsp.trainer.experiment.study.verdicts import CLAIMS

BEGUN = "`make experiment` computes what is missing."
"""What to do where rows are missing."""
_MARKED = re.compile(r"<!-- rows: (?P<name>[^>]+?) -->\n(?P<made>.*?)<!-- end -->", re.DOTALL)


def names(text: str) -> list[str]:
    """The claims that a document has marks for, in order."""
    return [match["name"] for match in _MARKED.finditer(text)]


def renewed(text: str, rows: Sequence[Row]) -> str:
    """The document with everything between marks made anew from the rows; raises TrainingError for an unknown name."""

    def made(match: re.Match[str]) -> str:
        name = match["name"]
        if name == "count":
            return _block(name, count(rows))
        if name not in CLAIMS:
            raise TrainingError(f"the document asks for rows of {name!r}; there are {', '.join(CLAIMS)} and count")
        told = CLAIMS[name](rows)
        return _block(name, "\n\n".join(part for part in (told.sentence, told.table) if part))

    return _MARKED.sub(made, text)


def count(rows: Sequence[Row]) -> str:
    """How many rows there are, of what."""
    projects = sorted({row.project for row in rows})
    named = f"the projects {', '.join(projects)}" if projects else "no project"
    planned = len(ARMS) * len(PROJECTS) * len(SEEDS)
    said = [f"Rows: {len(rows)} of {planned} that are planned, of {named}."]
    for seed in sorted({row.seed for row in rows}):
        there = {row.arm for row in rows if row.seed == seed}
        have, lack = ([one.name for one in ARMS if (one.name in there) == so] for so in (True, False))
        which = f", none of {', '.join(lack)}" if len(lack) <= len(have) else f": {', '.join(have)}"
        said.append(f"Seed {seed} has rows of {len(have)} of {len(ARMS)} arms{which if lack else ''}.")
    if len(rows) < planned:
        said.append(f"So this is a beginning; {BEGUN}")
    return " ".join([*said, *_noise(rows)])


def _noise(rows: Sequence[Row]) -> list[str]:
    """How far EM is to be trusted, in the table over most arms."""
    lines = of_whole(rows, *((arm.name, arm.name, end) for arm in ARMS))
    if not lines:
        return []
    keys = len(lines[0].looks)
    best = max(lines, key=lambda line: line.em)
    middle = sorted(lines, key=lambda line: line.em)[len(lines) // 2]
    return [
        f"Over {keys} run{'s' * (keys > 1)} of {best.looks[0][1].alone.points} places each, an EM of "
        f"{percent(middle.em)} has a standard error of {100 * middle.noise:.1f} points, one of {percent(best.em)} "
        f"{100 * best.noise:.1f}, by the choice of places alone: two EM are told apart here where they differ by more "
        f"than {BY_CHANCE} standard errors of their difference, and the sentences say so."
    ]


def _block(name: str, made: str) -> str:
    return f"<!-- rows: {name} -->\n{made}\n<!-- end -->"
