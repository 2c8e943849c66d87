"""A real ChromaDB project to open in a real editor: chromadb-ops 0.1.5, downloaded once and copied fresh."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import platformdirs

from slm_lsp.trainer.corpus.fetch import fetch_package
from slm_lsp.trainer.corpus.manifest import read_manifest

NAME = "chromadb-ops"
CACHE = platformdirs.user_cache_path("slm-lsp", appauthor=False) / "tests"
"""Where the project's archive stays between test runs."""


def chroma_project(folder: Path) -> Path:
    """A fresh copy of the project below `folder`; returns its root. Raises CorpusError where pip cannot fetch it."""
    package = next(package for package in read_manifest() if package.name == NAME)
    fetch_package(package, CACHE)
    unpacked = folder / package.archive.removesuffix(".tar.gz")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(CACHE / package.archive) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)  # from Python 3.11.4 on
        archive.extractall(folder)
    project = folder / NAME
    shutil.rmtree(project, ignore_errors=True)
    return unpacked.rename(project)
