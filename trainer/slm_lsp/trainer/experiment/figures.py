"""The pictures of a run, as SVG, drawn without a screen.

Knows: matplotlib, results. Must not know: files of results, wording beside the axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slm_lsp.model.errors import MissingExtra
from slm_lsp.trainer.experiment.results import BASE, Result
from slm_lsp.trainer.phases import PHASES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (6.4, 3.6)
"""Inches."""
TRAIN, VALIDATION = "#1f77b4", "#d62728"
"""Colors of the two losses everywhere."""


def require_matplotlib() -> None:
    """Raise MissingExtra with advice where pictures cannot be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            'the experiment draws with matplotlib, which is not installed; it comes with pip install "slm-lsp[train]"'
        ) from error


def draw(results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Draw every picture that the results give into a folder; by name: each kind, `curves`, `gap`, `quality`."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = [result for result in results if result.marks]
    drawn: dict[str, Path] = {}
    for result in trained:
        figure, axes = figure_of(result.title, "step", "nats a token")
        _losses(axes, result)
        axes.legend()
        drawn[result.kind] = save(figure, folder / f"{result.kind}.svg")
    if trained:
        drawn["curves"] = save(_all_curves(trained), folder / "curves.svg")
        drawn["gap"] = save(_gaps(trained), folder / "gap.svg")
    if any(result.alone for result in trained):
        drawn["quality"] = save(_quality(results), folder / "quality.svg")
    return drawn


def _losses(axes: Axes, result: Result) -> None:
    learned = [(mark.step, mark.train) for mark in result.marks if mark.train is not None]
    axes.plot(*zip(*learned, strict=True), color=TRAIN, label="training (mean of the batches)") if learned else None
    measured = [(mark.step, mark.validation) for mark in result.marks]
    axes.plot(*zip(*measured, strict=True), color=VALIDATION, label="validation")
    best = min(measured, key=lambda mark: mark[1])
    axes.plot(*best, "o", color=VALIDATION, label=f"lowest, at step {best[0]}")


def _all_curves(results: Sequence[Result]) -> Figure:
    figure, axes = figure_of("Validation loss by passes over the training tokens", "passes", "nats a token")
    for result in results:
        passes = result.seen / max(result.steps, 1) / max(result.tokens, 1)
        axes.plot(
            [mark.step * passes for mark in result.marks], [mark.validation for mark in result.marks], label=result.kind
        )
    axes.set_xscale("symlog", linthresh=1)
    axes.legend()
    return figure


def _gaps(results: Sequence[Result]) -> Figure:
    figure, axes = figure_of("Gap at the end: validation less training loss", "", "nats a token")
    kinds = [result.kind for result in results]
    published = {phase.kind: phase.published.gap for phase in PHASES}
    places = range(len(kinds))
    axes.bar([place - 0.2 for place in places], [result.gap or 0 for result in results], 0.4, label="here")
    stated = [(place + 0.2, published.get(kind)) for place, kind in enumerate(kinds)]
    there = [(place, gap) for place, gap in stated if gap is not None]
    if there:
        axes.bar([place for place, _ in there], [gap for _, gap in there], 0.4, label="published")
    axes.set_xticks(list(places), kinds)
    axes.legend()
    return figure


def _quality(results: Sequence[Result]) -> Figure:
    figure, axes = figure_of("Exact match in files never seen", "parameters : training tokens", "share of places")
    for result in results:
        if result.alone is None:
            continue
        if result.kind == BASE:
            axes.axhline(result.alone.em, color="gray", linestyle=":", label="base model")
        elif result.ratio:
            axes.plot(result.ratio, result.alone.em, "o", color=TRAIN)
            axes.annotate(result.kind, (result.ratio, result.alone.em), xytext=(4, 4), textcoords="offset points")
    axes.axvspan(10, 100, color="gold", alpha=0.25, label="golden rule: 10-100")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def figure_of(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    """An empty picture in the house's style."""
    from matplotlib.figure import Figure  # no pyplot: it would look for a screen

    figure = Figure(SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Figure, path: Path) -> Path:
    """Write a picture; its path."""
    import matplotlib

    # The same run gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "slm-lsp", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    return path
