"""The maintainers' commands: `python -m slm_lsp.trainer.cookbook coverage|overlap|readme`.

Knows: what a maintainer types and sees. Must not know: how anything is counted.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from slm_lsp.model.errors import SlmLspError
from slm_lsp.trainer.cookbook.api import EXEMPT, embedded, read_api, served, try_exempt
from slm_lsp.trainer.cookbook.coverage import ENOUGH, Row, count_coverage
from slm_lsp.trainer.cookbook.overlap import compare
from slm_lsp.trainer.cookbook.programs import BENCHMARK, COOKBOOK, count_tokens, read_benchmark, read_programs
from slm_lsp.trainer.cookbook.readme import render_readme

app = typer.Typer(
    help="Look after the cookbook: what of chromadb's API it shows, how alike its programs are, its README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True)

Folder = Annotated[
    Path, typer.Option("--cookbook", help="Folder of the programs.", exists=True, file_okay=False, show_default=False)
]


@app.command()
def coverage(
    cookbook: Folder = COOKBOOK,
    enough: Annotated[int, typer.Option(help="Programs that each method and keyword should appear in.")] = ENOUGH,
    exempt: Annotated[bool, typer.Option("--try/--no-try", help="Try what is exempted.")] = True,
) -> None:
    """Count the programs that show each method and keyword of the installed chromadb; exit status 1 if too few do.

    Methods that only Chroma Cloud offers are exempted. Each is tried, embedded and on a server on loopback; one that
    works there is named too.
    """
    programs = read_programs(cookbook)
    rows = count_coverage((program.text for program in programs), read_api())
    _show(rows)
    faults = [fault for row in rows for fault in row.missing(enough)]
    if exempt:
        for where, connect in (("embedded", embedded), ("on a server", served)):
            with connect() as client:
                faults += [f"collection.{name} is exempted but works {where}" for name in try_exempt(client)]
    names = sum(1 + len(row.keywords) for row in rows)
    print(f"{len(programs)} programs, {count_tokens(programs):,} tokens of our vocabulary")
    print(f"{len(rows)} methods and {names - len(rows)} keywords of chromadb")
    print(f"exempted: {', '.join(EXEMPT['collection'])}{'' if exempt else ' (not tried)'}")
    if faults:
        errors.print(
            f"in fewer than {enough} programs, or wrongly exempted:", *sorted(faults), sep="\n  ", markup=False
        )
        raise typer.Exit(1)
    print(f"each is in at least {enough} programs")


def _show(rows: list[Row]) -> None:
    table = Table("method", "programs", "with the keyword")
    for row in rows:
        keywords = "  ".join(f"{name}\N{NO-BREAK SPACE}{count}" for name, count in row.keywords.items())
        table.add_row(row.name, str(row.programs), keywords)
    Console(width=shutil.get_terminal_size((110, 24)).columns).print(table)


@app.command()
def overlap(
    cookbook: Folder = COOKBOOK,
    benchmark: Annotated[
        Path, typer.Option(help="Folder of the API benchmark.", exists=True, file_okay=False, show_default=False)
    ] = BENCHMARK,
    share: Annotated[float, typer.Option(help="Smallest share of the shorter one's windows.", min=0, max=1)] = 0.3,
) -> None:
    """List the pairs of programs that share too many windows of four lines; exit status 1 if there are any.

    The programs of the API benchmark are compared among themselves and with those of the cookbook.
    """
    programs, held_out = read_programs(cookbook), read_benchmark(benchmark)
    pairs = compare([*programs, *held_out])
    found = [pair for pair in pairs if pair.share >= share]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(programs)} programs, {len(held_out)} of the benchmark; {len(found)} pairs share {share:.0%} or more")
    benchmarked = {program.path for program in held_out}
    for count, where in enumerate(("in the cookbook", "between the two", "in the benchmark")):
        among = (pair for pair in pairs if len({pair.one.path, pair.other.path} & benchmarked) == count)
        print(f"most alike {where}: {next(among, 'no pair')}")
    if found:
        raise typer.Exit(1)


@app.command()
def readme(cookbook: Folder = COOKBOOK) -> None:
    """Write the cookbook's README.md, its programs by theme in a line each."""
    programs = read_programs(cookbook)
    path = cookbook / "README.md"
    path.write_text(render_readme(programs), encoding="utf-8")
    print(f"{path}: {len(programs)} programs")


def main() -> None:
    """Run the commands; errors of ours end in one line and exit status 1."""
    try:
        app()
    except SlmLspError as error:
        errors.print(f"[red]error[/]: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
