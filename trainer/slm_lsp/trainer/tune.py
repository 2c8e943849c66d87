"""What is chosen by measurement once a base model is trained: the gate, and the figures of its card.

    python -m slm_lsp.trainer.tune [CHECKPOINT]                  fits the gate on the split `tune` and writes it
    python -m slm_lsp.trainer.tune [CHECKPOINT] --split test     reports on the split `test`, chooses nothing

Knows: the corpus's splits, the Completer. Must not know: how the model was trained.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from slm_lsp.data import base_checkpoint
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import SlmLspError
from slm_lsp.model.evaluation import Point, choose
from slm_lsp.model.evaluation.gate import fit_gate
from slm_lsp.model.evaluation.metrics import edit_similarity, exact_match
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint
from slm_lsp.trainer.card import base_card
from slm_lsp.trainer.corpus.manifest import Split, archives_folder, read_manifest
from slm_lsp.trainer.corpus.select import select

POINTS_A_PROJECT = 110
"""Cursors in each package of the split."""


@dataclass(frozen=True)
class Judged:
    """One suggestion and what became of it."""

    chroma: bool
    """Whether the line uses ChromaDB."""
    confidence: float
    """The completer's; 0 where it offered nothing."""
    right: bool
    """Whether its first line is what the developer wrote."""
    similarity: float
    """Edit similarity of the two."""


def points_of_split(split: Split, archives: Path) -> list[Point]:
    """Cursors in the packages of a split, at most 110 a package; raises CorpusError without their archives."""
    packages = [package for package in read_manifest() if package.split == split]
    files = select(packages, archives).files
    return [
        point
        for package in packages
        for point in choose([(f.path, f.text) for f in files if f.package == package.name], POINTS_A_PROJECT)
    ]


def judge_points(completer: Completer, points: list[Point]) -> list[Judged]:
    """What the completer offers at each point, whatever its gate says."""
    judged = []
    for point in points:
        offer = completer.complete(point.prefix, point.suffix, path=point.path)
        text, confidence = (offer.text, offer.confidence) if offer else ("", 0.0)
        right, similarity = exact_match(text, point.target), edit_similarity(text, point.target)
        judged.append(Judged(point.chroma, confidence, right, similarity))
    return judged


def figures_of(judged: list[Judged], threshold: float) -> dict[str, float]:
    """The figures that the card and the log name, each over `points` points."""
    shown = [one for one in judged if one.confidence >= threshold]

    def mean(values: list[float]) -> float:
        return round(sum(values) / max(len(values), 1), 4)

    return {
        "points": len(judged),
        "em": mean([one.right for one in judged]),
        "es": mean([one.similarity for one in judged]),
        "chroma_em": mean([one.right for one in judged if one.chroma]),
        "chroma_es": mean([one.similarity for one in judged if one.chroma]),
        "precision": mean([one.right for one in shown]),
        "show_rate": round(len(shown) / max(len(judged), 1), 4),
    }


def fit(folder: Path, archives: Path) -> dict[str, float]:
    """Fit the gate of a base checkpoint on the split `tune`, and write gate, figures and card into it."""
    checkpoint = Checkpoint.open(folder)
    judged = judge_points(Completer(checkpoint, threads=2), points_of_split("tune", archives))
    threshold = fit_gate((one.confidence, one.right) for one in judged)
    figures = figures_of(judged, threshold)
    metrics = {**checkpoint.metrics, "tune": {**checkpoint.metrics["tune"], **figures}}
    write_checkpoint(
        folder, name=checkpoint.name, config=checkpoint.config, prompt=checkpoint.prompt, tensors=checkpoint.tensors(),
        graph=checkpoint.graph(), tokenizer=checkpoint.tokenizer(), metrics=metrics,
        gate={"min_confidence": round(threshold, 4)}, card=base_card(checkpoint.config, metrics),
    )  # fmt: skip
    return figures


def report(folder: Path, archives: Path) -> dict[str, float]:
    """The figures of a checkpoint, with the gate it has, on the split `test`."""
    completer = Completer.load(folder, threads=2)
    judged = judge_points(completer, points_of_split("test", archives))
    return figures_of(judged, float(completer.checkpoint.gate["min_confidence"]))


def command(
    checkpoint: Annotated[Path | None, typer.Argument(help="A checkpoint folder; default: the base.")] = None,
    split: Annotated[str, typer.Option(help="tune: fit the gate and write it; test: only report.")] = "tune",
) -> None:
    """Fit a base model's gate on the split `tune`, or report its figures on the split `test`."""
    if split not in ("tune", "test"):
        raise typer.BadParameter(f"must be tune or test, not {split}", param_hint="--split")
    figures = (fit if split == "tune" else report)(checkpoint or base_checkpoint(), archives_folder())
    print(json.dumps(figures, indent=2))


def main() -> None:
    """Entry of `python -m slm_lsp.trainer.tune`."""
    try:
        typer.run(command)
    except SlmLspError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
