"""Where points come from: folders and files, a held-out split, the API benchmark.

Knows: repositories, point files. Must not know: who is asked at the points.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slm_lsp.data import api_benchmark, point_file
from slm_lsp.model.errors import CorpusError, WorkspaceError
from slm_lsp.model.evaluation import Point, choose
from slm_lsp.model.evaluation.api import api_points
from slm_lsp.model.evaluation.positions import points_at, read_positions
from slm_lsp.model.repository import read_repository

POINTS_A_PROJECT = 110
"""Points drawn in each project."""
AUTO_WORKSPACE = "auto"
"""The value of --workspace by which each project is its own workspace."""


@dataclass(frozen=True)
class Project:
    """Points that share what is known beside the open file."""

    name: str
    """For the progress bar."""
    points: Sequence[Point]
    """Where to ask."""
    root: Path | None = None
    """The folder whose modules jedi may follow."""
    known: Mapping[str, str] = field(default_factory=dict)
    """The workspace's files by path; empty where only the open file is known."""


def projects_in(
    paths: Iterable[Path], workspace: str | None, *, kinds: Sequence[str], limit: int | None, seed: int
) -> Iterator[Project]:
    """One project for each path, a folder or a file; raises WorkspaceError where there is no Python in it."""
    shared = workspace_files(Path(workspace)) if workspace and workspace != AUTO_WORKSPACE else {}
    base = Path(workspace).resolve() if shared and workspace else None
    for path in paths:
        files = workspace_files(path) if path.is_dir() else {path.name: read_file(path)}
        root = path.resolve() if path.is_dir() else path.resolve().parent
        if base and root.is_relative_to(base):
            inside = root.relative_to(base)
            files = {(inside / name).as_posix(): text for name, text in files.items()}
        known = files if workspace == AUTO_WORKSPACE else shared
        points = choose(files.items(), limit or POINTS_A_PROJECT, seed)
        chosen = [point for point in points if point.kind in kinds]
        yield Project(path.name or str(path), chosen, base or root, known)


def projects_of_split(
    split: str, workspace: str | None, *, kinds: Sequence[str], limit: int | None
) -> Iterator[Project]:
    """The packages of a split at their committed points; raises CorpusError where they cannot be had."""
    root = unpacked(split)
    for package, points in points_at(read_positions(point_file(split)), root).items():
        chosen = [point for point in points if point.kind in kinds]
        if limit and limit < len(chosen):
            chosen = [chosen[index * len(chosen) // limit] for index in range(limit)]
        known = workspace_files(root / package) if workspace else {}
        yield Project(package, chosen, root / package, known)


def api_projects(paths: Sequence[Path], limit: int | None) -> Iterator[Project]:
    """The API benchmark's programs, or those in the paths: each alone."""
    for path in paths or [api_benchmark()]:
        files = {file.name: read_file(file) for file in sorted(path.rglob("*.py"))} if path.is_dir() else {
            path.name: read_file(path)
        }  # fmt: skip
        for name, text in files.items():
            yield Project(name, api_points(name, text)[:limit])


def unpacked(split: str) -> Path:
    """The folder of a split's files; the trainer fetches and unpacks them. Raises CorpusError."""
    command = [sys.executable, "-P", "-m", "slm_lsp.trainer.corpus", "unpack", split]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise CorpusError(f"the packages of the split {split} cannot be had, see above")
    return Path(done.stdout.strip().splitlines()[-1])


def workspace_files(folder: Path) -> dict[str, str]:
    """A workspace's own Python files by path; raises WorkspaceError where there are none."""
    return {file.path: file.text for file in read_repository(folder).files}


def inside(path: str, root: Path | None, known: Iterable[str]) -> str:
    """The name of a file in its workspace: what the memory must not copy from at a point in that file.

    A path that leads nowhere there is taken for the one file of the workspace whose path ends, or begins, like it.
    """
    given = Path(path)
    if root is None:
        return given.as_posix()
    for place in (root / given, given):
        with contextlib.suppress(OSError, ValueError):
            if (found := place.resolve().relative_to(root.resolve()).as_posix()) in known:
                return found
    parts = given.as_posix()
    alike = [name for name in known if f"/{parts}".endswith(f"/{name}") or f"/{name}".endswith(f"/{parts}")]
    return alike[0] if len(alike) == 1 else parts


def read_file(path: Path) -> str:
    """A file's text with \\n line endings; raises WorkspaceError where there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise WorkspaceError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WorkspaceError(f"{path}: not a text file in UTF-8 ({error.reason})") from error
