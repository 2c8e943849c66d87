"""Whose Python a workspace uses: the one that is set, the active environment, or the one that lies in the folder.

Knows: where environments lie. Must not know: what is done with them. Runs none of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")
"""Variables with the folder of an environment that was activated before the editor was started."""
FOLDERS = (".venv", "venv")
"""Where people keep a project's environment."""


def find_interpreter(
    root: Path | None, setting: str = "", environ: Mapping[str, str] = os.environ, *, trusted: bool = True
) -> Path | None:
    """The interpreter of a workspace; None where it has none of its own: then the server's serves.

    `setting` is an interpreter or an environment's folder, relative to the root if not absolute. One that lies in a
    workspace that is not `trusted` is none: what is found here will be run.
    """
    named = [(root or Path()) / _expanded(setting)] if setting else []
    active = [Path(environ[name]) for name in ACTIVE if environ.get(name)]
    inside = [root / name for name in FOLDERS] if root else []
    for place in (*named, *active, *inside):
        if root and not trusted and Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root)):
            continue
        if (python := _interpreter(place)) is not None:
            return None if _is_own(python) else python
    return None


def _expanded(setting: str) -> Path:
    """A path with ~ in front for somebody's home; as it is where nobody is called so."""
    try:
        return Path(setting).expanduser()
    except RuntimeError:
        return Path(setting)


def _interpreter(place: Path) -> Path | None:
    """The interpreter at a place: itself, or that of the environment whose folder it is."""
    names = ("Scripts/python.exe", "python.exe") if sys.platform == "win32" else ("bin/python", "bin/python3")
    try:
        return next((file for file in (place, *(place / name for name in names)) if file.is_file()), None)
    except OSError:
        return None


def _is_own(python: Path) -> bool:
    """Whether it is the one that runs this: the same file in the same environment."""
    return os.path.normcase(python.absolute().parent) == os.path.normcase(Path(sys.executable).absolute().parent)
