"""Files that outlive accidents: written whole or not at all, by one writer at a time, and read without surprises.

Knows: drafts, locks, what a killed writer leaves behind. Must not know: what is in a file, who asks for it.

Whoever replaces a file or folder writes a draft beside it, `.NAME.<8 hex digits>.draft`, and renames it. A folder that
is replaced is moved aside first, as `.NAME.<8 hex digits>.old`. The writer holds a lock of the folder around it, which
the system takes back when the writer dies: drafts that are found under the lock are nobody's.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from slm_lsp.model.errors import Unwritable

try:
    import fcntl
except ImportError:  # Windows: no such locks; drafts are swept by their age there
    fcntl = None  # type: ignore[assignment]

PATIENCE = 10.0
"""Seconds to wait for another writer, who needs well under one, before going on without the lock."""
FORGOTTEN = 86_400.0
"""Seconds after which a draft is nobody's even where there are no locks."""
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<kind>draft|old)", re.DOTALL)


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file; raises OSError, also where it is no file (a pipe would never end) or has over `most`."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"larger than {most:,} bytes, which it never is", str(path))
        return file.read(status.st_size + 1)


@contextmanager
def locked(place: Path, patience: float = PATIENCE) -> Iterator[bool | None]:
    """Hold a folder or file, which is there, as the only one; False where another has it, None where locks fail."""
    with ExitStack() as stack:
        yield _lock(place, time.monotonic() + patience, stack) if fcntl else None


def _lock(place: Path, deadline: float, stack: ExitStack) -> bool | None:
    while True:
        with ExitStack() as attempt:
            try:
                handle = os.open(place, os.O_RDONLY)
                attempt.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(handle), place.stat()):  # it may have been deleted meanwhile
                    stack.push(attempt.pop_all())
                    return True
            except BlockingIOError:
                pass
            except OSError:
                return None
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The draft to write the file `path` to: it becomes `path` at the end, or goes where something was raised.

    Raises Unwritable in place of OSError.
    """
    with _preparing(path) as draft:
        draft.touch()
        yield draft
        _sync(draft)
        draft.replace(path)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """The empty draft of `folder`: it becomes `folder` at the end, or goes where something was raised.

    What was there before is moved aside first and deleted last: who finds no folder looks again a moment later, and
    calls `restore` before. Raises Unwritable in place of OSError.
    """
    with _preparing(folder) as draft:
        draft.mkdir()
        yield draft
        for file in draft.rglob("*"):
            _sync(file)
        _sync(draft)
        _exchange(draft, folder)


def write_file(path: Path, data: bytes) -> None:
    """Replace a file by one with these bytes, or leave it as it is and raise Unwritable."""
    with replacing(path) as draft:
        draft.write_bytes(data)


def remove(path: Path) -> None:
    """Delete a file, a link, or a folder so that half of it is never seen under its name. Raises Unwritable."""
    with _preparing(path) as draft:
        if path.is_dir() and not path.is_symlink():
            path.rename(draft)
            shutil.rmtree(draft)
        else:
            path.unlink(missing_ok=True)


def restore(parent: Path, name: str | None = None) -> None:
    """Bring back the folders, or the one called `name`, that were moved aside by a writer killed then."""
    if not any(kind == "old" for _, kind in _leftovers(parent, name)):
        return
    with locked(parent, 0.0) as alone:
        if alone:
            _bring_back(parent, name)


def sweep(parent: Path) -> None:
    """Delete what killed writers left in a folder, and bring back what they had moved aside. Raises nothing."""
    if not any(_leftovers(parent)):
        return
    with locked(parent) as alone:
        _sweep(parent, None, alone)


@contextmanager
def _preparing(path: Path) -> Iterator[Path]:
    """The name of a draft that nobody else uses, swept away at the end if it is still there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent) as alone:
            _sweep(path.parent, path.name, alone)
            draft = _beside(path, "draft")
            try:
                yield draft
                _sync(path.parent)
            finally:
                _delete(draft)
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(_why(path, error)) from error


def _exchange(draft: Path, folder: Path) -> None:
    if not folder.exists() and not folder.is_symlink():
        draft.rename(folder)
        return
    aside = _beside(folder, "old")
    folder.rename(aside)
    try:
        draft.rename(folder)
    except BaseException:
        with suppress(OSError):  # another writer's version may be there by now
            aside.rename(folder)
        raise
    finally:
        if folder.exists():
            _delete(aside)


def _sweep(parent: Path, name: str | None, alone: bool | None) -> None:
    """Tidy up after killed writers of `name`, or of every name; where we are not alone, only what is forgotten."""
    if alone:
        _bring_back(parent, name)
    for left, kind in list(_leftovers(parent, name)):
        if alone or (kind == "draft" and _age(left) > FORGOTTEN):
            _delete(left)


def _bring_back(parent: Path, name: str | None) -> None:
    aside = [left for left, kind in _leftovers(parent, name) if kind == "old"]
    for left in sorted(aside, key=_age):  # the youngest of a name first
        original = parent / _name_of(left)
        with suppress(OSError):
            if not original.exists():
                left.rename(original)


def _leftovers(parent: Path, name: str | None = None) -> Iterator[tuple[Path, str]]:
    """Drafts and old versions in a folder, of one name or of all."""
    with suppress(OSError, ValueError):  # ValueError: a path that no system takes
        for entry in parent.iterdir():
            match = _LEFTOVER.fullmatch(entry.name)
            if match and name in (None, match["name"]):
                yield entry, match["kind"]


def _name_of(leftover: Path) -> str:
    match = _LEFTOVER.fullmatch(leftover.name)
    return match["name"] if match else leftover.name


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{kind}")


def _age(path: Path) -> float:
    try:
        status = path.lstat()
        return time.time() - max(status.st_mtime, status.st_ctime)  # ctime: when it was renamed
    except OSError:
        return 0.0


def _delete(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the system write a file or folder to the disk now, so that a power cut finds it whole."""
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(path: Path, error: OSError) -> str:
    advice = {
        errno.ENOSPC: "free some space and try again",
        errno.EDQUOT: "free some space and try again",
        errno.EFBIG: "the system limits the size of files (ulimit -f)",
    }.get(error.errno or 0, "see that you may write there")
    return f"{path} could not be written: {error.strerror or error}; {advice}; what was there before is as it was"
