"""The commands of `slm-lsp`, their help and their options.

Knows: typer, and what each command promises. Must not know: how a command works; that is in a file beside
it, imported when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from slm_lsp.model.errors import SlmLspError
from slm_lsp.server import __version__
from slm_lsp.server.settings import Settings

USAGE_ERROR = 2
"""Exit code of a command that could not do what was asked, after one line on stderr that says why."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

app = typer.Typer(
    name="slm-lsp",
    help=(
        "Completes Python as you type, with a tiny GPT that runs on this machine "
        "and learns your repository.\n\n"
        "Started by an editor, without a command, it is a language server on stdin and stdout."
    ),
    epilog="Begin with:  slm-lsp train ~/my-chroma-project",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer()
app.add_typer(models_app, name="models")


def run(arguments: Sequence[str]) -> int:
    """Run a command; errors meant for the user become one line on stderr and exit code 2."""
    try:
        return int(app(list(arguments), prog_name="slm-lsp", standalone_mode=True) or 0)
    except (SlmLspError, OSError) as error:
        print(f"slm-lsp: {error}", file=sys.stderr)
        return USAGE_ERROR


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"slm-lsp {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    _stdio: Annotated[bool, typer.Option("--stdio", help="Serve over stdin and stdout (the default).")] = False,
) -> None:
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(
    _stdio: Annotated[bool, typer.Option("--stdio", help="Over stdin and stdout (the only way).")] = False,
) -> None:
    """Serve an editor over stdin and stdout; the same as no command at all.

    Example:  vim.lsp.start({ cmd = { "slm-lsp", "serve" } })          (in Neovim)
    """
    from slm_lsp.server import serving

    raise typer.Exit(serving.serve(serving.create_server()))


@app.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
def train(arguments: Annotated[list[str] | None, typer.Argument(metavar="PATH [OPTIONS]")] = None) -> None:
    """Learn a repository: train a model on its Python files, and use it there if it is better than the base.

    Example:  slm-lsp train ~/my-chroma-project          See also:  slm-lsp train --help
    """
    from slm_lsp.server.cli.train import train as start_trainer

    raise typer.Exit(start_trainer(arguments or []))


@app.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
def experiment(arguments: Annotated[list[str] | None, typer.Argument(metavar="PATH [OPTIONS]")] = None) -> None:
    """Run the published experiment on a repository: five phases from scratch, the adapted base model, one report.

    Example:  slm-lsp experiment ~/my-chroma-project          See also:  slm-lsp experiment --help
    """
    from slm_lsp.server.cli.experiment import experiment as start_experiment

    raise typer.Exit(start_experiment(arguments or []))


