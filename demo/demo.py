"""The whole path on a real ChromaDB project: fetch it, train on it, complete in a file that was never seen.

`make demo` runs it. Everything it makes lies in `.demo/`: the project, the models, the training state.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from slm_lsp.model.errors import SlmLspError
from slm_lsp.server.client import Client
from slm_lsp.trainer.corpus.fetch import fetch_package
from slm_lsp.trainer.corpus.manifest import read_manifest

FOLDER = Path(__file__).parents[1] / ".demo"
PROJECT = FOLDER / "chromadb-ops"
SET_ASIDE = ("chroma_ops/wal_commit.py", "chroma_ops/db_clean.py")
"""Two files of the project that training never sees."""
CURSORS = (
    "    console = Console()\n    ",
    "with get_sqlite_connection(",
    '    table.add_column("Collection", style="cyan")\n    table.',
    "    console.print(table)\n    conso",
    "    client = chromadb.",
    "def command(\n    persist_dir: str = typer.",
)
"""Where the cursor stands in the first of them: after these words."""
TYPED = 3
"""Characters that are typed before each answer that is shown, so that the times are those of typing."""


@dataclass(frozen=True)
class Answer:
    """What a person would see at one cursor."""

    line: str
    """The line up to the cursor."""
    ghost: str
    """The suggestion; empty where the model is not sure enough to show one."""
    unsure: str
    """What it would have suggested then."""
    popup: list[str]
    """The best of the popup."""
    ghost_ms: float
    """From the request on the wire to the answer."""
    popup_ms: float


def main() -> int:
    """Run the demonstration; the exit code of the training when that fails. `--picture FILE` keeps an SVG of it."""
    began = time.monotonic()
    picture = Path(sys.argv[2]) if sys.argv[1:2] == ["--picture"] else None
    console = Console(record=picture is not None, width=100 if picture else None)
    environment = {
        **os.environ, "SLM_LSP_HOME": str(FOLDER / "home"), "XDG_CACHE_HOME": str(FOLDER / "cache"),
    }  # fmt: skip
    try:
        console.rule("1 · a real ChromaDB project: chromadb-ops 0.1.5")
        hidden = fetch_project()
        console.print(f"{PROJECT.relative_to(FOLDER.parent)}: set aside, never trained on: {', '.join(SET_ASIDE)}")
        console.rule("2 · slm-lsp train")
        trained = subprocess.run([slm_lsp(), "train", str(PROJECT)], env=environment, check=False)
        if trained.returncode:
            return trained.returncode
        console.rule(f"3 · completing in {SET_ASIDE[0]}, which training never saw")
        text = hidden[SET_ASIDE[0]]
        answers = {name: complete(text, name, environment) for name in ("base", trained_name(environment))}
    except SlmLspError as error:
        console.print(f"[red]error:[/] {error}")
        return 1
    for number, end in enumerate(CURSORS):
        show(console, number, text, end, {name: given[number] for name, given in answers.items()})
    if picture:
        console.save_svg(str(picture), title="make demo")
    console.print(f"\n[bold]{time.monotonic() - began:.0f} s[/] in all")
    return 0


def slm_lsp() -> str:
    """The command that a person types."""
    return str(Path(sys.executable).with_name("slm-lsp"))


def fetch_project() -> dict[str, str]:
    """Unpack the project's source distribution afresh, take two files out, and return their text."""
    package = next(package for package in read_manifest() if package.name == "chromadb-ops")
    fetch_package(package, FOLDER / "archives")
    shutil.rmtree(PROJECT, ignore_errors=True)
    with tarfile.open(FOLDER / "archives" / package.archive) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)  # from Python 3.11.4 on
        archive.extractall(FOLDER)
    (FOLDER / package.archive.removesuffix(".tar.gz")).rename(PROJECT)
    hidden = {}
    for name in SET_ASIDE:
        hidden[name] = (PROJECT / name).read_text()
        (PROJECT / name).unlink()
    return hidden


def trained_name(environment: dict[str, str]) -> str:
    """The name of the model that was just trained."""
    listing = Path(environment["SLM_LSP_HOME"]) / "models"
    return max(listing.iterdir(), key=lambda folder: folder.stat().st_mtime).name


def complete(text: str, model: str, environment: dict[str, str]) -> list[Answer]:
    """Type at each cursor in a real server that completes with `model`."""
    path = PROJECT / SET_ASIDE[0]
    with Client(env=environment) as client:
        client.initialize(PROJECT, {"slmLsp": {"model": model}})
        client.open(path, "import os\n")
        client.ghost_text(path, (0, 9))  # the model is loaded while the person reads the file
        answers = [type_at(client, path, text, end) for end in CURSORS]
        client.close()
    return answers


def type_at(client: Client, path: Path, text: str, end: str) -> Answer:
    """Open the file without the rest of the cursor's line, type up to the cursor, and take the last answers."""
    cut = text.index(end) + len(end)
    before, after = text[:cut], text[cut:].partition("\n")[2]
    client.open(path, before[:-TYPED] + "\n" + after)
    for typed in range(TYPED, -1, -1):
        so_far = before[: len(before) - typed]
        line, column = so_far.count("\n"), len(so_far) - so_far.rfind("\n") - 1
        if typed < TYPED and so_far[-1] != "\n":
            client.replace(path, (line, column - 1), (line, column - 1), so_far[-1])
        elif typed < TYPED:
            client.replace(path, (line - 1, 10**6), (line - 1, 10**6), "\n")
        began = time.perf_counter()
        ghost = client.ghost_text(path, (line, column)) or ""
        middle = time.perf_counter()
        popup = client.popup(path, (line, column))
        ended = time.perf_counter()
    unsure = "" if ghost else ask_eagerly(client, path, (line, column))
    times = 1000 * (middle - began), 1000 * (ended - middle)
    return Answer(so_far.rpartition("\n")[2], ghost, unsure, popup[:4], *times)


def ask_eagerly(client: Client, path: Path, at: tuple[int, int]) -> str:
    """What the model would suggest if it did not mind being wrong."""
    configure = "workspace/didChangeConfiguration"
    client.notify(configure, {"settings": {"slmLsp": {"suggest": "eager"}}})
    ghost = client.ghost_text(path, at) or ""
    client.notify(configure, {"settings": {"slmLsp": {"suggest": "balanced"}}})
    return ghost


def show(console: Console, number: int, text: str, end: str, answers: dict[str, Answer]) -> None:
    """One cursor: what the developer wrote, and what each model offers."""
    cut = text.index(end) + len(end)
    line = Text("    " + next(iter(answers.values())).line.strip())
    console.print(f"\n[bold]{number + 1}[/]  the developer wrote")
    console.print(line + Text(text[cut:].partition("\n")[0], style="green"), soft_wrap=True)
    for name, answer in answers.items():
        times = f"ghost text {answer.ghost_ms:.0f} ms, popup {answer.popup_ms:.0f} ms"
        console.print(f"   [bold]{'base' if name == 'base' else 'trained'}[/] [dim]{times}[/]")
        if answer.ghost:
            console.print(line + Text(answer.ghost, style="bright_black"), soft_wrap=True)
        else:
            console.print(
                f"    [dim]silent, not sure enough of:[/] {escape(answer.unsure[:60]) or 'nothing'}", highlight=False
            )
        console.print(f"    [dim]popup[/] {' · '.join(answer.popup) or 'empty'}", highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
