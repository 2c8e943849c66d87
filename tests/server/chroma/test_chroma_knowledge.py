"""The facts of a workspace, kept up to date in the background."""

from __future__ import annotations

from pathlib import Path

from slm_lsp.server.chroma.facts import Facts
from slm_lsp.server.chroma.knowledge import SECONDS_BETWEEN_READINGS, Knowledge, Opened

FILE = 'import chromadb\nfilms = chromadb.Client().get_collection("{}")\n'


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def known(knowledge: Knowledge, root: Path, opened: Opened | None = None) -> Facts:
    """What is known of a root after it was read."""
    knowledge.of(root, None, opened or {})
    knowledge.wait()
    facts = knowledge.of(root, None, opened or {})
    assert facts is not None
    return facts


def test_files_are_read_and_read_again_when_they_change(tmp_path: Path) -> None:
    clock = Clock()
    knowledge = Knowledge(tmp_path / "cache", clock=clock)
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text(FILE.format("films"))
    (root / "b.py").write_text(FILE.format("books"))
    assert known(knowledge, root).used.collections == {"films": 1, "books": 1}
    (root / "a.py").write_text(FILE.format("feature-films"))
    (root / "b.py").unlink()
    assert known(knowledge, root).used.collections == {"films": 1, "books": 1}  # a look stays good for a while
    clock.now += SECONDS_BETWEEN_READINGS
    assert known(knowledge, root).used.collections == {"feature-films": 1}


def test_what_is_open_takes_the_place_of_its_file(tmp_path: Path) -> None:
    clock = Clock()
    knowledge = Knowledge(tmp_path / "cache", clock=clock)
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text(FILE.format("films"))
    texts = [FILE.format("open-films"), FILE.format("newer-films")]
    assert known(knowledge, root, {"a.py": (1, lambda: texts[0])}).used.collections == {"open-films": 1}
    assert known(knowledge, root, {"a.py": (2, lambda: texts[1])}).used.collections == {"newer-films": 1}
    assert known(knowledge, root).used.collections == {}
    clock.now += SECONDS_BETWEEN_READINGS
    assert known(knowledge, root).used.collections == {"films": 1}


def test_nothing_is_known_at_first_and_nobody_waits(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path / "cache")
    knowledge.stop()
    assert knowledge.of(tmp_path, None, {}) is None


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path / "cache")
    assert known(knowledge, tmp_path / "nowhere").used.collections == {}
