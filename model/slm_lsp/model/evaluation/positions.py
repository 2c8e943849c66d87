"""Point files: where points stand in files that cannot be shipped. Positions only, no text.

Knows: the columns of a point file. Must not know: where the files come from, how points were chosen.

A point file is tab-separated: package, path (inside the package), kind, offset (characters before the cursor), length
(of the target), chroma (1 or 0), sha256 (the first 12 hex digits of the file's, \\n line endings, UTF-8).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from slm_lsp.model.errors import CorpusError
from slm_lsp.model.evaluation.points import Point


@dataclass(frozen=True)
class Position:
    """One row of a point file."""

    package: str
    """The package's name: its folder below the root of the files."""
    path: str
    """The file, inside the package."""
    kind: str
    """One of points.KINDS."""
    offset: int
    """Characters before the cursor."""
    length: int
    """Characters of the target."""
    chroma: int
    """1 where the line uses ChromaDB."""
    sha256: str
    """Of the file, its first 12 digits."""


def position_of(package: str, point: Point) -> Position:
    """Where a point stands."""
    digest = _digest(point.prefix + point.target + point.suffix)
    offset, length = len(point.prefix), len(point.target)
    return Position(package, point.path, point.kind, offset, length, int(point.chroma), digest)


def write_positions(path: Path, positions: Iterable[Position]) -> None:
    """Write a point file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(field.name for field in fields(Position))
        writer.writerows(map(astuple, positions))


def read_positions(path: Path) -> list[Position]:
    """The rows of a point file; raises CorpusError naming the line that cannot be read."""
    found = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                numbers = {name: int(row[name]) for name in ("offset", "length", "chroma")}
                found.append(Position(**{**row, **numbers}))  # type: ignore[arg-type]
    except OSError as error:
        raise CorpusError(f"the point file cannot be read: {error}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise CorpusError(f"{path}, line {len(found) + 2}: not a position ({error})") from error
    return found


def points_at(positions: Iterable[Position], root: Path) -> dict[str, list[Point]]:
    """The points by package, from the files in `root`/PACKAGE/PATH; a point's path is the one inside the package.

    Raises CorpusError naming the file that is missing or another version.
    """
    texts: dict[Path, str] = {}
    found: dict[str, list[Point]] = {}
    for at in positions:
        file = root / at.package / at.path
        if file not in texts:
            texts[file] = _read(file, at.sha256)
        text, end = texts[file], at.offset + at.length
        point = Point(at.path, at.kind, text[: at.offset], text[at.offset : end], text[end:], bool(at.chroma))
        found.setdefault(at.package, []).append(point)
    return found


def _read(file: Path, sha256: str) -> str:
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{file} cannot be read: {error}") from error
    if _digest(text) != sha256:
        raise CorpusError(f"{file} is not the file that the points were chosen in")
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
