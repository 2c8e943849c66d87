"""What is chosen by measurement once a base model is trained: how much the memory counts, and when to be silent.

    python -m slm_lsp.trainer.tune [CHECKPOINT]     fits both on the split `tune` and writes them into the checkpoint

Knows: the split's packages, the Completer. Must not know: how the model was trained. What it came to on packages that
nothing was chosen on, `slm-lsp evaluate --split test` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from slm_lsp.data import base_checkpoint, textbook
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import Judgement, Point, Remembering, choose, judge
from slm_lsp.model.memory import textbook_of
from slm_lsp.model.repository import read_repository
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.corpus.manifest import Split, archives_folder
from slm_lsp.trainer.corpus.unpack import points_of_split, unpack
from slm_lsp.trainer.entry import ends_well
from slm_lsp.trainer.export import rewrite_base
from slm_lsp.trainer.gating import fit_gate

POINTS = 160
"""Points of each package that mixture and filter are fitted on; others than those that are reported."""
SEED = 1
"""Of their choice."""
Known = dict[str, str]
"""A workspace's files by path."""


def fit(folder: Path, archives: Path) -> dict[str, float]:
    """Fit mixture and gate of a base checkpoint on the split `tune`, write them with figures and card into it."""
    checkpoint = Checkpoint.open(folder)
    gate = fitted_gate(checkpoint, archives)
    completer = Completer(replace(checkpoint, gate=gate), threads=2)
    alone = [judgement for points, _ in packages("tune", archives) for judgement in judge(completer, points)]
    figures = {
        "points": len(alone),
        **figures_of(alone, "alone"),
        **figures_of(judge_packages(completer, "tune", archives, workspace=False), "file"),
        **figures_of(judge_packages(completer, "tune", archives, workspace=True), "workspace"),
    }
    metrics = {**checkpoint.metrics, "tune": {**checkpoint.metrics["tune"], **figures}}
    rewrite_base(checkpoint, gate=gate, metrics=metrics)
    return figures


def fitted_gate(checkpoint: Checkpoint, archives: Path) -> dict[str, Any]:
    """Mixture and filter for a checkpoint, from the split `tune`: knowing the open file, and the workspace."""
    root = unpack("tune", archives)
    projects = [
        (choose(known.items(), POINTS, SEED), files)
        for known in (files_of(root / name) for name in points_of_split("tune", archives))
        for files in (Known(), known)
    ]
    return fit_gate(checkpoint, projects)


def packages(split: Split, archives: Path) -> Iterator[tuple[Sequence[Point], Known]]:
    """Points and files of each package of a split; raises CorpusError where they cannot be had."""
    root = unpack(split, archives)
    for name, points in points_of_split(split, archives).items():
        yield points, files_of(root / name)


def files_of(folder: Path) -> Known:
    """A package's own Python files."""
    return {file.path: file.text for file in read_repository(folder).files}


def judge_packages(completer: Completer, split: Split, archives: Path, *, workspace: bool) -> list[Judgement]:
    """What the completer offers at each point of a split, knowing the open file alone or all of its package."""
    taught = textbook_of(completer.tokenizer, textbook())
    return [
        judgement
        for points, known in packages(split, archives)
        for judgement in judge(Remembering(completer, known if workspace else {}, taught), points)
    ]


def figures_of(judged: Sequence[Judgement], name: str) -> dict[str, float]:
    """The figures that the card and the log name."""
    shown = [one for one in judged if one.shown]
    return {
        f"{name}_em": round(sum(one.right for one in judged) / len(judged), 4),
        f"{name}_es": round(sum(one.similarity for one in judged) / len(judged), 4),
        f"{name}_precision": round(sum(one.right for one in shown) / max(len(shown), 1), 4),
        f"{name}_show_rate": round(len(shown) / len(judged), 4),
    }


def command(
    checkpoint: Annotated[Path | None, typer.Argument(help="A checkpoint folder; default: the base.")] = None,
) -> None:
    """Fit a base model's mixture and gate on the split `tune` and write them into its checkpoint."""
    print(json.dumps(fit(checkpoint or base_checkpoint(), archives_folder()), indent=2))


def main() -> None:
    """Run it; see entry.py."""
    ends_well(lambda: typer.run(command))


if __name__ == "__main__":
    main()
