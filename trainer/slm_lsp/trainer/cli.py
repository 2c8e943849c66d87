"""The command line of the trainer: `slm-lsp train`, which is `python -m slm_lsp.trainer train`.

Knows: options, exit codes, help. Must not know: how training is done; imports torch only when it starts.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slm_lsp.trainer.entry import ends_well

_HELP = """Train a completion model on the Python files of a project, and use it there if it is better.

Without options the model that ships with slm-lsp is adapted to the project. That takes a minute or two for a \
small project on two cores, and measures best. Whole files are set aside and never trained on; both models are \
then asked to complete in them, and the new one is put to use only where it beats the base model. Nothing leaves \
your machine.

[bold]Examples[/bold]

[cyan]slm-lsp train .[/cyan]
    adapt the base model to this folder

[cyan]slm-lsp train ~/shop --budget 10m[/cyan]
    take more time for a large project

[cyan]slm-lsp train ~/shop --resume[/cyan]
    go on after Ctrl-C, which keeps the best model so far

[cyan]slm-lsp train ~/shop --phase 3 --out models[/cyan]
    rebuild the published "domain expert" from scratch, and write models/phase3_model.pt

Exit codes: 0 done, 2 could not start or go on, 130 interrupted.
"""

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)


class Device(StrEnum):
    """Where to compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def _seconds(text: str) -> float:
    """The seconds that `90`, `90s`, `5m`, `1.5h` mean."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or not float(match[1]):
        raise typer.BadParameter("a time like 90s, 5m or 1.5h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


@app.callback()
def trainer() -> None:
    """The trainer of slm-lsp: models of your own code, on your own machine."""


@app.command(help=_HELP)
def train(
    path: Annotated[Path, typer.Argument(help="Folder of the project.", show_default=False)],
    phase: Annotated[
        int | None,
        typer.Option(
            min=0, max=4, show_default="adapt the base model",
            help="Rebuild this phase of the published experiment from scratch. Also writes phaseN_model.pt: "
            "into --out, or else into the model's folder.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, show_default="the library of models",
            help="Write the model into a folder of its own in this one, and do not put it to use.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice; the same seed sets the same files aside.")] = 0,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
    budget: Annotated[
        float | None,
        typer.Option(
            parser=_seconds, metavar="TIME", show_default="4m for adapting",
            help="Most training time, e.g. 90s, 5m, 1h. The learning rate falls in time for it.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was interrupted.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON on stdout; progress goes to stderr.")
    ] = False,
) -> None:  # fmt: skip
    """Run `slm-lsp train`; its help is `_HELP`."""
    from slm_lsp.model.repository import read_repository
    from slm_lsp.trainer.extras import require_extra

    repository = read_repository(path)
    require_extra()
    from slm_lsp.model.library import ModelLibrary
    from slm_lsp.trainer.interrupt import GO_ON
    from slm_lsp.trainer.progress import Display
    from slm_lsp.trainer.report import show
    from slm_lsp.trainer.train import Request
    from slm_lsp.trainer.train import train as run

    console = Console(stderr=as_json)
    request = Request(repository, phase, out, seed, device.value, budget, resume)
    report = run(request, ModelLibrary(), Display(console))
    if as_json:
        print(json.dumps(report.to_dict(), indent=2, allow_nan=False))
    else:
        show(report, console)
    if report.interrupted:
        console.print(GO_ON, markup=False, highlight=False)
        raise typer.Exit(130)


def main() -> None:
    """Run the command line; see entry.py."""
    ends_well(lambda: app(prog_name="slm-lsp"))
