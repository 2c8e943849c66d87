"""Small packages for the tests: real archives on disk, and the manifest rows that name them."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from slm_lsp.trainer.corpus.manifest import Package, Split

Files = Mapping[str, str | bytes]


def code(name: str, lines: int = 12, *, chroma: bool = False) -> str:
    """A file of Python that is like no file of another name."""
    head = "import chromadb\n\n" if chroma else "import os\n\n"
    body = (f"def {name}_{'x' * n}(value):\n    return {name}.call_{'y' * n}(value)\n\n" for n in range(lines))
    return head + "\n".join(body)


def wheel(folder: Path, name: str, files: Files, split: Split = "train") -> Package:
    """Write a wheel and return its row."""
    archive = f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder / archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path, text in files.items():
            out.writestr(path, text)
    return _package(folder, name, split, "wheel", archive)


def sdist(folder: Path, name: str, files: Files, split: Split = "train", *, root: str | None = None) -> Package:
    """Write an sdist and return its row; `root` replaces the usual first folder."""
    archive = f"{name}-1.0.tar.gz"
    with tarfile.open(folder / archive, "w:gz") as out:
        for path, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(f"{name}-1.0/{path}" if root is None else f"{root}{path}")
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    return _package(folder, name, split, "sdist", archive)


def _package(folder: Path, name: str, split: Split, kind: str, archive: str) -> Package:
    digest = hashlib.sha256((folder / archive).read_bytes()).hexdigest()
    return Package(name, "1.0", split, "wheel" if kind == "wheel" else "sdist", archive, digest)
