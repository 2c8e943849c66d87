"""VS Code, driven like a person drives it; every test ends with the document's text on disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from doubles import PROGRAM, TINY
from e2e.vscode.window import Window
from slm_lsp.data import base_checkpoint
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint

ADD = "self.collection.add("
REST = "ids=[note_id], documents=[text], embeddings=[vector]"
"""What the model knows to follow ADD; the editor has closed the bracket by then."""

numbers = count(1)


def begin(window: Window, until: str) -> Path:
    """Open a new file that holds the golden program up to some text, with the cursor behind it."""
    file = window.server.workspace / f"shelf_{next(numbers)}.py"
    file.write_text(PROGRAM[: PROGRAM.index(until)])
    window.open(file)
    return file


def head(until: str) -> str:
    return PROGRAM[: PROGRAM.index(until)]


@pytest.fixture(autouse=True)
def leave_it_clean(window: Window) -> Iterator[None]:
    yield
    window.tidy()


def test_ghost_text_appears_and_tab_inserts_exactly_it(window: Window) -> None:
    file = begin(window, ADD)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.press("Tab")
    window.wait(lambda: not window.ghost(), "no ghost text after Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_typing_along_keeps_it(window: Window) -> None:
    file = begin(window, ADD)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.type("ids=")
    window.wait(lambda: window.ghost() == REST.removeprefix("ids="), "the ghost text that is left")
    window.press("Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_nothing_is_inserted_unasked(window: Window) -> None:
    file = begin(window, ADD)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    assert window.save(file) == head(ADD) + ADD + ")"


def test_a_word_of_it_can_be_taken(window: Window) -> None:
    file = begin(window, ADD)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.press("Control+ArrowRight")
    window.wait(lambda: window.ghost() == REST.removeprefix("ids"), "one word less of ghost text")
    assert window.save(file) == head(ADD) + ADD + "ids)"


def test_escape_hides_it_and_it_stays_hidden_there(window: Window) -> None:
    file = begin(window, ADD)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.press("Escape")
    window.wait(lambda: not window.ghost(), "no ghost text after Escape")
    window.press("Backspace")
    window.type("(")
    window.page.wait_for_timeout(2_000)
    assert not window.ghost()
    window.type("ids=[")
    window.wait(window.ghost, "ghost text at the next place")
    assert window.save(file) == head(ADD) + ADD + "ids=[])"


def test_several_lines_where_a_block_opens(window: Window) -> None:
    body = PROGRAM[PROGRAM.index("        self.client = ") : PROGRAM.index("    def add_note")].rstrip()
    until = "def __init__"
    file = begin(window, until)
    line = PROGRAM[PROGRAM.index(until) :].partition("\n")[0]
    # Typed brackets close themselves and are typed over, as for any user.
    window.type(line)
    window.press("Escape", "Enter")
    window.wait(lambda: window.ghost() == body.removeprefix("        "), "the method's body")
    window.press("Tab")
    assert window.save(file) == head(until) + line + "\n" + body


def test_the_popup_lists_names_and_enter_takes_one(window: Window) -> None:
    file = begin(window, ADD)
    window.type("self.coll")
    window.wait(lambda: window.popup()[:1] == ["collection"], "the name in the popup")
    window.press("Enter")
    assert window.save(file) == head(ADD) + "self.collection"


def test_the_popup_shows_documentation_beside_a_name(window: Window) -> None:
    file = begin(window, ADD)
    window.type("self.collection.que")
    window.wait(lambda: window.popup()[:1] == ["query"], "the name in the popup")
    window.press("Control+Space")
    window.wait(lambda: "query_embeddings" in window.details(), "the signature beside it")
    window.press("Control+Space", "Enter")
    assert window.save(file) == head(ADD) + "self.collection.query"


def test_popup_and_ghost_text_agree(window: Window) -> None:
    file = begin(window, ADD)
    window.type("self.collection.")
    window.wait(lambda: window.popup()[:1] == ["add"], "the name in the popup")
    window.wait(lambda: window.ghost() == f"add({REST})", "the ghost text of the whole call")
    window.press("Escape", "Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_a_comment_stays_silent_and_why_says_so(window: Window) -> None:
    file = begin(window, ADD)
    window.type("# self.collection.")
    window.page.wait_for_timeout(1_500)
    assert not window.ghost()
    window.command("slm-lsp: Why Was Nothing Shown?")
    window.wait(lambda: any("comment" in notice for notice in window.notices()), "the reason")
    assert window.save(file) == head(ADD) + "# self.collection."


@pytest.mark.parametrize("where", ["File", "Workspace"])
def test_pausing_and_resuming(window: Window, where: str) -> None:
    file = begin(window, ADD)
    window.command(f"slm-lsp: Pause or Resume in This {where}")
    window.wait(lambda: "paused" in window.status(), "the status bar says paused")
    window.type(ADD)
    window.page.wait_for_timeout(1_000)
    assert not window.ghost()
    assert not window.popup()
    window.command(f"slm-lsp: Pause or Resume in This {where}")
    window.wait(lambda: "base" in window.status(), "the status bar names the model again")
    window.type("ids=")
    window.wait(lambda: window.ghost() == REST.removeprefix("ids="), "ghost text after the pause")
    window.press("Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_a_killed_server_comes_back(window: Window, folder: Path) -> None:
    file = begin(window, ADD)
    [before] = servers(folder / "library")
    os.kill(before, signal.SIGKILL)
    window.wait(lambda: before not in servers(folder / "library"), "the end of the server")
    window.wait(lambda: servers(folder / "library") and "base" in window.status(), "another server", patience=30)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "ghost text from the new server")
    window.press("Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_settings_are_followed_at_once(window: Window) -> None:
    file = begin(window, ADD)
    window.server.configure({"slmLsp.inline.enabled": False})
    window.wait(lambda: "off" in window.status(), "the status bar says off")
    window.type(ADD)
    window.page.wait_for_timeout(1_000)
    assert not window.ghost()
    window.server.configure({})
    window.wait(lambda: "base" in window.status(), "the status bar names the model again")
    window.type("ids=")
    window.wait(lambda: window.ghost() == REST.removeprefix("ids="), "ghost text again")
    window.press("Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_a_new_model_is_taken_up_without_a_restart(window: Window, folder: Path) -> None:
    """The new model is told never to be sure, so that its silence shows that it is the one that answers."""
    library, workspace, tiny = ModelLibrary(folder / "library"), window.server.workspace, Checkpoint.open(TINY)
    trained = library.folder_for(workspace, "adapt")
    write_checkpoint(
        trained, name="shy", config=tiny.config, prompt=tiny.prompt, tensors=tiny.tensors(), graph=tiny.graph(),
        tokenizer=tiny.tokenizer(), metrics={"workspace": str(workspace)}, gate={"min_confidence": 1.5}, card="",
    )  # fmt: skip
    [before] = servers(folder / "library")
    library.use(workspace, trained.name)
    try:
        file = begin(window, ADD)
        window.type(ADD)
        window.wait(lambda: trained.name in window.status(), "the status bar names the new model")
        assert not window.ghost()
        window.command("slm-lsp: Switch Model")
        window.page.wait_for_selector(f'.quick-input-list .monaco-list-row:has-text("{trained.name}")')
        window.type("base")
        window.press("Enter")
        window.wait(lambda: library.in_use(workspace) is None, "the choice on disk")
        window.page.wait_for_timeout(1_500)  # the server looks at the disk once a second
        window.type("ids=")
        window.wait(lambda: window.ghost() == REST.removeprefix("ids="), "ghost text from the base model")
        window.press("Tab")
        assert window.save(file) == head(ADD) + ADD + REST + ")"
        assert [before] == servers(folder / "library")
    finally:
        shutil.rmtree(library.root)


def test_what_was_taken_and_dismissed_is_counted(window: Window) -> None:
    file = begin(window, ADD)
    window.command("slm-lsp: Show What Was Accepted")
    window.wait(window.notices, "the numbers")
    window.page.get_by_role("button", name="Start Anew").click()
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.press("Escape")
    window.wait(lambda: not window.ghost(), "no ghost text after Escape")
    window.type("ids=")
    rest = REST.removeprefix("ids=")
    window.wait(lambda: window.ghost() == rest, "what is left as ghost text")
    # The first word is a bracket: one character counts as typed. The second one is a name.
    for left in (rest.removeprefix("["), rest.removeprefix("[note_id")):
        window.press("Control+ArrowRight")
        window.wait(lambda left=left: window.ghost() == left, f"{left} as ghost text")
    window.press("Tab")
    window.wait(lambda: not window.ghost(), "no ghost text after Tab")
    window.command("slm-lsp: Show What Was Accepted")
    window.wait(window.notices, "the numbers")
    assert "1 accepted, 1 accepted in part, 1 dismissed" in window.notices()[0]
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_training_runs_in_a_terminal(window: Window, folder: Path) -> None:
    file = begin(window, ADD)
    window.command("slm-lsp: Train on This Workspace")
    window.wait(lambda: processes("slm_lsp.trainer", folder / "library"), "the trainer")
    [trainer] = processes("slm_lsp.trainer", folder / "library")
    arguments = Path(f"/proc/{trainer}/cmdline").read_text().rstrip("\0").split("\0")
    assert arguments[-2:] == ["train", str(window.server.workspace)]
    window.page.wait_for_selector(".terminal-wrapper .xterm")
    os.kill(trainer, signal.SIGKILL)
    window.wait(lambda: not processes("slm_lsp.trainer", folder / "library"), "the end of the trainer")
    window.command("Terminal: Kill All Terminals")
    window.open(file)
    assert window.save(file) == head(ADD)


def test_in_a_cell_of_a_notebook(window: Window) -> None:
    file = window.server.workspace / "shelf.ipynb"
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": head(ADD)}
    language = {"language_info": {"name": "python"}}
    file.write_text(json.dumps({"cells": [cell], "metadata": language, "nbformat": 4, "nbformat_minor": 5}))
    window.open_notebook(file)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "ghost text in the cell")
    window.press("Tab")
    saved = json.loads(window.save(file))
    assert "".join(saved["cells"][0]["source"]) == head(ADD) + ADD + REST + ")"


def test_a_server_that_keeps_ending_is_given_up_and_the_reason_is_told(window: Window) -> None:
    file = begin(window, ADD)
    window.server.configure({"slmLsp.serverCommand": ["/bin/sh", "-c", "echo no model in this box >&2; exit 4"]})
    window.wait(
        lambda: any("not started again" in text and "exit code 4: no model in" in text for text in window.notices()),
        "the reason",
        patience=60,
    )
    assert "stopped" in window.status()
    window.server.configure({})
    window.wait(lambda: "base" in window.status(), "a server again", patience=30)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "ghost text")
    window.press("Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_a_server_that_never_answers_can_be_replaced(window: Window) -> None:
    file = begin(window, ADD)
    window.server.configure({"slmLsp.serverCommand": ["sleep", "1000"]})
    window.wait(lambda: "starting" in window.status(), "the status bar says starting")
    window.page.wait_for_timeout(1_000)
    window.server.configure({})
    window.wait(lambda: "base" in window.status(), "a server again, without waiting for the first one")
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "ghost text")
    window.press("Tab")
    assert window.save(file) == head(ADD) + ADD + REST + ")"


def test_unsaved_edits_in_another_file_show_up(window: Window) -> None:
    """With the base model that ships: the small one of the other tests was not fitted to the memory."""
    line = "harbor_ledger = reconcile_moorings(quay=17, tide=spring_tide)"
    typed = line[: line.index("quay")]
    other, file = (window.server.workspace / name for name in ("other.py", "here.py"))
    for empty in (other, file):
        empty.write_text("")
    window.server.configure({"slmLsp.model": str(base_checkpoint()), "slmLsp.suggest": "eager"})
    try:
        window.open(other)
        window.type(f"{line}\n{line}\n")
        window.open(file)
        window.type(typed)
        window.wait(lambda: window.ghost().startswith("quay=17"), "what stands in the other file")
        assert other.read_text() == ""
        ghost = window.ghost()
        window.press("Tab")
        assert window.save(file) == typed + ghost + ")"
    finally:
        window.server.configure({})
        window.open(other)
        window.save(other)


def servers(library: Path) -> list[int]:
    """The processes of servers that have this library."""
    return processes("slm_lsp.server", library)


def processes(module: str, library: Path) -> list[int]:
    """The processes that run a module with this library."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() in command and f"SLM_LSP_HOME={library}".encode() in environment:
            found.append(int(process.name))
    return found
