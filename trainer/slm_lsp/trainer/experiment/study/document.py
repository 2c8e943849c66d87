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
from slm_lsp.trainer.experiment.study.arms import ARMS, PROJECTS, SEEDS
from slm_lsp.trainer.experiment.study.rows import Row
from slm_lsp.trainer.experiment.study.verdicts import CLAIMS

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
    seeds = sorted({row.seed for row in rows})
    planned = len(ARMS) * len(PROJECTS) * len(SEEDS)
    return (
        f"Rows: {len(rows)} of {planned} that are planned. They have {len({row.arm for row in rows})} of "
        f"{len(ARMS)} arms, the projects {', '.join(projects)}, the seeds {', '.join(map(str, seeds))}."
    )


def _block(name: str, made: str) -> str:
    return f"<!-- rows: {name} -->\n{made}\n<!-- end -->"
