"""The maintainers' commands: `python -m slm_lsp.trainer.experiment study|tables`.

Knows: what a maintainer types and sees. Must not know: how rows are made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slm_lsp.trainer.entry import ends_well
from slm_lsp.trainer.experiment.study.arms import ARMS, PROJECTS, SEEDS, arm

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
)  # fmt: skip


@app.callback()
def maintainers() -> None:
    """The study behind docs/experiment.md: rows over projects and seeds, and the tables that they give."""


@app.command()
def study(
    out: Annotated[Path, typer.Option(help="File of rows; what it holds is not computed again.")],
    projects: Annotated[str, typer.Option(help="Packages of the split adapt, separated by commas.")] = "",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = ",".join(map(str, SEEDS)),
    arms: Annotated[str, typer.Option(help="Only these arms.", show_default="all")] = "",
    threads: Annotated[int, typer.Option(min=1, help="Threads; one keeps processor time comparable.")] = 1,
) -> None:
    """Train and judge what is missing, one row a line; stop it whenever you like, the same command goes on."""
    import torch

    from slm_lsp.trainer.experiment.study.run import study as run

    torch.set_num_threads(threads)
    chosen = [arm(name) for name in _names(arms)] or list(ARMS)
    rows = run(
        out, _names(projects) or PROJECTS, [int(seed) for seed in _names(seeds)], chosen,
        lambda done, total, label: print(f"{done} of {total} rows; next: {label}", flush=True),
    )  # fmt: skip
    print(f"{len(rows)} rows in {out}")


@app.command()
def tables(
    rows: Annotated[Path, typer.Argument(help="File of rows.", exists=True, dir_okay=False)],
    document: Annotated[Path | None, typer.Argument(help="Document whose tables are made anew.")] = None,
) -> None:
    """Print what the rows say of each claim; or write it between a document's marks, and draw beside the rows."""
    from slm_lsp.trainer.experiment.study.document import count, renewed
    from slm_lsp.trainer.experiment.study.pictures import draw_rows
    from slm_lsp.trainer.experiment.study.rows import read_rows
    from slm_lsp.trainer.experiment.study.verdicts import CLAIMS

    there = read_rows(rows)
    if document:
        draw_rows(there, rows.parent)
        document.write_text(renewed(document.read_text(encoding="utf-8"), there), encoding="utf-8")
        return
    print(count(there))
    for name, claim in CLAIMS.items():
        told = claim(there)
        print(f"\n## {name}\n\n{told.sentence}\n\n{told.table}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main() -> None:
    """Run it; see entry.py."""
    ends_well(app)


if __name__ == "__main__":
    main()
