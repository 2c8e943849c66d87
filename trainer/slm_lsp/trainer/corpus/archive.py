"""The Python files of a package archive, the standard library or the cookbook, read without extracting anything.

Knows: zip, tar, the layout of sdists and wheels, what a hostile archive looks like.
Must not know: which files are worth training on.
"""

from __future__ import annotations

import platform
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from slm_lsp.data import ROOT
from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.manifest import Package

MAX_MEMBER_BYTES = 32 * 1024 * 1024
"""No honest Python file is larger; an archive that claims or holds one is refused."""
MAX_ARCHIVE_BYTES = 2 * 1024 * 1024 * 1024
"""Most bytes an archive may unpack to."""
STDLIB_PYTHON = "3.11"
"""The Python whose standard library the manifest counts; another one's would be another corpus."""
# This gives the manifest's 429 files: the library without its tests, the programs in it and code tables.
_STDLIB_SKIPPED = frozenset(
    {"test", "tests", "site-packages", "idlelib", "lib2to3", "turtledemo", "ensurepip", "venv", "encodings"}
)


def stdlib_available() -> bool:
    """Whether this Python has the standard library that the manifest counts."""
    return platform.python_version().startswith(f"{STDLIB_PYTHON}.")


def python_files(package: Package, archives: Path) -> Iterator[tuple[str, bytes]]:
    """Path (inside the package, with /) and content of every .py file of a package.

    Raises CorpusError naming the package when its archive is missing, damaged or hostile.
    """
    if package.kind == "stdlib":
        yield from _stdlib_files()
        return
    if package.kind == "cookbook":
        yield from _cookbook_files()
        return
    path = archives / package.archive
    if not path.is_file():
        raise CorpusError(f"{package.label}: {package.archive} is not in {archives}; fetch the corpus first")
    try:
        yield from _wheel_files(path) if package.kind == "wheel" else _sdist_files(path)
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        tarfile.TarError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise CorpusError(f"{package.label}: {package.archive} is not a readable archive: {error}") from error
    except CorpusError as error:
        raise CorpusError(f"{package.label}: {package.archive}: {error}") from error


def _wheel_files(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".py"):
                with archive.open(member) as file:
                    yield _safe(member.filename), _read(file.read(MAX_MEMBER_BYTES + 1), member.filename)


def _sdist_files(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            total += member.size
            if total > MAX_ARCHIVE_BYTES:
                raise CorpusError(f"unpacks to more than {MAX_ARCHIVE_BYTES} bytes")
            if member.isfile() and member.name.endswith(".py"):
                file = archive.extractfile(member)
                if file is None:
                    continue
                # The first folder of an sdist is its name and version, which no repository has.
                inside = _safe(member.name).partition("/")[2] or member.name
                yield inside, _read(file.read(MAX_MEMBER_BYTES + 1), member.name)


def _stdlib_files() -> Iterator[tuple[str, bytes]]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        if _STDLIB_SKIPPED.isdisjoint(inside.parts) and not inside.parts[0].startswith("config-"):
            yield inside.as_posix(), path.read_bytes()


def _cookbook_files() -> Iterator[tuple[str, bytes]]:
    for path in sorted((ROOT / "cookbook").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def _safe(name: str) -> str:
    """The member's name; a name that points outside of the archive is a sign of a hostile one."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name.partition("/")[0]:
        raise CorpusError(f"member {name!r} points outside of the archive")
    return str(path)


def _read(content: bytes, name: str) -> bytes:
    if len(content) > MAX_MEMBER_BYTES:
        raise CorpusError(f"member {name!r} is larger than {MAX_MEMBER_BYTES} bytes")
    return content
