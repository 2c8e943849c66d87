"""The Markdown of a run: tables of what was measured, and few words.

Knows: results, wording, layout. Must not know: how anything was computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_lsp.trainer.advice import advice_on
from slm_lsp.trainer.experiment.quality import Quality
from slm_lsp.trainer.experiment.results import BASE, Result
from slm_lsp.trainer.experiment.samples import Beginning
from slm_lsp.trainer.phases import PHASES, PhaseConfig

REPEATED = (
    "A line is repeated when it stands, indentation apart, in the files that every model may learn from. The phases, "
    "which read in one stream, may also learn from those that tell the adapted model when to stop: a line that stands "
    "in these alone counts as new."
)
"""What the two columns are."""
ROWS = 12
"""Most rows of a table of losses."""


@dataclass(frozen=True)
class About:
    """What a run was made from and on."""

    project: str
    """The repository's name."""
    files: int
    """Its Python files."""
    aside: int
    """Those that judge, never trained on."""
    seed: int
    """Of every random choice."""
    machine: str
    """Processor, threads and versions."""


def markdown(
    about: About, results: Sequence[Result], beginnings: Sequence[Beginning], figures: Mapping[str, Path], out: Path
) -> str:
    """The report; pictures are named relative to the folder `out`."""
    trained = [result for result in results if result.kind != BASE]
    parts = [
        f"# The experiment on {about.project}",
        f"{about.files} Python files, {about.aside} of them set aside to judge by; seed {about.seed}; {about.machine}. "
        "Everything here comes from this run. `alone` is the model by itself; `with memory` is the model, the "
        "project's other files and the cookbook, as an editor is served; EM is the share of places completed exactly, "
        "ES the mean edit similarity, both in the files set aside.",
        "## All phases", _overview(results),
        *_pictures(figures, ("gap", "quality", "curves"), out),
        "## What this says", "\n".join(f"- {line}" for line in _sayings(results)),
        "## New lines and repeated ones",
        REPEATED, _repeated(results),
        *[text for result in trained for text in _section(result, figures, out)],
        "## Written after the same beginnings", *_samples(results, beginnings),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _overview(results: Sequence[Result]) -> str:
    rows = []
    for result in results:
        phase = _phase(result)
        published = phase.published if phase else None
        rows.append([
            result.kind, f"{result.parameters:,}", f"{result.tokens:,}" if result.tokens else "",
            f"{result.ratio:,.0f} : 1" if result.ratio else "",
            f"{published.ratio:,.0f} : 1" if published and published.ratio else "",
            number(result.train), number(result.validation), number(result.gap),
            number(published.gap) if published else "", *_scores(result.alone), *_scores(result.served),
        ])  # fmt: skip
    head = (
        "", "parameters", "training tokens", "params : tokens", "published", "training loss", "validation loss", "gap",
        "published gap", "EM alone", "ES alone", "EM with memory", "ES with memory",
    )  # fmt: skip
    return table(head, rows)


def _sayings(results: Sequence[Result]) -> list[str]:
    """What the trainer would warn of, phase by phase."""
    lines = []
    for result in results:
        scratch = result.kind.startswith("phase")
        lines += [f"{result.kind}: {saying}" for saying in advice_on(result.ratio, result.gap, scratch=scratch)]
    judged = [result for result in results if result.alone]
    if judged:
        best = max(judged, key=lambda result: (result.alone.em, result.alone.es) if result.alone else (0.0, 0.0))
        lines.append(f"Best by itself: {best.kind}.")
    return lines


def _repeated(results: Sequence[Result]) -> str:
    rows = []
    for result in results:
        if (quality := result.alone) is not None:
            rows.append([
                result.kind, str(quality.repeated), percent(quality.em_repeated),
                str(quality.points - quality.repeated), percent(quality.em_new),
            ])  # fmt: skip
    return table(("alone", "repeated lines", "EM", "new lines", "EM"), rows)


def _section(result: Result, figures: Mapping[str, Path], out: Path) -> list[str]:
    speed = f"{result.seen / result.seconds:,.0f} tokens/s" if result.seconds else ""
    config = ", ".join(f"{name} {value}" for name, value in result.config.get("model", {}).items())
    recipe = result.config.get("recipe", {})
    rates = ", ".join(f"{name} {recipe[name]}" for name in ("rows", "muon_lr", "adam_lr") if name in recipe)
    return [
        f"## {result.title.capitalize()}",
        f"{result.steps} steps in {result.seconds:.0f} s ({speed}). Model: {config}. Recipe: {rates}. Weights: "
        f"`{result.weights}`, sha256 `{result.sha256}`.",
        *[f"Note: {note}." for note in result.notes],
        _loss_table(result), *_pictures(figures, (result.kind,), out),
    ]  # fmt: skip


def _loss_table(result: Result) -> str:
    marks = result.marks
    every = -(-len(marks) // ROWS) or 1
    shown = [mark for place, mark in enumerate(marks) if place % every == 0 or place == len(marks) - 1]
    rows = [[str(mark.step), number(mark.train), number(mark.validation)] for mark in shown]
    rows.append(["end", number(result.train), number(result.validation)])
    return table(("step", "training loss (batches)", "validation loss"), rows)


def _samples(results: Sequence[Result], beginnings: Sequence[Beginning]) -> Iterable[str]:
    for place, beginning in enumerate(beginnings):
        yield f"### {beginning.path}"
        yield fenced(beginning.shown)
        there = [result for result in results if place < len(result.samples)]
        longest = max((len(result.samples[place].text) for result in there), default=0)
        yield f"In the file:\n\n{fenced(beginning.rest[:longest])}"
        for result in there:
            sample = result.samples[place]
            yield f"{result.kind}, similarity {sample.similarity:.2f}:\n\n{fenced(sample.text)}"


def _pictures(figures: Mapping[str, Path], names: Iterable[str], out: Path) -> list[str]:
    return [f"![{name}]({figures[name].relative_to(out).as_posix()})" for name in names if name in figures]


def _phase(result: Result) -> PhaseConfig | None:
    return next((phase for phase in PHASES if phase.kind == result.kind), None)


def _scores(quality: Quality | None) -> tuple[str, str]:
    return ("", "") if quality is None else (percent(quality.em), f"{quality.es:.3f}")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column left, the others right."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def number(value: float | None) -> str:
    """A loss; "" for none."""
    return "" if value is None else f"{value:.2f}"


def percent(value: float | None) -> str:
    """A share; "" for none."""
    return "" if value is None else f"{value:.1%}"


def fenced(text: str) -> str:
    """Text as a block of code, whatever is in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}python\n{text}\n{fence}"
