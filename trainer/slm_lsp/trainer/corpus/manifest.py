"""The table of the corpus's packages, and the folders their text lives in.

Knows: the manifest's columns, the four splits, the cache folder. Must not know: archives' contents.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import platformdirs

from slm_lsp.data import corpus_manifest
from slm_lsp.model.errors import CorpusError

Split = Literal["train", "tune", "test", "adapt"]
Kind = Literal["sdist", "wheel", "stdlib", "cookbook"]


@dataclass(frozen=True)
class Package:
    """One row of the manifest."""

    name: str
    """Distribution name; "stdlib" for the standard library, "cookbook" for our own programs."""
    version: str
    """Exact version; for the standard library the Python version it was counted on."""
    split: Split
    """What its text may be used for; only "train" is ever trained on."""
    kind: Kind
    """What the archive is."""
    archive: str
    """File name of the archive; "" for what is local."""
    sha256: str
    """Of the archive, in hex; "" for what is local."""
    project: bool = False
    """Whether it is a small project built around ChromaDB, every file of which is like our users' own."""

    @property
    def label(self) -> str:
        """Name and version, as error messages spell them."""
        return f"{self.name} {self.version}"

    @property
    def local(self) -> bool:
        """Whether its files are here already: the standard library, and our own cookbook."""
        return self.kind in ("stdlib", "cookbook")

    @property
    def platform_specific(self) -> bool:
        """Whether another platform gets another wheel, with another hash."""
        return self.kind == "wheel" and not self.archive.endswith("-none-any.whl")


def read_manifest(path: Path | None = None) -> list[Package]:
    """The manifest's packages in its order; raises CorpusError where a row is not usable."""
    path = path or corpus_manifest()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise CorpusError(f"the corpus manifest cannot be read: {error}") from error
    return [_package(path, number, row) for number, row in enumerate(rows, start=2)]


def _package(path: Path, number: int, row: dict[str, str | None]) -> Package:
    try:
        values = {name: row[name] or "" for name in ("package", "version", "split", "file_kind", "archive", "sha256")}
    except KeyError as error:
        raise CorpusError(f"{path}, line {number}: column {error} is missing") from error
    split, kind = values["split"], values["file_kind"]
    if split not in get_args(Split) or kind not in get_args(Kind) or not values["package"]:
        raise CorpusError(f"{path}, line {number}: unknown split {split!r} or kind {kind!r}, or no package name")
    archive, sha256, project = values["archive"], values["sha256"], row.get("role") == "project"
    package = Package(values["package"], values["version"], split, kind, archive, sha256, project)  # type: ignore[arg-type]
    if not package.local and (not sha256 or Path(archive).name != archive):
        raise CorpusError(f"{path}, line {number}: {package.name} needs an archive's file name and its sha256")
    return package


def manifest_sha256(path: Path | None = None) -> str:
    """SHA-256 of the manifest file, in hex: names the corpus that a pack was made from."""
    return hashlib.sha256((path or corpus_manifest()).read_bytes()).hexdigest()


def corpus_folder() -> Path:
    """Where archives and packs are kept, outside any repository."""
    return platformdirs.user_cache_path("slm-lsp") / "corpus"


def archives_folder() -> Path:
    """Where the fetched archives are kept."""
    return corpus_folder() / "archives"


def packed_folder() -> Path:
    """Where the packed corpus is written by default."""
    return corpus_folder() / "packed"
