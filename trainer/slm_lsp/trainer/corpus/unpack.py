"""The held-out splits as plain files, and the point files chosen in them.

Knows: splits, where their files are unpacked, how many points a package gets. Must not know: models.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from slm_lsp.data import point_file
from slm_lsp.model.evaluation import Point, choose
from slm_lsp.model.evaluation.positions import Position, points_at, position_of, read_positions
from slm_lsp.trainer.corpus.fetch import fetch_package
from slm_lsp.trainer.corpus.manifest import Split, corpus_folder, manifest_sha256, read_manifest
from slm_lsp.trainer.corpus.select import select

POINTS_A_PROJECT = 110
"""Points in each package of a split."""
SEED = 0
"""Of their choice."""
_STAMP = ".manifest-sha256"


def unpack(split: Split, archives: Path, on_package: Callable[[str], None] = lambda name: None) -> Path:
    """The folder of a held-out split's files, PACKAGE/PATH; fetched and unpacked where it is not there yet.

    Raises CorpusError naming the package that cannot be had.
    """
    folder, stamp = corpus_folder() / "files" / split, manifest_sha256()
    if _current(folder, stamp):
        return folder
    packages = [package for package in read_manifest() if package.split == split]
    for package in packages:
        on_package(package.name)
        fetch_package(package, archives)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own: of two commands that unpack at once, the second finds the first one's files whole.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{split}-") as name:
        draft = Path(name) / split
        for file in select(packages, archives).files:
            path = draft / file.package / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.text.encode("utf-8"))
        (draft / _STAMP).write_text(stamp)
        _put(draft, folder, stamp)
    return folder


def _put(draft: Path, folder: Path, stamp: str) -> None:
    """Have what was unpacked take the folder's place, unless another command was faster."""
    if _current(folder, stamp):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        draft.rename(folder)
    except OSError:
        if not _current(folder, stamp):
            raise


def _current(folder: Path, stamp: str) -> bool:
    """Whether the folder holds what this manifest says."""
    return (folder / _STAMP).is_file() and (folder / _STAMP).read_text() == stamp


def choose_positions(split: Split, archives: Path) -> list[Position]:
    """The points of a split, chosen anew: what its committed point file must say."""
    packages = [package for package in read_manifest() if package.split == split]
    files = select(packages, archives).files
    return [
        position_of(package.name, point)
        for package in packages
        for point in choose([(f.path, f.text) for f in files if f.package == package.name], POINTS_A_PROJECT, SEED)
    ]


def points_of_split(split: Split, archives: Path) -> dict[str, list[Point]]:
    """The committed points of a split, by package; raises CorpusError where its files cannot be had."""
    return points_at(read_positions(point_file(split)), unpack(split, archives))
