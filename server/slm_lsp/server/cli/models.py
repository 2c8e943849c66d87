"""`slm-lsp models` and `slm-lsp clean`: the library, seen from a terminal.

Knows: how to show models. Must not know: where they lie or what makes one sound.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slm_lsp.model.library import ModelEntry, ModelLibrary


def list_models(as_json: bool) -> None:
    """Print every model."""
    models = ModelLibrary().models()
    if as_json:
        print(json.dumps([asdict(model) for model in models], default=str, indent=2))
        return
    if not models:
        print("No model has been trained on this machine yet. Train one with: slm-lsp train PATH")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("", "model", "learned from", "made", ""):
        table.add_column(heading, overflow="fold")
    for model in models:
        table.add_row(*_row(model))
    Console().print(table)


def _row(model: ModelEntry) -> tuple[str, str, str, str, str]:
    return (
        "[green]*[/]" if model.in_use else "",
        f"[bold]{escape(model.name)}[/]",
        escape(str(model.workspace or "")),
        (model.created or "")[:16].replace("T", " "),
        f"[red]cannot be used: {escape(model.damaged)}[/]" if model.damaged else "",
    )


def use_model(name: str, workspace: Path) -> None:
    """Choose a model for a workspace; raises CheckpointMissing, WorkspaceError."""
    ModelLibrary().use(workspace, name)
    print(f"{workspace.resolve()} is completed with {name} from now on.")


def remove_model(name: str, yes: bool) -> None:
    """Delete a model; raises CheckpointMissing."""
    library = ModelLibrary()
    folder = library.find(name)
    _ask(f"Delete {folder}?", yes)
    library.remove(name)
    print(f"Removed {name}.")


def clean_library(yes: bool, as_json: bool) -> None:
    """Delete all models, choices and unfinished trainings."""
    library = ModelLibrary()
    size = library.size()
    if size:
        _ask(f"Delete all trained models, choices and unfinished trainings of {library.root} ({megabytes(size)})?", yes)
    freed = library.clean()
    if as_json:
        print(json.dumps({"root": str(library.root), "freed_bytes": freed}))
    else:
        print(f"Removed {megabytes(freed)} below {library.root}." if freed else "There was nothing to remove.")


def megabytes(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size:,} bytes"


def _ask(question: str, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)
