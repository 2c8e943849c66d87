"""Fetching: what is valid is kept, what is wrong is named and not kept. A small script stands in for pip."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from archives import sdist

from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.fetch import fetch_package
from slm_lsp.trainer.corpus.manifest import Package

PIP = """
import pathlib, shutil, sys
args = sys.argv[1:]
pathlib.Path({log!r}).write_text(" ".join(args))
target = pathlib.Path(args[args.index("--dest") + 1])
for source in {sources!r}:
    shutil.copy(source, target)
if {message!r}:
    print("noise\\n" + {message!r}, file=sys.stderr)
    sys.exit(1)
"""


class Pip:
    """A program that takes pip's options and copies files instead of downloading them."""

    def __init__(self, folder: Path, *sources: Path, message: str = "") -> None:
        self.log = folder / "pip.log"
        script = folder / "pip.py"
        script.write_text(PIP.format(log=str(self.log), sources=[str(path) for path in sources], message=message))
        self.command = (sys.executable, str(script))


@pytest.fixture
def package(tmp_path: Path) -> Package:
    (tmp_path / "index").mkdir()
    return sdist(tmp_path / "index", "demo", {"a.py": "x = 1\n"})


def test_a_package_is_fetched_by_name_and_version(tmp_path: Path, package: Package) -> None:
    archives = tmp_path / "archives"
    pip = Pip(tmp_path, tmp_path / "index" / package.archive)
    assert fetch_package(package, archives, pip=pip.command) is None
    assert [path.name for path in archives.iterdir()] == [package.archive]
    called = pip.log.read_text()
    assert called.startswith("download ")
    assert "--no-deps --no-binary :all:" in called
    assert called.endswith(" demo==1.0")


def test_what_is_there_and_valid_is_not_fetched_again(tmp_path: Path, package: Package) -> None:
    pip = Pip(tmp_path, message="no network")
    assert fetch_package(package, tmp_path / "index", pip=pip.command) is None
    assert not pip.log.exists()


def test_a_damaged_archive_is_fetched_again(tmp_path: Path, package: Package) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    (archives / package.archive).write_bytes(b"cut sho")
    fetch_package(package, archives, pip=Pip(tmp_path, tmp_path / "index" / package.archive).command)
    assert (archives / package.archive).read_bytes() == (tmp_path / "index" / package.archive).read_bytes()


def test_a_wrong_hash_is_named_and_nothing_kept(tmp_path: Path, package: Package) -> None:
    archives = tmp_path / "archives"
    pip = Pip(tmp_path, tmp_path / "index" / package.archive)
    with pytest.raises(CorpusError, match=r"demo 1\.0.*sha256"):
        fetch_package(replace(package, sha256="0" * 64), archives, pip=pip.command)
    assert list(archives.iterdir()) == []


def test_a_failed_download_gives_pips_last_word(tmp_path: Path, package: Package) -> None:
    with pytest.raises(CorpusError, match=r"demo 1\.0: pip could not download it: No matching distribution"):
        fetch_package(package, tmp_path / "archives", pip=Pip(tmp_path, message="No matching distribution").command)


def test_a_download_of_nothing_is_an_error(tmp_path: Path, package: Package) -> None:
    with pytest.raises(CorpusError, match=r"demo 1\.0.*0 files"):
        fetch_package(package, tmp_path / "archives", pip=Pip(tmp_path).command)


def test_another_platforms_wheel_is_kept_with_a_warning(tmp_path: Path) -> None:
    wheel = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    package = Package("demo", "1.0", "train", "wheel", wheel, "0" * 64)
    other = tmp_path / "demo-1.0-cp311-cp311-macosx_11_0_arm64.whl"
    other.write_bytes(b"another wheel")
    archives = tmp_path / "archives"
    first = Pip(tmp_path, other)
    warning = fetch_package(package, archives, pip=first.command)
    assert warning is not None and "demo 1.0" in warning
    assert "--only-binary :all:" in first.log.read_text()
    first.log.unlink()
    assert fetch_package(package, archives, pip=first.command) == warning
    assert not first.log.exists()
