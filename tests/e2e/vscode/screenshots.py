"""Takes the pictures of vscode-client/README.md anew: `PYTHONPATH=tests python tests/e2e/vscode/screenshots.py`.

Real ones: the real base model, in a real ChromaDB project. The model decides what is on them; of a few beginnings
of lines, the first that it has something to say to is taken.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from e2e.project import chroma_project
from e2e.vscode.codeserver import browser_page, code_server, server_environment
from e2e.vscode.tooling import EXTENSION, tools
from e2e.vscode.window import Window

PICTURES = EXTENSION / "media" / "screenshots"
LARGEST = 150_000
"""Bytes of a picture, so that the extension stays small."""

SETTINGS = {"editor.fontSize": 15, "workbench.activityBar.location": "hidden", "breadcrumbs.enabled": False}

PROGRAM = '''"""Finds products by what they are about."""

import chromadb


class Catalogue:
    def __init__(self, path: str) -> None:
        self.client = chromadb.PersistentClient(path=path)
'''
SURE = (
    "        self.collection = self.client.",
    "        self.collection = self.client.get_or_create",
    "        self.",
)
"""Beginnings of the next line: one of them must get ghost text."""
UNSURE = ("        self.shelf = ", "        if ", "        for ")
"""Beginnings of a line that nobody can know how to go on."""


def main() -> None:
    """Take them all, or fail where a picture would not show what the README says it shows."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = chroma_project(folder)
        file = workspace / "catalogue.py"
        file.write_text(PROGRAM)
        wheel = _wheel(folder)
        environment = server_environment(folder / "library", base=None)
        with (
            code_server(tools(), folder / "code-server", workspace, SETTINGS, environment, wheel) as server,
            browser_page(tools(), width=960, height=540) as page,
        ):
            window = Window(server, page)
            window.show(file)
            _set_up(window)
            server.configure({"slmLsp.serverCommand": [sys.executable, "-P", "-m", "slm_lsp.server"]})
            window.show(file)
            window.wait(lambda: "base" in window.status(), "the status bar names the model", patience=60)
            _while_typing(window, file)
            _why(window, file)
            _menu(window)
    for picture in sorted(PICTURES.glob("*.png")):
        size = picture.stat().st_size
        print(f"{picture.name}: {size / 1000:.0f} kB")
        assert size <= LARGEST, f"{picture} is too large"


def _wheel(folder: Path) -> Path:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(EXTENSION.parent)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def _set_up(window: Window) -> None:
    window.wait(lambda: any("set it up now?" in notice for notice in window.notices()), "the offer", patience=60)
    _take(window, "set-up")


def _while_typing(window: Window, file: Path) -> None:
    """The popup, then the ghost text that stands there when the popup is closed."""
    for beginning in SURE:
        window.reopen(file)
        # Out of the way: a mouse over ghost text brings up a toolbar.
        window.page.mouse.move(100, 420)
        window.type(beginning)
        window.wait(window.popup, "the popup")
        _take(window, "popup")
        window.press("Escape")
        window.page.wait_for_timeout(2_000)
        if len(window.ghost()) > 8 and not window.popup():
            _take(window, "ghost")
            return
    raise AssertionError(f"the model had nothing to say to {SURE}")


def _why(window: Window, file: Path) -> None:
    for beginning in UNSURE:
        window.reopen(file)
        window.type(beginning)
        window.page.wait_for_timeout(2_000)
        if not window.ghost():
            break
    else:
        raise AssertionError(f"the model is sure of everything in {UNSURE}")
    window.press("Escape")
    window.command("slm-lsp: Why Was Nothing Shown?")
    window.wait(window.notices, "the reason")
    _take(window, "why")
    window.tidy()


def _menu(window: Window) -> None:
    window.page.locator('.statusbar-item[id="slm-lsp.slm-lsp.status"] a').click()
    window.page.wait_for_selector(".quick-input-list .monaco-list-row")
    _take(window, "menu")


def _take(window: Window, name: str) -> None:
    window.page.mouse.move(100, 420)
    window.page.wait_for_timeout(500)
    window.page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
