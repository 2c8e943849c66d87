"""The report of a run: its figures, and how they are told.

Knows: wording, layout. Must not know: how anything was computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slm_lsp.model.evaluation import Scores
from slm_lsp.trainer.advice import advice_on
from slm_lsp.trainer.phases import PhaseConfig


@dataclass(frozen=True)
class Sample:
    """A sample generation."""

    prompt: str
    """The end of what the model was given."""
    text: str
    """What it wrote after it."""


@dataclass(frozen=True)
class Report:
    """Everything that is said after a run."""

    kind: str
    """`adapt`, or `phase0` to `phase4`."""
    name: str
    """What the model is called."""
    folder: Path
    """Where it lies."""
    weights_file: Path | None
    """The `.pt` file of a phase."""
    interrupted: bool
    """Whether the run was stopped before its end."""
    in_use: bool
    """Whether the workspace is completed with it from now on."""
    why: str
    """Why it is, or is not."""
    how: str
    """What to do to use it anyway, or to go back."""
    base: Scores | None
    """The base model's scores on the files set aside."""
    trained: Scores | None
    """This model's."""
    metrics: Mapping[str, Any]
    """What metrics.json holds."""
    phase: PhaseConfig | None = None
    """The phase it rebuilds."""
    samples: tuple[Sample, ...] = ()
    """What the model writes."""
    notes: tuple[str, ...] = field(default=())
    """What limits these figures."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What params : tokens and the gap say against it, with what to do."""
        ratio = self.metrics["parameters"] / max(self.metrics["tokens"], 1)
        return tuple(advice_on(ratio, self.metrics["gap"], scratch=self.phase is not None))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return {
            **finite(self.metrics), "name": self.name, "folder": str(self.folder),
            "weights_file": str(self.weights_file) if self.weights_file else None, "interrupted": self.interrupted,
            "in_use": self.in_use, "why": self.why, "how": self.how, "notes": list(self.notes),
            "warnings": list(self.warnings),
            "samples": [{"prompt": sample.prompt, "text": sample.text} for sample in self.samples],
        }  # fmt: skip


def show(report: Report, console: Console) -> None:
    """Print a report."""
    metrics = report.metrics
    head = "[yellow]interrupted[/]: the best so far" if report.interrupted else "done"
    console.print(f"\n[bold]{escape(report.name)}[/] ({head}, {metrics['seconds']:.0f} s)")
    console.print(_losses(report))
    if report.base and report.trained:
        console.print(_scores(report.base, report.trained))
    for note in report.notes:
        console.print(f"[yellow]note[/]: {escape(note)}")
    for warning in report.warnings:
        console.print(f"[yellow]warning[/]: {escape(warning)}")
    for sample in report.samples:
        console.print(f"\n[dim]{escape(sample.prompt)}[/][green]{escape(sample.text)}[/]", highlight=False)
    console.print(f"\nThe model lies in {escape(str(report.folder))}", soft_wrap=True, highlight=False)
    if report.weights_file:
        console.print(f"Its float weights: {escape(str(report.weights_file))}", soft_wrap=True, highlight=False)
    state = "[green]It is in use[/]" if report.in_use else "[yellow]It is not in use[/]"
    console.print(f"{state}: {escape(report.why)}. {escape(report.how)}", soft_wrap=True, highlight=False)


def _losses(report: Report) -> Table:
    metrics, phase = report.metrics, report.phase
    losses = metrics["losses"]
    table = Table(box=None, pad_edge=False)
    table.add_column()
    table.add_column("here", justify="right")
    published = phase.published if phase else None
    if published:
        table.add_column("published", justify="right")

    def row(name: str, value: str, stated: str = "") -> None:
        table.add_row(name, value, stated) if published else table.add_row(name, value)

    row("training loss", _number(losses["train"]), _number(published.train if published else None))
    row("validation loss", _number(losses["validation"]), _number(published.validation if published else None))
    if "base_validation" in losses:
        row("validation loss before", _number(losses["base_validation"]))
    row("gap", _number(metrics["gap"]), _number(published.gap if published else None))
    parameters, tokens = metrics["parameters"], metrics["tokens"]
    row("parameters", f"{parameters:,}", _millions(published.parameters) if published else "")
    row("training tokens", f"{tokens:,}")
    ratio = published.ratio if published else None
    row("parameters : tokens", f"{parameters / max(tokens, 1):,.0f} : 1", f"{ratio:,.0f} : 1" if ratio else "")
    return table


def _scores(base: Scores, trained: Scores) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{base.points} places in unseen files", no_wrap=True)
    for heading in ("base", "trained"):
        table.add_column(heading, justify="right")
    table.add_row("exact match", f"{base.em:.1%}", f"{trained.em:.1%}")
    table.add_row("edit similarity", f"{base.es:.3f}", f"{trained.es:.3f}")
    return table


def card(metrics: Mapping[str, Any], name: str, why: str) -> str:
    """The model card of a trained model, in Markdown."""
    losses = metrics["losses"]
    scores = "not judged"
    if metrics["trained"]:
        scores = (
            f"exact match {metrics['trained']['em']:.1%} (base model: {metrics['base']['em']:.1%}), edit similarity "
            f"{metrics['trained']['es']:.3f} ({metrics['base']['es']:.3f}), on {metrics['points']} places"
        )
    return f"""# {name}

A model of slm-lsp, {metrics["kind"]}, trained on this machine from `{metrics["workspace"]}`. It holds what it learned
from that code: treat it as you treat the code.

- **Made**: {metrics["created"]}, in {metrics["seconds"]:.0f} s, seed {metrics["seed"]}
- **Size**: {metrics["parameters"]:,} parameters, {metrics["tokens"]:,} training tokens
- **Losses**: training {_number(losses["train"])}, validation {_number(losses["validation"])} nats a token
- **On files set aside, never trained on**: {scores}
- **Verdict**: {why}
"""


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2f}"


def _millions(value: float | None) -> str:
    return f"{value / 1e6:.3g}M" if value else ""


def finite(value: Any) -> Any:
    """The value with every NaN as None, which JSON can say."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
