"""The whole study: every arm on every project with every seed, resumable row by row.

Knows: the order of rows, where projects lie. Must not know: how an arm is trained, verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from slm_lsp.data import base_in_use
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.corpus.manifest import archives_folder
from slm_lsp.trainer.corpus.unpack import unpack
from slm_lsp.trainer.experiment.study.arms import ARMS, Arm
from slm_lsp.trainer.experiment.study.material import Material
from slm_lsp.trainer.experiment.study.rows import Row, append_row, drop_stale, read_rows
from slm_lsp.trainer.experiment.study.training import base_hash, row_of


def study(
    out: Path, projects: Sequence[str], seeds: Sequence[int], arms: Sequence[Arm] = ARMS,
    on_row: Callable[[int, int, str], None] = lambda done, total, label: None, folders: Path | None = None,
) -> list[Row]:  # fmt: skip
    """Compute the rows that the file `out` lacks, appending each as it is done; all rows of the study.

    Rows made from another base model than today's are computed anew.

    The first seed comes first, on all projects, so that an interrupted study says something of each claim. `on_row`
    hears how many rows are there, how many there will be, and which one comes next. Raises SlmLspError.
    """
    root = folders or unpack("adapt", archives_folder())
    missing = [name for name in projects if not (root / name).is_dir()]
    if missing:
        known = ", ".join(sorted(path.name for path in root.iterdir() if path.is_dir()))
        raise TrainingError(f"no such project: {', '.join(missing)}; there are {known}")
    base = Checkpoint.open(base_in_use())
    drop_stale(out, base_hash(base))
    material: dict[tuple[str, int], Material] = {}
    wanted = {(arm.name, project, seed) for arm, project, seed in _order(arms, projects, seeds)}
    for arm, project, seed in _order(arms, projects, seeds):
        rows = read_rows(out)
        there = wanted & {row.key for row in rows}
        if (arm.name, project, seed) in there:
            continue
        on_row(len(there), len(wanted), f"{arm.name}, {project}, seed {seed}")
        key = (project, seed)
        if key not in material:
            material[key] = Material(project, root / project, seed, base)
        append_row(out, row_of(arm, material[key], rows))
    return read_rows(out)


def _order(arms: Sequence[Arm], projects: Sequence[str], seeds: Sequence[int]) -> Iterator[tuple[Arm, str, int]]:
    for seed in seeds:
        for arm in arms:
            for project in projects:
                yield arm, project, seed
