"""What the server remembers of workspaces and open documents, without LSP."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slm_lsp.data import vocabulary
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.memory import Memory
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.server.memories import SECONDS_BETWEEN_READINGS, Memories


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


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


def expected(memory: Memory, before: str) -> str:
    """The text that the memory expects after some other text."""
    match = memory.matcher("new.py", before, "\n")
    tokenizer: Tokenizer = memory._tokenizer
    return b"".join(tokenizer.bytes_of(token) for token in match.draft(20)).decode().split("\n")[0]


def test_the_workspaces_own_files_are_known_after_a_moment(root: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    memories = Memories(ModelLibrary(tmp_path / "home"))
    memory = memories.of(root, tokenizer, {})
    memories.wait()
    assert expected(memory, "    return frobnicate(") == "seven)"
    assert expected(memory, "x = somebody_elses(") != "code)"
    assert memories.of(root, tokenizer, {}) is memory


def test_open_documents_count_with_their_unsaved_text_until_they_are_closed(
    root: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    memories = Memories(ModelLibrary(tmp_path / "home"))
    texts = {1: "return frobnicate(eight)\n", 2: "return frobnicate(nine)\n"}
    memories.of(root, tokenizer, {})
    memories.wait()
    for version, text in texts.items():
        memory = memories.of(root, tokenizer, {"store.py": (version, lambda text=text: text)})
        assert expected(memory, "    return frobnicate(") == text[len("return frobnicate(") : -1]
    assert expected(memories.of(root, tokenizer, {}), "    return frobnicate(") == "seven)"


def test_a_text_is_not_asked_for_again_while_its_version_stands(tmp_path: Path, tokenizer: Tokenizer) -> None:
    asked: list[int] = []

    def text() -> str:
        asked.append(1)
        return "x = 1\n"

    memories = Memories(ModelLibrary(tmp_path))
    for _ in range(3):
        memories.of(None, tokenizer, {"a.py": (7, text)})
    assert asked == [1]


def test_files_changed_on_disk_are_read_again_after_a_while(root: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    clock = Clock()
    memories = Memories(ModelLibrary(tmp_path / "home"), clock=clock)
    memory = memories.of(root, tokenizer, {})
    memories.wait()
    (root / "store.py").write_text("def spell():\n    return frobnicate(eleven)\n")
    os.utime(root / "store.py", ns=(10**18, 10**18))
    memories.of(root, tokenizer, {})
    memories.wait()
    assert expected(memory, "    return frobnicate(") == "seven)"
    clock.now += SECONDS_BETWEEN_READINGS
    memories.of(root, tokenizer, {})
    memories.wait()
    assert expected(memory, "    return frobnicate(") == "eleven)"


def test_the_next_session_knows_it_without_reading_and_clean_forgets(
    root: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    library = ModelLibrary(tmp_path / "home")
    first = Memories(library)
    first.of(root, tokenizer, {})
    first.wait()
    stamp = (root / "store.py").stat()
    (root / "store.py").write_text("# unreadable in the second session\n"[: stamp.st_size].ljust(stamp.st_size))
    os.utime(root / "store.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = Memories(library)
    memory = second.of(root, tokenizer, {})
    second.wait()
    assert expected(memory, "    return frobnicate(") == "seven)"
    assert library.clean() > 0
    assert not library.memory_for(root).exists()
