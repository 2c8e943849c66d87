"""`slm-lsp status`: which model completes where, and why; and why an editor was shown nothing.

Knows: what a user wants to be told. Must not know: a running server; this looks at the disk alone, where the one that
served last left word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rich.console import Console
from rich.markup import escape

from slm_lsp.model.errors import CheckpointError, WorkspaceError
from slm_lsp.model.library import BASE, ModelLibrary
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.server import __version__
from slm_lsp.server.choice import AUTO, choose, find_model
from slm_lsp.server.last import last_word


def show_status(path: Path, as_json: bool) -> None:
    """Print what is in use for a file or folder; raises WorkspaceError when there is none."""
    if not path.exists():
        raise WorkspaceError(f"{path}: no such file or folder")
    report = status_of(path.resolve(), ModelLibrary())
    if as_json:
        print(json.dumps(report, indent=2))
        return
    console = Console(highlight=False)
    for key, value in _lines(report):
        console.print(f"[dim]{key:>10}[/]  {value}", soft_wrap=True)


def status_of(path: Path, library: ModelLibrary) -> dict[str, Any]:
    """The state of things for a file or folder, JSON-ready."""
    choice = choose(path, AUTO, library)
    base = _described(BASE, library)
    errors = {model.name: model.damaged for model in library.models() if model.damaged}
    if "error" in base:
        errors[BASE] = base["error"]
    if choice.name != BASE and "error" in (chosen := _described(choice.name, library)):
        errors[choice.name] = chosen["error"]
    usable = choice.name if choice.name not in errors else BASE
    why = choice.why if usable == choice.name else f"{choice.name} cannot be used"
    return {
        "version": __version__,
        "path": str(path),
        "model": None if usable in errors else {"name": usable, "why": why},
        "base": base,
        "errors": errors,
        "last": last_word(library.last_word),
        "home": str(library.root),
        "home_bytes": library.size(),
    }


def _described(name: str, library: ModelLibrary) -> dict[str, Any]:
    try:
        folder = find_model(name, library)
        checkpoint = Checkpoint.open(folder)
    except CheckpointError as error:
        return {"error": str(error)}
    return {"name": checkpoint.name, "folder": str(folder), "parameters": checkpoint.config.parameters}


def told(last: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What the server that served last said of its latest request and of workspaces; nothing of a damaged word."""
    with suppress(KeyError, TypeError, ValueError):
        if last and (why := last["why"]):
            asked = datetime.fromisoformat(last["when"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
            yield "last asked", f"{unquote(why['uri']).removeprefix('file://')}:{why['line'] + 1}, {asked}"
            yield "became", f"{why['outcome']}: {why['reason']}"
        for known in last["memory"] if last else ():
            left_out = (
                f"; {known['left_out']} files left out ({'; '.join(known['such_as'])})" if known["left_out"] else ""
            )
            yield "remembers", f"{known['tokens']:,} tokens of {known['root']}{left_out}"


def _lines(report: dict[str, Any]) -> list[tuple[str, str]]:
    model, base = report["model"], report["base"]
    lines = [("slm-lsp", report["version"]), ("path", escape(report["path"]))]
    lines.append(("model", f"[bold]{escape(model['name'])}[/] ({escape(model['why'])})" if model else "[red]none[/]"))
    if "error" not in base:
        size = f"{base['parameters']:,} parameters"
        lines.append(("base", f"{escape(base['name'])}, {size}, {escape(base['folder'])}"))
    lines += [(key, escape(value)) for key, value in told(report["last"])]
    lines.append(("home", f"{escape(report['home'])} ({report['home_bytes'] / 1e6:.1f} MB)"))
    lines += [("damaged", f"[red]{escape(f'{name}: {error}')}[/]") for name, error in report["errors"].items()]
    return lines
