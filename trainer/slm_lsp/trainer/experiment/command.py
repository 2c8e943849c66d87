"""`slm-lsp experiment`, which is `python -m slm_lsp.trainer.experiment.command`.

Knows: options, exit codes, help. Must not know: how anything is trained or told; imports torch only when it starts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from slm_lsp.trainer.cli import Device
from slm_lsp.trainer.entry import ends_well

if TYPE_CHECKING:
    from slm_lsp.trainer.experiment.conduct import Experiment, Plan
    from slm_lsp.trainer.experiment.results import Result

_HELP = """Run the published experiment on a project: phases 0 to 4 from scratch, then the adapted base model, one \
report.

Each phase is trained as it was published: its shape, its amount of text, its end. Whole files are set aside, and \
every model completes in them. The folder holds report.md with its pictures, and phaseN.json and phaseN_model.pt of \
every phase. \
Nothing is put to use, and nothing leaves your machine.

[bold]Examples[/bold]

[cyan]slm-lsp experiment ~/shop[/cyan]
    all of it, into experiment-shop

[cyan]slm-lsp experiment ~/shop --phases 2,3 --out report[/cyan]
    two phases and the adapted model, into report

Interrupt it whenever you like: the same command goes on where it stopped.

Exit codes: 0 done, 2 could not start or go on, 130 interrupted.
"""

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)


def _numbers(text: str) -> tuple[int, ...]:
    """The phases that `0,1,3` means."""
    if not re.fullmatch(r"[0-4](,[0-4])*", text.strip()):
        raise typer.BadParameter("phases from 0 to 4, separated by commas")
    return tuple(sorted({int(number) for number in text.split(",")}))


@app.command(help=_HELP)
def experiment(
    path: Annotated[Path, typer.Argument(help="Folder of the project.", show_default=False)],
    phases: Annotated[str, typer.Option(help="Which phases, separated by commas.")] = "0,1,2,3,4",
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder to write to.", show_default="experiment-NAME")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice; the same seed sets the same files aside.")] = 0,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
) -> None:
    """Run `slm-lsp experiment`; its help is `_HELP`."""
    from slm_lsp.model.repository import read_repository
    from slm_lsp.trainer.extras import require_extra

    chosen, repository = _numbers(phases), read_repository(path)
    require_extra()
    from slm_lsp.trainer.experiment.conduct import Experiment, Plan, Stopped
    from slm_lsp.trainer.experiment.figures import require_matplotlib
    from slm_lsp.trainer.experiment.overall import Overall
    from slm_lsp.trainer.interrupt import stoppable

    require_matplotlib()
    plan = Plan(repository, out or Path(f"experiment-{repository.root.name}"), chosen, seed, device.value)
    display = Overall(Console(), plan.kinds)
    run = Experiment(plan, display)
    try:
        with stoppable(lambda: None):
            results = run.conduct()
    except (Stopped, KeyboardInterrupt):
        if finished := run.finished():
            display.say(f"The report so far: {_write_report(plan, run, finished)}")
        display.say("Stopped. The same command goes on from here.")
        raise typer.Exit(130) from None
    display.say(f"The report: {_write_report(plan, run, results)}")


def _write_report(plan: Plan, run: Experiment, results: list[Result]) -> Path:
    from slm_lsp.trainer.experiment.conduct import machine
    from slm_lsp.trainer.experiment.figures import draw
    from slm_lsp.trainer.experiment.report import About, markdown

    figures = draw(results, plan.out / "figures")
    about = About(
        plan.repository.root.name, len(plan.repository.files), len(run.parts.held_out), plan.seed, machine()
    )  # fmt: skip
    path = plan.out / "report.md"
    path.write_text(markdown(about, results, run.beginnings, figures, plan.out), encoding="utf-8")
    return path


def main() -> None:
    """Run it; see entry.py."""
    ends_well(lambda: app(prog_name="slm-lsp experiment"))


if __name__ == "__main__":
    main()
