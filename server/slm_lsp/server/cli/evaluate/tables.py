"""Figures as tables for a person, and as JSON for a program.

Knows: rich, names of figures. Must not know: how a figure came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from slm_lsp.model.evaluation.figures import Figure, Row, rows_of
from slm_lsp.model.evaluation.typist import Typed
from slm_lsp.server.cli.evaluate.measuring import Measured

_PERCENT = ("em", "top1", "top5", "show_rate", "precision")
_TITLES = {
    "em": "EM", "es": "ES", "show_rate": "shown", "precision": "right of shown",
    "top1": "top-1", "top5": "top-5",
}  # fmt: skip
WIDTH = 140
"""Columns of the tables where the output is no terminal."""


def as_json(measured: Measured) -> dict[str, Any]:
    """All figures with their intervals."""
    return {
        "model": measured.model,
        "rows": {
            who: [asdict(row) for row in rows_of(judgements, measured.kinds)]
            for who, judgements in measured.judgements.items()
        },
    }


def show(measured: Measured) -> None:
    """Print the tables: ghost text, then the popup where it was asked."""
    rows = {who: rows_of(judgements, measured.kinds) for who, judgements in measured.judgements.items()}
    console = _console()
    copiers = [who for who in rows if who.startswith("copier") and "jedi" not in who]
    columns = {"model": ("em", "es", "show_rate", "precision"), **dict.fromkeys(copiers, ("em", "es"))}
    if "literal" in measured.kinds:
        console.print("The API benchmark: exercises of the textbook that the base model has read, none of them read.")
    console.print(_table(rows, columns, f"ghost text, model {measured.model}"))
    if any("top1" in row.figures for row in rows["model"]):
        console.print(_table(rows, dict.fromkeys(rows, ("top1", "top5")), "popup: the right name first, among five"))
    times = sorted(judgement.ms for judgement in measured.judgements["model"])
    console.print(f"[dim]a suggestion took p50 {_percentile(times, 50):.1f}, p95 {_percentile(times, 95):.1f} ms[/]")
    console.print("[dim]EM: exactly right; ES: edit similarity; in brackets 95% intervals over files[/]")


def show_typed(model: str, typed: Mapping[str, Typed]) -> None:
    """Print what a typist saved in each file, and in all."""
    table = Table(title=f"a typist with the model {model}", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("file", "characters", "keys", "saved", "shown", "right of shown", "shown of requests"):
        table.add_column(name, justify="left" if name == "file" else "right")
    for name, one in typed.items():
        table.add_row(
            name, f"{one.characters:,}", f"{one.keys:,}", f"{one.saved:.1%}", f"{one.shown:,}", f"{one.precision:.1%}",
            f"{one.show_rate:.1%}",
        )  # fmt: skip
    _console().print(table)


def typed_json(model: str, typed: Mapping[str, Typed]) -> dict[str, Any]:
    """The same for a program."""
    figures = {
        name: {**asdict(one), "saved": one.saved, "precision": one.precision, "show_rate": one.show_rate}
        for name, one in typed.items()
    }
    return {"model": model, "files": figures}


def _table(rows: Mapping[str, Sequence[Row]], columns: Mapping[str, Sequence[str]], title: str) -> Table:
    """One line a group of points; for each who was asked, some figures."""
    wanted = [(who, name) for who, names in columns.items() for name in names]
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("cursor", no_wrap=True)
    table.add_column("points", justify="right")
    for who, name in wanted:
        heading = _TITLES[name] if who == "model" else who.replace(" + ", "\n+ ") + "\n" + _TITLES[name]
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for index, row in enumerate(rows["model"]):
        figures = {who: rows[who][index].figures for who in columns}
        if any(name in figures[who] for who, name in wanted):
            cells = (_cell(name, figures[who].get(name), interval=who == "model") for who, name in wanted)
            table.add_row(row.name, str(row.points), *cells)
    return table


def _percentile(times: Sequence[float], percent: int) -> float:
    return times[min(len(times) * percent // 100, len(times) - 1)]


def _cell(name: str, figure: Figure | None, *, interval: bool) -> str:
    if figure is None:
        return ""
    if name in _PERCENT:
        value, bounds = f"{figure.value:.1%}", f"{100 * figure.low:.0f}-{100 * figure.high:.0f}"
    else:
        value, bounds = f"{figure.value:.3f}", f"{figure.low:.2f}-{figure.high:.2f}"
    return f"{value} [dim]({bounds})[/]" if interval else value


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)
