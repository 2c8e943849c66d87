"""What a person sees: Neovim in a terminal of tmux, whose screen is read."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.neovim.driver import PLUGIN, until
from e2e.neovim.program import ADD, BODY, HEADER

COLOR = re.compile(r"\x1b\[[0-9;]*m")
_numbers = itertools.count()


class Terminal:
    """A terminal of 120 columns and 40 rows, and the keyboard before it."""

    def __init__(self, socket: Path, command: list[str], folder: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        self._run("new-session", "-d", "-x", "120", "-y", "40", "-c", str(folder), *command)

    def type(self, text: str) -> None:
        """Type text."""
        self._run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names of them."""
        self._run("send-keys", *keys)

    def screen(self) -> str:
        """The screen, without colors and the space at the ends of lines."""
        return self._run("capture-pane", "-p")

    def color_of(self, text: str) -> str:
        """The escape sequence that is in force where a text begins on the screen."""
        screen = self._run("capture-pane", "-pe")
        return COLOR.findall(screen[: screen.index(text)])[-1]

    def shows(self, text: str) -> None:
        """Wait until a text is on the screen."""
        until(lambda: text in self.screen(), f"{text!r} on the screen", self.screen)

    def shows_no(self, text: str) -> None:
        """Wait until a text is no longer on the screen."""
        until(lambda: text not in self.screen(), f"no {text!r} on the screen", self.screen)

    def save(self) -> None:
        """Leave insert mode and write the file."""
        self.press("Escape")
        self.type(":w")
        self.press("Enter")
        self.shows("written")

    def quit(self) -> None:
        """End what runs in the terminal, and the terminal with it."""
        self.press("Escape")
        self.type(":qall!")
        self.press("Enter")
        until(lambda: subprocess.run([*self._tmux, "ls"], capture_output=True, check=False).returncode, "the end")

    def _run(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def file(project: Path) -> Path:
    """A file of its own, with the program's beginning."""
    file = project / f"seen_{next(_numbers)}.py"
    file.write_text(ADD.before)
    return file


@pytest.fixture
def terminal(binary: Path, desk: Path, project: Path, file: Path, tmp_path: Path) -> Iterator[Terminal]:
    """Neovim in a terminal, with the file open and served."""
    if shutil.which("tmux") is None:
        pytest.fail("this test needs tmux", pytrace=False)
    passed = [name for name in os.environ if name.startswith(("XDG_", "SLM_LSP_", "PATH"))]
    environment = [f"{name}={os.environ[name]}" for name in passed]
    neovim = [str(binary), "--clean", "-n", "--cmd", f"set runtimepath^={PLUGIN}", str(file)]
    terminal = Terminal(tmp_path / "tmux", ["env", *environment, *neovim], project)
    terminal.shows(file.name)
    terminal.type(":lua vim.wait(30000, function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end) print('served')")
    terminal.press("Enter")
    terminal.shows("served")
    yield terminal
    terminal.quit()


def test_a_person_sees_ghost_text_in_gray_and_takes_it(terminal: Terminal, file: Path) -> None:
    typed, ghost = ADD.typed.strip("( "), ADD.ghost[:3]
    terminal.type("Go")
    terminal.press("C-u")
    terminal.type(ADD.typed)
    terminal.shows(ADD.typed + ADD.ghost)
    gray = terminal.color_of(ghost)
    assert gray != terminal.color_of(typed), "ghost text looks like text"
    terminal.press("Tab")
    until(lambda: terminal.color_of(ghost) != gray, "text in place of ghost text", terminal.screen)
    terminal.save()
    assert file.read_text() == ADD.before + ADD.typed + ADD.ghost + "\n"


def test_a_body_of_several_lines_is_seen_below_the_cursor(terminal: Terminal, file: Path) -> None:
    file.write_text(HEADER)
    terminal.type(":edit!")
    terminal.press("Enter")
    terminal.shows("def find_notes")
    terminal.type("Go")
    first, second = BODY.split("\n")
    terminal.shows(f"        {first}\n{second}\n")
    terminal.press("C-]")
    terminal.shows_no(second)
    terminal.save()
    assert file.read_text().rstrip(" \n") == HEADER.rstrip()
