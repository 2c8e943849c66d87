"""The modes of `slm-lsp evaluate` and the order of things in each.

Knows: what the user asked for, progress bars, exit codes. Must not know: how points are chosen or judged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from slm_lsp.data import textbook
from slm_lsp.model.completion import Stages
from slm_lsp.model.errors import PointError, WorkspaceError
from slm_lsp.model.evaluation import KINDS, Remembering
from slm_lsp.model.evaluation.asked import parse_asked, predict
from slm_lsp.model.evaluation.typist import Typed, type_text
from slm_lsp.model.memory import textbook_of
from slm_lsp.server.cli.evaluate import tables
from slm_lsp.server.cli.evaluate.measuring import (
    analysis_of,
    lister_of,
    load_model,
    measure_projects,
    served,
)
from slm_lsp.server.cli.evaluate.projects import (
    Project,
    api_projects,
    inside,
    projects_in,
    projects_of_split,
    read_file,
    workspace_files,
)


@dataclass(frozen=True)
class Options:
    """What the command line says, see `slm-lsp evaluate --help`."""

    paths: Sequence[Path] = ()
    model: str = "auto"
    split: str | None = None
    workspace: str | None = None
    kinds: str | None = None
    limit: int | None = None
    seed: int = 0
    points: Path | None = None
    out: Path | None = None
    gate: bool = True
    popup: bool = True
    baselines: bool = True
    without: Sequence[str] = ()
    api: bool = False
    typist: bool = False
    as_json: bool = False


def evaluate(options: Options) -> int:
    """Run the mode that was asked for and print its figures; the exit code.

    Raises WorkspaceError, CorpusError, CheckpointError where something asked for cannot be had.
    """
    if options.points:
        return _predict(options, options.points)
    if options.typist:
        return _type(options)
    projects = _projects(options)
    total = sum(len(project.points) for project in projects)
    if not total:
        raise WorkspaceError("no points there: no Python code in which a cursor of these kinds can stand")
    completer = load_model(options.model, _place(options), Stages.without(options.without))
    corpus = platformdirs.user_cache_path("slm-lsp") / "corpus" / "packed"
    with _progress("points", None) as advance:
        measured = measure_projects(
            completer, projects, api=options.api, popup=options.popup, baselines=options.baselines,
            corpus=corpus if options.split and corpus.is_dir() else None, on_point=advance,
        )  # fmt: skip
    if options.as_json:
        print(json.dumps(tables.as_json(measured), indent=2))
    else:
        tables.show(measured)
    return 0


def _projects(options: Options) -> list[Project]:
    kinds = options.kinds.split(",") if options.kinds else list(KINDS)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise WorkspaceError(f"no such kind of cursor: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    if options.api:
        return list(api_projects(options.paths, options.limit))
    if options.split:
        return list(projects_of_split(options.split, options.workspace, kinds=kinds, limit=options.limit))
    if not options.paths:
        raise WorkspaceError("name a folder or a file, or --split, --api or --points; see slm-lsp evaluate --help")
    return list(projects_in(options.paths, options.workspace, kinds=kinds, limit=options.limit, seed=options.seed))


def _predict(options: Options, source: Path) -> int:
    """Predictions for points made elsewhere; 1 where a line could not be read."""
    root = Path(options.workspace) if options.workspace else None
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{source}: {error}") from error
    remembering, known = _subject(options, root, root)
    bad = 0
    with analysis_of() as analysis, _writer(options.out) as write, _progress("points", len(lines)) as advance:
        asked_of = served(remembering, lister_of(analysis, root) if options.popup else None)
        for number, line in enumerate(lines, start=1):
            advance("points")
            if not line.strip():
                continue
            try:
                asked = parse_asked(line)
            except PointError as error:
                bad += 1
                print(f"slm-lsp: {source}, line {number}: {error}; skipped", file=sys.stderr)
                continue
            at = replace(asked, path=inside(asked.path, root, known))
            write(json.dumps(predict(asked_of, at, gate=options.gate, popup=options.popup)))
    return 1 if bad else 0


def _type(options: Options) -> int:
    files = [file for path in options.paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    if not files:
        raise WorkspaceError("--typist wants the files to type")
    root = Path(options.workspace) if options.workspace else None
    subject, known = _subject(options, root, root or files[0])
    model = subject.completer.name
    typed: dict[str, Typed] = {}
    texts = {str(file): read_file(file)[: options.limit] for file in files}
    with _progress("characters", sum(map(len, texts.values()))) as advance:
        for name, text in texts.items():
            done = 0

            def on_place(place: int, name: str = name) -> None:
                nonlocal done
                advance(name, place - done)
                done = place

            typed[name] = type_text(subject, text, path=inside(name, root, known), on_place=on_place)
    if len(typed) > 1:
        typed["all"] = sum(typed.values(), Typed(0, 0, 0, 0, 0))
    if options.as_json:
        print(json.dumps(tables.typed_json(model, typed), indent=2))
    else:
        tables.show_typed(model, typed)
    return 0


def _subject(options: Options, root: Path | None, place: Path | None) -> tuple[Remembering, Mapping[str, str]]:
    """The model an editor would use at a place, with its memory, and the workspace's files that it knows."""
    completer = load_model(options.model, place.resolve() if place else None, Stages.without(options.without))
    known = workspace_files(root) if root else {}
    return Remembering(completer, known, textbook_of(completer.tokenizer, textbook())), known


def _place(options: Options) -> Path | None:
    return options.paths[0].resolve() if options.paths and not options.api else None


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar on stderr; yields what advances it: (what is done now, how much)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda now, step=1: progress.update(task, description=now, advance=step)


@contextmanager
def _writer(out: Path | None) -> Iterator[Callable[[str], None]]:
    """Writes lines to a file, or to stdout where none is named."""
    if out is None:
        yield print
        return
    try:
        file = out.open("w", encoding="utf-8")
    except OSError as error:
        raise WorkspaceError(f"{out}: {error.strerror}") from error
    with file:
        yield lambda line: print(line, file=file)
