"""The facts of a workspace, kept up to date in the background."""

from __future__ import annotations

from pathlib import Path

import pytest

from slm_lsp.server.chroma.facts import Facts
from slm_lsp.server.chroma.knowledge import Knowledge
from slm_lsp.server.reader import SECONDS_BETWEEN_LOOKS, Opened, Reader

FILE = 'import chromadb\nfilms = chromadb.Client().get_collection("{}")\n'


class Session:
    """A server's knowledge and its reader, whose clock stands still until it is moved."""

    def __init__(self, cache: Path) -> None:
        self.now = 0.0
        self.reader = Reader(clock=lambda: self.now)
        self.knowledge = Knowledge(cache, self.reader)

    def facts(self, root: Path | None, opened: Opened | None = None, name: str = "", text: str = "") -> Facts | None:
        """What is known of a root once its files have been read."""
        known = self.knowledge.of(root, None)
        known.facts(opened or {}, name, text)
        self.reader.look(root)
        self.reader.wait()
        return known.facts(opened or {}, name, text)

    def collections(self, root: Path | None, opened: Opened | None = None, name: str = "", text: str = "") -> set[str]:
        """The names of collections that are known of a root."""
        facts = self.facts(root, opened, name, text)
        assert facts is not None
        return set(facts.used.collections)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text(FILE.format("films"))
    (folder / "b.py").write_text(FILE.format("books"))
    return folder


def test_files_are_read_and_read_again_when_they_change(session: Session, root: Path) -> None:
    assert session.collections(root) == {"films", "books"}
    (root / "a.py").write_text(FILE.format("feature-films"))
    (root / "b.py").unlink()
    assert session.collections(root) == {"films", "books"}  # a look stays good for a while
    session.now += SECONDS_BETWEEN_LOOKS
    assert session.collections(root) == {"feature-films"}


def test_what_is_open_takes_the_place_of_its_file(session: Session, root: Path) -> None:
    texts = [FILE.format("open-films"), FILE.format("newer-films")]
    assert session.collections(root, {"a.py": (1, lambda: texts[0])}) == {"open-films", "books"}
    assert session.collections(root, {"a.py": (2, lambda: texts[1])}) == {"newer-films", "books"}
    assert session.collections(root) == {"books"}
    session.now += SECONDS_BETWEEN_LOOKS
    assert session.collections(root) == {"films", "books"}


def test_what_is_being_written_takes_the_place_of_its_file_too(session: Session, root: Path) -> None:
    opened = {"b.py": (1, lambda: FILE.format("open-books"))}
    assert session.collections(root, opened, "a.py", FILE.format("fil")) == {"fil", "open-books"}
    assert session.collections(root, opened, "a.py", FILE.format("films-2")) == {"films-2", "open-books"}
    # Now it is the other one that is written in; what stands in the first is known whole.
    opened = {"a.py": (7, lambda: FILE.format("films-3"))}
    facts = session.facts(root, opened, "b.py", FILE.format("books-2"))
    assert facts is not None
    assert facts.used.collections == {"films-3": 1, "books-2": 1}
    assert facts.used.exports == {"films": "collection"}
    session.now += SECONDS_BETWEEN_LOOKS
    assert session.collections(root) == {"films", "books"}


def test_a_text_is_not_asked_for_again_while_its_version_stands(session: Session, root: Path) -> None:
    asked: list[int] = []

    def text() -> str:
        asked.append(1)
        return FILE.format("films")

    session.facts(root)
    for _ in range(3):
        session.facts(root, {"a.py": (7, text)})
    assert asked == [1]


def test_nothing_is_known_at_first_and_nobody_waits(session: Session, root: Path) -> None:
    session.reader.stop()
    assert session.facts(root) is None


def test_a_folder_that_is_not_there_is_no_error(session: Session, tmp_path: Path) -> None:
    assert session.collections(tmp_path / "nowhere") == set()


def test_without_a_workspace_the_installed_chromadb_is_known(session: Session) -> None:
    facts = session.facts(None, name="untitled:1", text=FILE.format("drafts"))
    assert facts is not None
    assert facts.installed.owners["collection"]
    assert facts.used.collections == {"drafts": 1}
