"""Held-out splits as plain files: whole, also where several commands want them at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from archives import code, wheel

from slm_lsp.trainer.corpus import unpack as module
from slm_lsp.trainer.corpus.unpack import unpack


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the one package of the split `test`."""
    package = wheel(tmp_path, "one", {f"one/{name}.py": code(name) for name in "abcdef"}, "test")
    monkeypatch.setattr(module, "read_manifest", lambda: [package])
    monkeypatch.setattr(module, "corpus_folder", lambda: tmp_path / "corpus")
    monkeypatch.setattr(module, "manifest_sha256", lambda: "now")
    return tmp_path


def test_files_are_unpacked_once_and_again_for_another_manifest(
    archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpack("test", archives)
    assert sorted(path.name for path in folder.rglob("*.py")) == [f"{name}.py" for name in "abcdef"]
    (folder / "one" / "one" / "a.py").write_text("kept = 1\n")
    assert (unpack("test", archives) / "one" / "one" / "a.py").read_text() == "kept = 1\n"
    monkeypatch.setattr(module, "manifest_sha256", lambda: "later")
    assert (unpack("test", archives) / "one" / "one" / "a.py").read_text() == code("a")
    assert [path.name for path in folder.parent.iterdir()] == ["test"]


def test_commands_that_unpack_at_once_do_not_disturb_each_other(archives: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: unpack("test", archives), range(8)))
    assert len(set(folders)) == 1
    assert len(list(folders[0].rglob("*.py"))) == 6
    assert [path.name for path in folders[0].parent.iterdir()] == ["test"]