@app.command()
def evaluate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders of projects, or files.", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME_OR_FOLDER", help='A model of `slm-lsp models`, "base", or a folder.')
    ] = "auto",
    workspace: Annotated[
        str | None, typer.Option(metavar="DIR", help='Its other files are known too; "auto": each project\'s own.')
    ] = None,
    split: Annotated[str | None, typer.Option(metavar="tune|test", help="The corpus's held-out packages.")] = None,
    points: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Points made elsewhere.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Where their predictions go.")] = None,
    api: Annotated[
        bool, typer.Option("--api", help="Ask for every part of ChromaDB calls: the API benchmark.")
    ] = False,
    typist: Annotated[bool, typer.Option("--typist", help="Type the files: keystrokes saved.")] = False,
    kinds: Annotated[str | None, typer.Option(help="Only these kinds of cursors, separated by commas.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Points a project; characters a file with --typist.", show_default="110")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the choice of points.")] = 0,
    gate: Annotated[bool, typer.Option("--gate/--no-gate", help="With --points: silent where an editor is.")] = True,
    popup: Annotated[bool, typer.Option("--popup/--no-popup", help="Ask for the popup too.")] = True,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE",
            help="Leave one out: memory, drafts, healing, lines, fitting, names, repeats, forks; repeatable.",
        ),
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Ask the copier and jedi too.")] = True,
    as_json: Json = False,
) -> None:
    """Measure completions where code is already written: exactly right, similar, shown, the popup's ranks.

    Points are cursors in files; what was really written after them is hidden from the model and compared.

    Examples:  slm-lsp evaluate ~/my-chroma-project --workspace auto
               slm-lsp evaluate --split test
               slm-lsp evaluate --split tune --workspace auto --without memory
               slm-lsp evaluate --typist app/search.py
               slm-lsp evaluate --points points.jsonl --out predictions.jsonl
    """
    from slm_lsp.server.cli.evaluate.command import Options
    from slm_lsp.server.cli.evaluate.command import evaluate as run_evaluation

    if split not in (None, "tune", "test"):
        raise typer.BadParameter(f"must be tune or test, not {split}", param_hint="--split")
    options = Options(
        paths=paths or [], model=model, workspace=workspace, split=split, points=points, out=out, api=api,
        typist=typist, kinds=kinds, limit=limit, seed=seed, gate=gate, popup=popup, baselines=baselines,
        without=without or (), as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(run_evaluation(options))


@app.command()
def complete(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE:COL", help="The cursor, as editors show it: from 1.")],
    model: Annotated[
        str, typer.Option(metavar="NAME_OR_FOLDER", help='A model of `slm-lsp models`, "base", or a folder.')
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Show what an editor would be offered at a cursor: ghost text, popup, confidence, milliseconds.

    Example:  slm-lsp complete app/search.py:42:17
    """
    from slm_lsp.server.cli.complete import show_completion

    show_completion(place, model, as_json)


@app.command()
def status(
    path: Annotated[Path, typer.Argument(help="A file or folder.", show_default="this folder")] = Path(),
    as_json: Json = False,
) -> None:
    """Say which model completes in a folder and why, which models are damaged, and where things lie.

    Example:  slm-lsp status ~/my-chroma-project
    """
    from slm_lsp.server.cli.status import show_status

    show_status(path, as_json)


@app.command()
def clean(yes: Yes = False, as_json: Json = False) -> None:
    """Delete every model trained on this machine, every choice of one, and unfinished trainings. The base model stays.

    Example:  slm-lsp clean --yes
    """
    from slm_lsp.server.cli.models import clean_library

    clean_library(yes, as_json)


@app.command(hidden=True)
def bench(
    file: Annotated[Path, typer.Argument(help="A Python file to type in.")],
    requests: Annotated[int, typer.Option(min=10, help="Requests while typing.")] = 1000,
    model: Annotated[str, typer.Option(help='"auto", "base" or a name.')] = "base",
    threads: Annotated[int, typer.Option(min=1)] = Settings.threads,
    memory: Annotated[bool, typer.Option("--memory/--no-memory", help="Without: what the model alone costs.")] = True,
    as_json: Json = False,
) -> None:
    """Measure a real server over stdio: start, latency of ghost text and popup, memory.

    Example:  slm-lsp bench app/search.py
    """
    from slm_lsp.server.bench import print_bench

    print_bench(file, requests, {"model": model, "threads": threads, "memory": {"enabled": memory}}, as_json)


@models_app.callback(invoke_without_command=True)
def _models(context: typer.Context, as_json: Json = False) -> None:
    """The models trained on this machine: list them, choose one, remove one.

    Example:  slm-lsp models
    """
    if context.invoked_subcommand is None:
        list_(as_json)


@models_app.command("list")
def list_(as_json: Json = False) -> None:
    """List the models, what each of them learned, and whether it is in use.

    Example:  slm-lsp models list --json
    """
    from slm_lsp.server.cli.models import list_models

    list_models(as_json)


@models_app.command()
def use(
    name: Annotated[str, typer.Argument(help='A model of `slm-lsp models`, or "base".')],
    workspace: Annotated[Path, typer.Option(help="Where to use it.", show_default="this folder")] = Path(),
) -> None:
    """Complete in a folder, and in all below it, with this model from now on; running servers take it up.

    Example:  slm-lsp models use my-chroma-project-adapt-1f3a --workspace ~/my-chroma-project
    """
    from slm_lsp.server.cli.models import use_model

    use_model(name, workspace)


@models_app.command()
def remove(name: Annotated[str, typer.Argument(help="A model of `slm-lsp models`.")], yes: Yes = False) -> None:
    """Delete one model; folders that used it go back to the base model.

    Example:  slm-lsp models remove my-chroma-project-phase3-1f3a
    """
    from slm_lsp.server.cli.models import remove_model

    remove_model(name, yes)
