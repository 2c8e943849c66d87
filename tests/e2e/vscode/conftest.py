"""The tools, and the one code-server and the one browser that a module of tests shares."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from doubles import PROGRAM, TINY
from e2e.project import chroma_project
from e2e.vscode.codeserver import browser_page, code_server, server_environment
from e2e.vscode.tooling import Tools, tools
from e2e.vscode.window import Window

SERVER = [sys.executable, "-P", "-m", "slm_lsp.server"]


@pytest.fixture(scope="session")
def vscode_tools() -> Tools:
    return tools()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vscode")


@pytest.fixture(scope="module")
def window(vscode_tools: Tools, folder: Path) -> Iterator[Window]:
    """A window on a real ChromaDB project, with a server whose base model knows the golden program by heart."""
    workspace = chroma_project(folder)
    first = workspace / "first.py"
    first.write_text(PROGRAM)
    environment = server_environment(folder / "library", TINY)
    settings = {"slmLsp.serverCommand": SERVER}
    with (
        code_server(vscode_tools, folder / "code-server", workspace, settings, environment) as server,
        browser_page(vscode_tools) as page,
    ):
        window = Window(server, page)
        window.show(first)
        window.wait(lambda: "base" in window.status(), "the status bar names the model", patience=60)
        yield window


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of the window of a test that fails."""
    report = yield
    window = getattr(item, "funcargs", {}).get("window")
    if report.failed and isinstance(window, Window):
        picture = item.config.rootpath / ".pytest_cache" / f"{item.name}.png"
        picture.parent.mkdir(exist_ok=True)
        window.page.screenshot(path=picture)
        report.sections.append(("the window", f"{picture}\n{window.seen()}"))
    return report
