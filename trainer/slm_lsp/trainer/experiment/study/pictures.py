"""The pictures of docs/experiment.md, from the rows.

Knows: rows, matplotlib by way of the run's figures. Must not know: claims, how rows came about.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slm_lsp.trainer.experiment.figures import TRAIN, VALIDATION, figure_of, save
from slm_lsp.trainer.experiment.study.arms import STEPS, arm
from slm_lsp.trainer.experiment.study.comparing import Line, after, compared
from slm_lsp.trainer.experiment.study.rows import Row
from slm_lsp.trainer.experiment.study.telling import whole
from slm_lsp.trainer.experiment.study.verdicts import DATA, RULE, ratio_of


def draw_rows(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw what the rows give into a folder: `data`, `overtraining`, `golden-rule`, each as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = arm("data-15k").looks
    by_data = compared(rows, *((name, name, after(STEPS)) for name in whole(rows, DATA)))
    by_step = compared(rows, *((str(step), "data-15k", after(step)) for step in steps))
    by_ratio = compared(rows, *((name, name, after(STEPS)) for name in whole(rows)))
    drawn = []
    if len(by_data) > 1:
        drawn.append(_two(by_data, f"More text, {STEPS} steps each", "tokens of the project", folder / "data.svg"))
    if by_step:
        drawn.append(_two(by_step, "Training on and on, 15K tokens", "steps", folder / "overtraining.svg"))
    if len(by_ratio) > 1:
        drawn.append(_ratios(by_ratio, folder / "golden-rule.svg"))
    return drawn


def _two(lines: Sequence[Line], title: str, x: str, path: Path) -> Path:
    """Gap on one side, similarity on the other."""
    figure, axes = figure_of(title, x, "gap, nats a token")
    labels = [line.label.removeprefix("data-") for line in lines]
    axes.plot(labels, [line.gap or 0 for line in lines], "o-", color=VALIDATION, label="gap")
    other = axes.twinx()
    other.plot(labels, [line.es for line in lines], "o-", color=TRAIN, label="edit similarity in files never seen")
    other.set(ylabel="edit similarity", ylim=(0, None))
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=2)
    return save(figure, path)


def _ratios(lines: Sequence[Line], path: Path) -> Path:
    figure, axes = figure_of(f"Quality by params : tokens, {STEPS} steps each", "params : tokens", "edit similarity")
    for vocabulary, color in (("gpt2", TRAIN), ("chroma8k", VALIDATION)):
        these = [line for line in lines if arm(line.label).vocabulary == vocabulary]
        axes.plot([ratio_of(line) for line in these], [line.es for line in these], "o", color=color, label=vocabulary)
    for line in lines:
        axes.annotate(line.label, (ratio_of(line), line.es), xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes.axvspan(*RULE, color="gold", alpha=0.25, label="golden rule: 10-100")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.2 * max(line.es for line in lines) or 1)
    axes.legend()
    return save(figure, path)
