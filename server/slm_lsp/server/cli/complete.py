"""`slm-lsp complete`: what an editor would be offered at a cursor, in a terminal.

Knows: files, cursors as editors show them, colours. Must not know: LSP.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from slm_lsp.model.completion import Candidate, Completer, Suggestion
from slm_lsp.model.errors import WorkspaceError
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.memory import Memory
from slm_lsp.server.choice import choose, find_model
from slm_lsp.server.chroma import is_refused
from slm_lsp.server.documents import split_lines
from slm_lsp.server.memories import Memories
from slm_lsp.server.reader import Reader
from slm_lsp.server.settings import Settings

MARKS = ("pyproject.toml", ".git", "setup.py", "setup.cfg")
"""What the folder of a project holds."""
POPUP = 5
"""Names shown of the popup."""


@dataclass(frozen=True)
class Cursor:
    """A place in a file."""

    file: Path
    line: int
    """From 1."""
    column: int
    """From 1, in characters: 1 is before the first one."""
    before: str
    """The file's text before it."""
    after: str
    """The file's text after it."""


@dataclass(frozen=True)
class Offer:
    """What an editor would be offered."""

    suggestion: Suggestion | None
    popup: list[Candidate]
    inline_ms: float
    popup_ms: float


def read_cursor(place: str) -> Cursor:
    """The cursor that FILE:LINE:COL means; raises WorkspaceError when there is no such place."""
    name, *numbers = place.rsplit(":", 2)
    if len(numbers) != 2 or not all(number.isdecimal() and int(number) for number in numbers):
        raise WorkspaceError(f"{place!r} is not FILE:LINE:COL, with line and column counted from 1")
    line, column = map(int, numbers)
    try:
        lines = split_lines(Path(name).read_bytes().decode("utf-8"))
    except OSError as error:
        raise WorkspaceError(f"{name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WorkspaceError(f"{name}: not a text file in UTF-8 ({error.reason})") from error
    if line > len(lines):
        raise WorkspaceError(f"{name} has {len(lines)} lines; there is no line {line}")
    text = lines[line - 1]
    length = len(text.rstrip("\r\n"))
    if column > length + 1:
        raise WorkspaceError(f"line {line} of {name} has {length} characters; column {column} is not in it")
    before = "".join(lines[: line - 1]) + text[: column - 1]
    return Cursor(Path(name), line, column, before, text[column - 1 :] + "".join(lines[line:]))


def complete_at(cursor: Cursor, completer: Completer, memory: Memory, name: str) -> Offer:
    """Ask a model, with the memory of the cursor's workspace, in which its file is called `name`."""
    before, after = cursor.before, cursor.after
    began = perf_counter()
    suggestion = completer.complete(before, after, path=name, memory=memory)
    if suggestion and is_refused(before, suggestion.text):
        suggestion = None
    asked = perf_counter()
    popup = completer.identifiers(before, after, path=name, memory=memory)
    return Offer(suggestion, popup, _ms(began, asked), _ms(asked, perf_counter()))


def workspace_of(file: Path) -> Path:
    """The folder that an editor would most likely have opened: the nearest one above that is a project's."""
    folder = file.resolve().parent
    return next(
        (above for above in (folder, *folder.parents) if any((above / mark).exists() for mark in MARKS)), folder
    )


def show_completion(place: str, model: str, as_json: bool) -> None:
    """Print what is offered at a place; raises WorkspaceError, CheckpointError."""
    cursor = read_cursor(place)
    library = ModelLibrary()
    if Path(model).is_dir():
        model = str(Path(model).resolve())
    choice = choose(cursor.file.resolve(), model, library)
    completer = Completer.load(find_model(choice.name, library), threads=Settings.threads)
    root, reader = workspace_of(cursor.file), Reader()
    memory = Memories(library, reader).of(root, completer.tokenizer, {})
    reader.look(root)
    reader.wait()
    offer = complete_at(cursor, completer, memory, cursor.file.resolve().relative_to(root).as_posix())
    if as_json:
        place_ = {"file": str(cursor.file), "line": cursor.line, "column": cursor.column}
        print(json.dumps({**place_, "model": choice.name, **asdict(offer)}, indent=2))
    else:
        _draw(cursor, choice.name, offer)


def _draw(cursor: Cursor, model: str, offer: Offer) -> None:
    console = Console(highlight=False)
    suggestion = offer.suggestion
    line = Text(cursor.before.rpartition("\n")[2])
    if suggestion:
        line.append(suggestion.text.replace("\r\n", "\n"), style="bright_black italic")
    line.append(split_lines(cursor.after)[0].rstrip("\r\n"))
    console.print(line, soft_wrap=True)
    if suggestion:
        seen = ", seen in {}:{}".format(*suggestion.source) if suggestion.source else ""
        hidden = "" if suggestion.shown else ", not sure enough to be shown"
        console.print(
            f"[dim]ghost text[/]  {suggestion.confidence:.0%} sure{hidden}{escape(seen)}, {offer.inline_ms:.0f} ms"
        )
    else:
        console.print(f"[dim]ghost text[/]  none, {offer.inline_ms:.0f} ms")
    names = ", ".join(f"{entry.name} {entry.probability:.0%}" for entry in offer.popup[:POPUP])
    console.print(f"[dim]     popup[/]  {names or 'none'}, {offer.popup_ms:.0f} ms")
    console.print(f"[dim]     model[/]  {escape(model)}")


def _ms(began: float, ended: float) -> float:
    return round((ended - began) * 1000, 2)
