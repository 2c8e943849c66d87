"""What the server remembers of workspaces and open documents, without LSP."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slm_lsp.data import vocabulary
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.memory import Memory
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.server.memories import Memories
from slm_lsp.server.reader import Opened, Reader, Stamps


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(vocabulary("chroma8k"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "store.py").write_text("def spell():\n    return frobnicate(seven)\n")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "foreign.py").write_text("x = somebody_elses(code)\n")
    return folder


class Session:
    """A server's memories and its reader."""

    def __init__(self, library: ModelLibrary, tokenizer: Tokenizer) -> None:
        self.reader = Reader()
        self.memories = Memories(library, self.reader)
        self.tokenizer = tokenizer

    def memory(self, root: Path | None, opened: Opened | None = None) -> Memory:
        """The memory of a root once its files have been read."""
        memory = self.memories.of(root, self.tokenizer, opened or {})
        self.reader.look(root)
        self.reader.wait()
        return memory


def expected(memory: Memory, before: str) -> str:
    """The text that the memory expects after some other text."""
    match = memory.matcher("new.py", before, "\n")
    tokenizer: Tokenizer = memory._tokenizer
    return b"".join(tokenizer.bytes_of(token) for token in match.draft(20)).decode().split("\n")[0]


def test_the_workspaces_own_files_are_known_after_a_moment(root: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    session = Session(ModelLibrary(tmp_path / "home"), tokenizer)
    memory = session.memory(root)
    assert expected(memory, "    return frobnicate(") == "seven)"
    assert expected(memory, "x = somebody_elses(") != "code)"
    assert session.memory(root) is memory


def test_open_documents_count_with_their_unsaved_text_until_they_are_closed(
    root: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    session = Session(ModelLibrary(tmp_path / "home"), tokenizer)
    texts = {1: "return frobnicate(eight)\n", 2: "return frobnicate(nine)\n"}
    session.memory(root)
    for version, text in texts.items():
        memory = session.memory(root, {"store.py": (version, lambda text=text: text)})
        assert expected(memory, "    return frobnicate(") == text[len("return frobnicate(") : -1]
    assert expected(session.memory(root), "    return frobnicate(") == "seven)"


def test_a_text_is_not_asked_for_again_while_its_version_stands(tmp_path: Path, tokenizer: Tokenizer) -> None:
    asked: list[int] = []

    def text() -> str:
        asked.append(1)
        return "x = 1\n"

    session = Session(ModelLibrary(tmp_path), tokenizer)
    for _ in range(3):
        session.memory(None, {"a.py": (7, text)})
    assert asked == [1]


def test_the_cookbook_is_known_where_there_is_no_workspace(tmp_path: Path, tokenizer: Tokenizer) -> None:
    memory = Session(ModelLibrary(tmp_path), tokenizer).memory(None)
    match = memory.matcher("new.py", "import chromadb\n\nclient = chromadb.PersistentClient(", "\n")
    source = match.source()
    assert source is not None and source[0].startswith("<cookbook>/")
    assert memory.tokens == 0  # of the workspace's own files there are none


def test_what_does_not_fit_is_not_read(
    root: Path, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"old.py": 300, "new.py": 200, "newest.py": 100}
    stamps: Stamps = {name: (when, size) for when, (name, size) in enumerate(sizes.items(), 1)}
    monkeypatch.setattr("slm_lsp.server.memories.MOST_BYTES", 300)
    session = Session(ModelLibrary(tmp_path / "home"), tokenizer)
    session.memory(root)
    [workspace] = session.memories._workspaces.values()
    assert workspace.wanted(stamps) == ["newest.py", "new.py"]


def test_the_next_session_knows_it_without_reading_and_clean_forgets(
    root: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    library = ModelLibrary(tmp_path / "home")
    Session(library, tokenizer).memory(root)
    stamp = (root / "store.py").stat()
    (root / "store.py").write_text("# unreadable in the second session\n"[: stamp.st_size].ljust(stamp.st_size))
    os.utime(root / "store.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert expected(Session(library, tokenizer).memory(root), "    return frobnicate(") == "seven)"
    assert library.clean() > 0
    assert not library.memory_for(root).exists()


def test_large_files_do_not_keep_the_others_from_being_known(root: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    for number in range(9):
        (root / f"generated{number}.py").write_text("x = 1\n" * 200_000)  # newer than all the others, and too large
    session = Session(ModelLibrary(tmp_path / "home"), tokenizer)
    memory = session.memory(root)
    assert expected(memory, "    return frobnicate(") == "seven)"
    [report] = session.memories.report()
    assert (report["root"], report["left_out"], len(report["such_as"])) == (str(root), 9, 3)
    assert report["such_as"][0].endswith(": larger than 1 MB")
    assert report["tokens"] == memory.tokens > 0


def test_each_vocabulary_keeps_a_memory_of_its_own(root: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    library = ModelLibrary(tmp_path / "home")
    other = Tokenizer.from_file(vocabulary("gpt2"))
    for one in (tokenizer, other):
        Session(library, one).memory(root)
    assert len(list(library.memory_for(root).iterdir())) == 2
