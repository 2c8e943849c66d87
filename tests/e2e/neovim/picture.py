"""Takes the picture of the plugin's README: Neovim in a terminal, in a real project, with the base model that ships.

    python tests/e2e/neovim/picture.py nvim-client/ghost-text.svg

Knows: tmux, how a terminal's screen becomes SVG. Must not know: what the model will say.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text

from e2e.neovim.driver import PLUGIN, until
from e2e.project import chroma_project

FILE = "chroma_ops/wal_info.py"
PLACE = "    persist_dir: str = typer.Argument("
"""What a person types, in the file up to here: all that follows is taken away, so that nothing is copied from there."""
COLUMNS, ROWS = 100, 24
PATIENCE = 60
"""Seconds that reading the workspace and one answer may take together, on a slow machine."""
COLORS = [tuple(SVG_EXPORT_THEME.ansi_colors[number]) for number in range(16)]
NEOVIM = TerminalTheme((20, 22, 27), (224, 226, 234), COLORS[:8], COLORS[8:])
"""Rich's colors on the background of Neovim's own color scheme."""


def main() -> int:
    """Write the picture to the file that is named."""
    with tempfile.TemporaryDirectory() as folder:
        screen = photograph(Path(folder))
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(Text.from_ansi(screen))
    console.save_svg(sys.argv[1], title="Neovim", theme=NEOVIM)
    return 0


def photograph(folder: Path) -> str:
    """Type in the project until ghost text is there; returns the screen with its colors."""
    project = chroma_project(folder)
    before = (project / FILE).read_text().partition(PLACE)[0]
    (project / FILE).write_text(before)
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
    homes = [f"XDG_{kind}_HOME={folder / kind}" for kind in ("CONFIG", "DATA", "STATE", "CACHE")]
    plugin = ["--cmd", f"set runtimepath^={PLUGIN}", "-c", "set termguicolors number noshowcmd"]
    command = ["env", *homes, f"SLM_LSP_HOME={folder / 'home'}", "nvim", "--clean", "-n", *plugin, FILE]

    def run(*arguments: str) -> str:
        return subprocess.run([*tmux, *arguments], capture_output=True, text=True, check=True).stdout

    run("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", str(project), *command)
    try:
        until(lambda: FILE in run("capture-pane", "-p"), "the file on the screen")
        run("send-keys", "-l", "Gzzo")
        run("send-keys", "C-u")
        time.sleep(PATIENCE * 2 / 3)  # the server reads the workspace
        run("send-keys", "-l", PLACE)
        time.sleep(PATIENCE / 3)
        return run("capture-pane", "-pe")
    finally:
        run("kill-server")


if __name__ == "__main__":
    raise SystemExit(main())
