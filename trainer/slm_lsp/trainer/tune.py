"""What is chosen by measurement once a base model is trained: the gate, and the figures of its card.

    python -m slm_lsp.trainer.tune [CHECKPOINT]                  fits the gate on the split `tune` and writes it
    python -m slm_lsp.trainer.tune [CHECKPOINT] --split test     reports on the split `test`, chooses nothing

Knows: the corpus's splits, the Completer. Must not know: how the model was trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from slm_lsp.data import base_checkpoint
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import SlmLspError
from slm_lsp.model.evaluation import Judgement, judge
from slm_lsp.model.evaluation.gate import fit_gate
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint
from slm_lsp.trainer.card import base_card
from slm_lsp.trainer.corpus.manifest import Split, archives_folder
from slm_lsp.trainer.corpus.unpack import points_of_split


def judge_split(completer: Completer, split: Split, archives: Path) -> list[Judgement]:
    """What the completer offers at each point of a split, knowing the open file alone, whatever its gate says."""
    points = [point for package in points_of_split(split, archives).values() for point in package]
    return list(judge(completer, points))


def figures_of(judged: list[Judgement], threshold: float) -> dict[str, float]:
    """The figures that the card and the log name, each over `points` points."""
    shown = [one for one in judged if one.confidence >= threshold]

    def mean(values: list[float]) -> float:
        return round(sum(values) / max(len(values), 1), 4)

    return {
        "points": len(judged),
        "em": mean([one.right for one in judged]),
        "es": mean([one.similarity for one in judged]),
        "chroma_em": mean([one.right for one in judged if one.point.chroma]),
        "chroma_es": mean([one.similarity for one in judged if one.point.chroma]),
        "precision": mean([one.right for one in shown]),
        "show_rate": round(len(shown) / max(len(judged), 1), 4),
    }


def fit(folder: Path, archives: Path) -> dict[str, float]:
    """Fit the gate of a base checkpoint on the split `tune`, and write gate, figures and card into it."""
    checkpoint = Checkpoint.open(folder)
    judged = judge_split(Completer(checkpoint, threads=2), "tune", archives)
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
    judged = judge_split(completer, "test", archives)
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
