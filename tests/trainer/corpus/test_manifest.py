"""The manifest that ships, and rows that cannot be used."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.manifest import manifest_sha256, read_manifest

HEAD = "package\tversion\tsplit\tfile_kind\tarchive\tsha256\n"


def test_the_shipped_manifest_is_usable() -> None:
    packages = read_manifest()
    assert Counter(package.split for package in packages) == {"train": 101, "test": 7, "adapt": 6, "tune": 6}
    assert [package.name for package in packages if package.local] == ["stdlib", "cookbook"]
    specific = [package.name for package in packages if package.platform_specific]
    assert specific == ["chromadb", "pandas", "scikit-learn"]
    assert len({package.archive for package in packages if not package.local}) == len(packages) - 2
    assert len({package.name for package in packages}) == len(packages)
    projects = [package for package in packages if package.project]
    assert len(projects) == 60 and {package.split for package in projects} == {"train"}


def test_the_hash_names_the_table(tmp_path: Path) -> None:
    one, other = tmp_path / "one.tsv", tmp_path / "other.tsv"
    one.write_text(HEAD)
    other.write_text(HEAD + "a\t1\ttrain\tsdist\ta.tar.gz\tff\n")
    assert manifest_sha256(one) != manifest_sha256(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("package\tversion\n a\t1\n", "line 2.*split"),
        (HEAD + "a\t1\tsecret\tsdist\ta.tar.gz\tff\n", "secret"),
        (HEAD + "a\t1\ttrain\tegg\ta.egg\tff\n", "egg"),
        (HEAD + "\t1\ttrain\tsdist\ta.tar.gz\tff\n", "no package name"),
        (HEAD + "a\t1\ttrain\tsdist\ta.tar.gz\t\n", "a needs .* sha256"),
        (HEAD + "a\t1\ttrain\tsdist\t../a.tar.gz\tff\n", "a needs"),
        (HEAD + "a\t1\ttrain\n", "line 2"),
    ],
)
def test_an_unusable_row_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "packages.tsv"
    path.write_text(text)
    with pytest.raises(CorpusError, match=message):
        read_manifest(path)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nowhere\.tsv"):
        read_manifest(tmp_path / "nowhere.tsv")
