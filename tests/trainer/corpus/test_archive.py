"""Reading packages: what is inside, and what a hostile archive gets."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from archives import sdist, wheel

from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus import archive
from slm_lsp.trainer.corpus.archive import python_files, stdlib_available
from slm_lsp.trainer.corpus.manifest import Package


def test_python_files_of_a_wheel_and_of_an_sdist(tmp_path: Path) -> None:
    files = {"pkg/a.py": "x = 1\n", "pkg/data.json": "{}", "setup.py": "y = 2\n"}
    expected = [("pkg/a.py", b"x = 1\n"), ("setup.py", b"y = 2\n")]
    assert list(python_files(wheel(tmp_path, "one", files), tmp_path)) == expected
    assert list(python_files(sdist(tmp_path, "two", files), tmp_path)) == expected


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py", "a/../../evil.py", "C:/evil.py", "a\\..\\evil.py"])
def test_a_member_outside_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    for package in (wheel(tmp_path, "one", {name: "x"}), sdist(tmp_path, "two", {name: "x"}, root="")):
        with pytest.raises(CorpusError, match=rf"{package.name} 1\.0.*evil\.py.*outside"):
            list(python_files(package, tmp_path))


def test_a_huge_member_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1_000)
    for package in (
        wheel(tmp_path, "one", {"a.py": b"#" * 1_001}),
        sdist(tmp_path, "two", {"a.py": b"#" * 1_001}),
    ):
        with pytest.raises(CorpusError, match=rf"{package.name} 1\.0.*larger than 1000"):
            list(python_files(package, tmp_path))
    package = wheel(tmp_path, "three", {"a.py": b"#" * 1_000})
    assert [len(content) for _, content in python_files(package, tmp_path)] == [1_000]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 5_000)
    package = sdist(tmp_path, "bomb", {"a.bin": b"\0" * 4_000, "b.bin": b"\0" * 4_000})
    with pytest.raises(CorpusError, match=r"bomb 1\.0.*unpacks to more than 5000"):
        list(python_files(package, tmp_path))


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04", b"\x1f\x8b\x08\x00"])
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    for package in (wheel(tmp_path, "one", {}), sdist(tmp_path, "two", {})):
        (tmp_path / package.archive).write_bytes(content)
        with pytest.raises(CorpusError, match=rf"{package.name} 1\.0.*{package.archive}"):
            list(python_files(package, tmp_path))


def test_an_archive_cut_short_is_named(tmp_path: Path) -> None:
    for package in (
        wheel(tmp_path, "one", {"a.py": "x" * 9_999}),
        sdist(tmp_path, "two", {"a.py": "x" * 9_999}),
    ):
        path = tmp_path / package.archive
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(CorpusError, match=rf"{package.name} 1\.0"):
            list(python_files(package, tmp_path))


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    package = sdist(tmp_path, "links", {})
    with tarfile.open(tmp_path / package.archive, "w:gz") as out:
        member = tarfile.TarInfo("links-1.0/passwd.py")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(member)
        plain = tarfile.TarInfo("links-1.0/a.py")
        plain.size = 1
        out.addfile(plain, io.BytesIO(b"x"))
    assert list(python_files(package, tmp_path)) == [("a.py", b"x")]


def test_a_missing_archive_says_to_fetch(tmp_path: Path) -> None:
    package = Package("gone", "1.0", "train", "sdist", "gone-1.0.tar.gz", "ff")
    with pytest.raises(CorpusError, match=r"gone 1\.0.*fetch the corpus first"):
        list(python_files(package, tmp_path))


def test_the_cookbook_is_read_where_it_ships(tmp_path: Path) -> None:
    package = Package("cookbook", "1", "train", "cookbook", "", "")
    files = dict(python_files(package, tmp_path))
    assert files
    assert all(path.startswith("cookbook/") and path.endswith(".py") for path in files)
    assert any(b"chromadb" in content for content in files.values())


@pytest.mark.skipif(not stdlib_available(), reason="another Python's standard library is not part of the corpus")
def test_the_standard_library_comes_without_its_tests(tmp_path: Path) -> None:
    package = Package("stdlib", "3.11", "train", "stdlib", "", "")
    paths = {path for path, _ in python_files(package, tmp_path)}
    assert {"json/decoder.py", "argparse.py", "asyncio/events.py"} <= paths
    assert not [path for path in paths if {"test", "tests", "site-packages"} & set(path.split("/"))]
