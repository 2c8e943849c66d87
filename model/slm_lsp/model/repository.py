"""A repository's Python files, read as a person means them: without what is ignored, built, installed or broken.

Knows: folders, .gitignore, encodings. Must not know: tokens, models, what the files are used for.
"""

from __future__ import annotations

import hashlib
import io
import os
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from slm_lsp.model.errors import WorkspaceError

MAX_BYTES = 1_000_000
"""Files larger than this are data or generated, whatever their name."""

_NO_SOURCE = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".eggs",
        "site-packages",
        "node_modules",
        "__pycache__",
        "__pypackages__",
        "build",
        "dist",
        "_build",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".idea",
        ".vscode",
    ]
)


@dataclass(frozen=True)
class SourceFile:
    """One file that can be learned from."""

    path: str
    """Inside the repository, with /."""
    text: str
    """Its text, with \\n line endings."""


@dataclass(frozen=True)
class Skipped:
    """A Python file that was left out."""

    path: str
    """Inside the repository, with /."""
    reason: str
    """Why, for the user."""


@dataclass(frozen=True)
class Repository:
    """What was read."""

    root: Path
    """The folder, as a real path."""
    files: tuple[SourceFile, ...]
    """In the order of their paths."""
    skipped: tuple[Skipped, ...]
    """Files left out although they are not ignored; duplicates among them."""


def python_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Name inside the root (with /) and place of every Python file that is the repository's own, unread, in order."""
    root = Path(os.path.realpath(root))
    for file in _walk(root, root, (), []):
        yield file.relative_to(root).as_posix(), file


def read_text(file: Path, root: Path) -> str:
    """A file's text in its declared encoding, with \\n line endings; raises WorkspaceError with the reason alone."""
    return _read(file, Path(os.path.realpath(root)))


def read_repository(path: Path) -> Repository:
    """The Python files at and below `path`.

    Raises WorkspaceError when it is no folder, or no Python file in it can be read.
    """
    if not path.exists():
        raise WorkspaceError(f"{path}: no such folder")
    if not path.is_dir():
        raise WorkspaceError(f"{path} is a file; name the folder of the project")
    root = Path(os.path.realpath(path))
    files: list[SourceFile] = []
    skipped: list[Skipped] = []
    seen: dict[str, str] = {}
    for file in _walk(root, root, (), skipped):
        inside = file.relative_to(root).as_posix()
        try:
            text = _read(file, root)
        except WorkspaceError as error:
            skipped.append(Skipped(inside, str(error)))
            continue
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if digest in seen:
            skipped.append(Skipped(inside, f"the same as {seen[digest]}"))
        elif text.strip():
            seen[digest] = inside
            files.append(SourceFile(inside, text))
    if not files:
        left_out = f" ({len(skipped)} left out, the first: {skipped[0].path}: {skipped[0].reason})" if skipped else ""
        raise WorkspaceError(f"no Python files in {path}{left_out}")
    return Repository(root, tuple(files), tuple(skipped))


@dataclass(frozen=True)
class _Ignore:
    """The rules of one .gitignore."""

    folder: Path
    spec: GitIgnoreSpec

    def verdict(self, path: Path, *, is_folder: bool) -> bool | None:
        """Whether the rules ignore a path below their folder; None when they do not speak of it."""
        relative = path.relative_to(self.folder).as_posix()
        return self.spec.check_file(relative + "/" if is_folder else relative).include


def _walk(folder: Path, root: Path, rules: tuple[_Ignore, ...], skipped: list[Skipped]) -> Iterator[Path]:
    """The Python files below a folder, in order; `rules` are those of the folders above, the outermost first."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        skipped.append(Skipped(folder.relative_to(root).as_posix() + "/", f"cannot be read: {error.strerror}"))
        return
    names = {entry.name for entry in entries}
    if folder != root and "pyvenv.cfg" in names:
        return  # a virtual environment by another name
    if ".gitignore" in names:
        rules = (*rules, *_rules(folder))
    for entry in entries:
        path = folder / entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and path.suffix != ".py":
            continue
        if entry.name in _NO_SOURCE or _ignored(path, rules, is_folder=is_folder):
            continue
        if is_folder:
            if not entry.name.endswith(".egg-info"):
                yield from _walk(path, root, rules, skipped)
        elif _is_file(entry):
            yield path
        else:
            skipped.append(Skipped(path.relative_to(root).as_posix(), "is no file, or a link that leads nowhere"))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # links in a circle
        return False


def _rules(folder: Path) -> tuple[_Ignore, ...]:
    try:
        lines = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
        return (_Ignore(folder, GitIgnoreSpec.from_lines(lines)),)
    except (OSError, ValueError):  # unreadable, or a pattern git would not take either
        return ()


def _ignored(path: Path, rules: tuple[_Ignore, ...], *, is_folder: bool) -> bool:
    """Git's rule: the nearest .gitignore that speaks of a path decides."""
    verdicts = (rule.verdict(path, is_folder=is_folder) for rule in reversed(rules))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _read(file: Path, root: Path) -> str:
    """A file's text in its declared encoding; raises WorkspaceError with the reason alone."""
    if not Path(os.path.realpath(file)).is_relative_to(root):
        raise WorkspaceError("a link that leads out of the folder")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise WorkspaceError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise WorkspaceError(f"larger than {MAX_BYTES / 1e6:g} MB")
    if b"\0" in content:
        raise WorkspaceError("binary")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:  # "undefined" is a codec, too
        raise WorkspaceError("not text in UTF-8 or the encoding it declares") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
