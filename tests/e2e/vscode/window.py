"""A VS Code window in a browser, and what a person does in it and sees.

Knows: the workbench's keys and its page. Must not know: what is expected of slm-lsp.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.vscode.codeserver import CodeServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE = 20.0
"""Seconds that anything on the screen may take."""

STATUS = '.statusbar-item[id="slm-lsp.slm-lsp.status"]'


class Window:
    """A window with the workspace of a code-server."""

    def __init__(self, server: CodeServer, page: Page) -> None:
        self.server = server
        self.page = page

    @property
    def _timeout(self) -> type[Exception]:
        from playwright.sync_api import TimeoutError as NotSeen

        return NotSeen

    def show(self, *files: Path) -> None:
        """Load the window anew with these files open."""
        self.page.goto(self.server.url(*files))
        self.page.wait_for_selector(".monaco-workbench")
        for file in files:
            self.page.wait_for_selector(f'.tab[data-resource-name="{file.name}"]')

    def open(self, file: Path) -> None:
        """Open a file of the workspace by its name, with the cursor at its end."""
        self._show(file)
        self.page.wait_for_selector(".editor-instance .monaco-editor.focused")
        self.press("Control+End")

    def open_notebook(self, file: Path) -> None:
        """Open a notebook with one cell, with the cursor at the end of the cell."""
        self._show(file)
        self.page.locator(".notebookOverlay .cell-editor-container .view-lines").first.click()
        self.press("Control+End")

    def _show(self, file: Path) -> None:
        row = f'.quick-input-list .monaco-list-row[aria-label^="{file.name}"]'
        self._pick("Control+p", str(file.relative_to(self.server.workspace)), row)
        self.page.wait_for_selector(f'.tab.active[data-resource-name="{file.name}"]')

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type like a fast person."""
        self.page.keyboard.type(text, delay=40)

    def command(self, title: str) -> None:
        """Run a command of the palette by its whole title."""
        self._pick("F1", title, f'.quick-input-list .monaco-list-row[aria-label^="{title}"]')

    def _pick(self, key: str, text: str, row: str) -> None:
        """Open a quick pick, type into it, take a row. Its index may lag behind the disk, so a second look is due."""
        found = self.page.locator(row).first
        for _ in range(4):
            self.press(key)
            self.page.wait_for_selector(".quick-input-widget input")
            self.page.keyboard.insert_text(text)
            with suppress(self._timeout):
                found.wait_for(timeout=PATIENCE / 4 * 1000)
                break
            self.press("Escape")
        found.click()

    def reopen(self, file: Path) -> None:
        """Open a file as it is on disk, whatever was typed into it, with the cursor at its end."""
        self.open(file)
        if self.page.locator(".tab.active.dirty").count():
            self.command("File: Revert File")
            self.page.wait_for_selector(f'.tab.active[data-resource-name="{file.name}"]:not(.dirty)')
            self.press("Control+End")

    def save(self, file: Path) -> str:
        """Save what is unsaved, and the file's text on disk once the editor has written it."""
        tab = f'.tab.active[data-resource-name="{file.name}"]'
        # A file without changes would be written again, and might be read while it is empty.
        if self.page.locator(f"{tab}.dirty").count():
            self.press("Control+s")
            self.page.wait_for_selector(f"{tab}:not(.dirty)")
        return file.read_text()

    def ghost(self) -> str:
        """The ghost text on the screen; empty for none."""
        parts = self.page.locator(".ghost-text-decoration, .ghost-text-decoration-preview")
        first = "".join(parts.all_text_contents())
        lines = self.page.locator(".view-zones .suggest-preview-text .view-line, .view-zones .ghost-text .view-line")
        further = lines.all_text_contents()
        return "\n".join([first, *further]).replace("\u00a0", " ").replace("\u200b", "")

    def popup(self) -> list[str]:
        """The names in the popup; empty for none."""
        rows = self.page.locator(".suggest-widget.visible .monaco-list-row .label-name")
        return rows.all_text_contents()

    def details(self) -> str:
        """The documentation beside the popup; empty for none."""
        return "\n".join(self.page.locator(".suggest-details-container .suggest-details").all_inner_texts())

    def status(self) -> str:
        """What the status bar says of slm-lsp."""
        item = self.page.locator(STATUS)
        return item.inner_text().strip() if item.count() else ""

    def tidy(self) -> None:
        """Leave no picker, no popup, no message and nothing unsaved behind."""
        self.press("Escape", "Escape")
        if self.page.locator(".tab.active.dirty").count():
            self.press("Control+s")
        if self.notices():
            self.command("Notifications: Clear All Notifications")

    def notices(self) -> list[str]:
        """The notifications on the screen."""
        return self.page.locator(".notification-list-item-message").all_text_contents()

    def wait(self, what: Callable[[], object], wanted: str, patience: float = PATIENCE) -> None:
        """Wait until something holds; fails with what the window shows."""
        end = time.monotonic() + patience
        while not what():
            if time.monotonic() > end:
                raise AssertionError(f"not seen within {patience:.0f} s: {wanted}; {self.seen()}")
            self.page.wait_for_timeout(50)

    def seen(self) -> str:
        """What the window shows, for a failing test."""
        return f"ghost {self.ghost()!r}, popup {self.popup()}, status {self.status()!r}, notices {self.notices()}"
