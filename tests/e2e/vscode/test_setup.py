"""The one click that sets the server up: the real wheel, its real dependencies, an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from doubles import PROGRAM, TINY
from e2e.project import chroma_project
from e2e.vscode.codeserver import browser_page, code_server, pip_environment
from e2e.vscode.tooling import Tools
from e2e.vscode.window import Window

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]
SECONDS_FOR_SETTINGS = 5
"""Until a window has taken settings that were written to the disk; nothing in it says so."""
MINUTES = 8
"""For pip, on a slow network or a busy machine."""

ADD = "self.collection.add("
REST = "ids=[note_id], documents=[text], embeddings=[vector]"
BEGINNING = PROGRAM[: PROGRAM.index(ADD)]


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    file = chroma_project(folder) / "shelf.py"
    file.write_text(BEGINNING)
    return file


@pytest.fixture(scope="module")
def window(vscode_tools: Tools, folder: Path, file: Path) -> Iterator[Window]:
    """A window whose extension carries the wheel of this repository; nothing is set up."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    environment = {"SLM_LSP_HOME": str(folder / "library"), "SLM_LSP_BASE": str(TINY), **pip_environment()}
    # This very Python is named, so that the test does not hang on what else the machine has.
    settings = {"slmLsp.pythonPath": sys.executable}
    with (
        code_server(vscode_tools, folder / "code-server", file.parent, settings, environment, wheel) as server,
        browser_page(vscode_tools) as page,
    ):
        window = Window(server, page)
        window.show(file)
        yield window


def environments(window: Window) -> list[Path]:
    storage = window.server.data / "User" / "globalStorage" / "slm-lsp.slm-lsp" / "environments"
    return sorted(record.parent for record in storage.glob("*/ready.json"))


def test_a_python_that_will_not_do_is_named_and_nothing_is_made(window: Window) -> None:
    window.server.configure({"slmLsp.pythonPath": "/no/such/python"})
    window.wait(lambda: "set up" in window.status(), "the status bar says that nothing is set up", patience=60)
    window.page.wait_for_timeout(SECONDS_FOR_SETTINGS * 1000)
    window.command("slm-lsp: Set Up the Server")
    window.wait(
        lambda: any("/no/such/python, which is not a Python that runs" in notice for notice in window.notices()),
        "the reason",
    )
    assert environments(window) == []
    window.tidy()


def test_one_click_then_the_first_suggestion(window: Window, file: Path) -> None:
    window.server.configure({"slmLsp.pythonPath": sys.executable})
    window.show(file)
    window.wait(lambda: any("set it up now?" in notice for notice in window.notices()), "the offer", patience=60)
    window.page.get_by_role("button", name="Set Up", exact=True).click()
    window.wait(lambda: "setting up" in window.status(), "the status bar says setting up")
    window.wait(lambda: "base" in window.status(), "the status bar names the model", patience=60 * MINUTES)
    assert len(environments(window)) == 1
    window.open(file)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.press("Tab")
    assert window.save(file) == BEGINNING + ADD + REST + ")"


def completes(window: Window, file: Path) -> None:
    """Type in a file, take the ghost text, and look at what is saved."""
    file.write_text(BEGINNING)
    window.reopen(file)
    window.type(ADD)
    window.wait(lambda: window.ghost() == REST, "the rest of the line as ghost text")
    window.press("Tab")
    assert window.save(file) == BEGINNING + ADD + REST + ")"


def test_another_wheel_brings_another_environment_unasked(window: Window, file: Path, folder: Path) -> None:
    before = environments(window)
    [wheel] = (folder / "code-server" / "extensions").glob("*/wheel/*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.comment = b"another build"
    window.show(file)
    window.wait(lambda: "setting up" in window.status(), "the status bar says setting up", patience=60)
    window.wait(lambda: "base" in window.status(), "the status bar names the model", patience=60 * MINUTES)
    [after] = environments(window)
    assert after not in before
    completes(window, file)


def test_an_environment_whose_python_is_gone_is_made_anew(window: Window, file: Path) -> None:
    [environment] = environments(window)
    (environment / "bin" / "python").unlink()
    window.show(file)
    window.wait(lambda: "set up" in window.status(), "the status bar says that it must be set up", patience=60)
    window.command("slm-lsp: Set Up the Server")
    window.wait(lambda: "base" in window.status(), "the status bar names the model", patience=60 * MINUTES)
    assert environments(window) == [environment]
    completes(window, file)


def test_a_damaged_environment_is_made_anew_once_the_server_is_given_up(window: Window) -> None:
    [environment] = environments(window)
    [package] = environment.glob("lib/python3*/site-packages/pygls")
    package.rename(package.with_name("no_pygls"))
    window.command("slm-lsp: Restart the Server")
    window.wait(lambda: "stopped" in window.status(), "the server is given up", patience=120)
    window.tidy()
    window.command("slm-lsp: Set Up the Server")
    window.wait(lambda: "base" in window.status(), "the status bar names the model", patience=60 * MINUTES)
    assert environments(window) == [environment]
    assert package.exists()


def test_the_environment_is_removed_on_request(window: Window, file: Path) -> None:
    before = file.read_text()
    assert environments(window), "the test above sets the server up"
    window.command("slm-lsp: Remove the Server's Environment")
    window.page.get_by_role("button", name="Remove", exact=True).click()
    window.wait(lambda: environments(window) == [], "no environment on disk")
    window.wait(lambda: "set up" in window.status(), "the status bar says that nothing is set up")
    assert window.save(file) == before
