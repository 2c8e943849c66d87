"""Whose Python a workspace uses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slm_lsp.server.static.interpreter import find_interpreter

BIN = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"


def environment(folder: Path) -> Path:
    """An environment, as far as it is looked at; its interpreter."""
    python = folder / BIN
    python.parent.mkdir(parents=True)
    python.touch()
    return python


def test_the_setting_goes_before_the_active_environment_and_that_before_the_folders(tmp_path: Path) -> None:
    folder, active, named = (environment(tmp_path / name) for name in (".venv", "active", "named"))
    environ = {"VIRTUAL_ENV": str(tmp_path / "active")}
    assert find_interpreter(tmp_path, str(named), environ) == named
    assert find_interpreter(tmp_path, "", environ) == active
    assert find_interpreter(tmp_path, "", {}) == folder


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_an_environment_in_the_workspace_is_found(tmp_path: Path, name: str) -> None:
    python = environment(tmp_path / name)
    assert find_interpreter(tmp_path, "", {}) == python


def test_the_setting_may_be_a_folder_and_relative_to_the_workspace(tmp_path: Path) -> None:
    python = environment(tmp_path / "envs" / "dev")
    assert find_interpreter(tmp_path, "envs/dev", {}) == python
    assert find_interpreter(tmp_path, f"envs/dev/{BIN}", {}) == python


def test_what_does_not_exist_is_passed_over(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    gone = str(tmp_path / "gone")
    assert find_interpreter(tmp_path, gone, {"VIRTUAL_ENV": gone, "CONDA_PREFIX": ""}) == python
    assert find_interpreter(tmp_path / "nowhere", gone, {}) is None
    assert find_interpreter(None, "", {}) is None


def test_ours_needs_no_other_process(tmp_path: Path) -> None:
    environment(tmp_path / ".venv")
    assert find_interpreter(tmp_path, sys.executable, {}) is None
    assert find_interpreter(tmp_path, "", {"VIRTUAL_ENV": sys.prefix}) is None


def test_nothing_that_lies_in_an_untrusted_workspace_is_run(tmp_path: Path) -> None:
    inside, outside = environment(tmp_path / "work" / ".venv"), environment(tmp_path / "outside")
    work = tmp_path / "work"
    (work / "link").symlink_to(inside.parent.parent)
    assert find_interpreter(work, "", {}, trusted=False) is None
    assert find_interpreter(work, "link", {}, trusted=False) is None
    assert find_interpreter(work, str(inside), {}, trusted=False) is None
    assert find_interpreter(work, str(outside), {}, trusted=False) == outside


def test_the_home_of_nobody_is_passed_over(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    assert find_interpreter(tmp_path, "~nobody-is-called-so/venv", {}) == python
