"""The memory knows what is open and what was learned, keeps the two apart, and stays within its bounds."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import PROGRAM, TINY
from slm_lsp.data import ROOT
from slm_lsp.model.completion.prompt import PromptBuilder
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.memory import Match, Memory, textbook_of
from slm_lsp.model.memory.memory import LONGEST_OPEN, SLICE
from slm_lsp.model.memory.store import NAME
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer

TOKENIZER = Tokenizer.from_file(ROOT / "vocabularies" / "chroma8k")


def drafted(match: Match) -> str:
    """The rest of the line, as the memory would write it."""
    return TOKENIZER.decode(match.draft(60)).split("\n")[0]


def filler(number: int, lines: int = 200) -> str:
    """A file that is like no other one."""
    draw = np.random.default_rng(number)
    return "".join(f"name_{a} = call_{b}({c})\n" for a, b, c in draw.integers(0, 10**6, (lines, 3)))


STORE = "class Store:\n    def open(self):\n        return self.client.get_or_create_collection(name='books')\n"
BEFORE, AFTER = "def other(self):\n        return self.client.", "\n\nx = 1\n"


def test_remembers_an_open_document() -> None:
    memory = Memory(TOKENIZER)
    memory.update("store.py", STORE)
    match = memory.matcher("main.py", BEFORE, AFTER)
    assert drafted(match) == "get_or_create_collection(name='books')"
    assert match.source() == ("store.py", 3)


def test_remembers_a_learned_file() -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE)])
    match = memory.matcher("main.py", BEFORE, AFTER)
    assert drafted(match) == "get_or_create_collection(name='books')"
    assert match.source() == ("store.py", 3)


def test_remembers_the_document_itself_on_both_sides_of_the_cursor() -> None:
    memory = Memory(TOKENIZER)
    above = memory.matcher("main.py", STORE + BEFORE, AFTER)
    below = memory.matcher("main.py", BEFORE, "\n\n" + STORE)
    assert drafted(above) == drafted(below) == "get_or_create_collection(name='books')"
    assert above.source() == ("main.py", 3)
    assert below.source() == ("main.py", 6)


def test_an_open_document_counts_in_place_of_the_file_until_it_is_closed() -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE)])
    memory.update("store.py", STORE.replace("books", "films"))
    assert drafted(memory.matcher("main.py", BEFORE, AFTER)).endswith("(name='films')")
    memory.forget("store.py")
    assert drafted(memory.matcher("main.py", BEFORE, AFTER)).endswith("(name='books')")


def test_the_file_behind_the_document_with_the_cursor_is_never_copied() -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("main.py", STORE + BEFORE + "forbidden()\n")])
    memory.update("main.py", STORE + BEFORE + "forbidden()\n")
    assert drafted(memory.matcher("main.py", BEFORE, AFTER)) != "forbidden()"
    assert drafted(memory.matcher("else.py", "    return self.client.forb", "", b"forb")).startswith("forbidden")


def test_does_not_match_across_the_cursor() -> None:
    memory = Memory(TOKENIZER)
    match = memory.matcher("main.py", "zebra = 1\nzebra = ", "giraffe\n", b" ")
    assert drafted(match) == " 1"
    assert match.continuations().count == 1


def test_the_match_is_of_what_comes_before_the_stem() -> None:
    memory = Memory(TOKENIZER)
    memory.update("store.py", STORE)
    assert drafted(memory.matcher("main.py", BEFORE + "get_o", AFTER, b"get_o")).startswith("get_or_create")
    assert not drafted(memory.matcher("main.py", BEFORE + "get_o", AFTER)).startswith("get_or_create")


@given(cut=st.integers(0, len(PROGRAM)))
def test_the_context_is_the_end_of_the_prompt(cut: int) -> None:
    checkpoint = Checkpoint.open(TINY)
    tokenizer = checkpoint.tokenizer()
    before, after = PROGRAM[:cut], PROGRAM[cut:]
    prompt = PromptBuilder(Vocabulary(tokenizer), checkpoint.config, "prefix").build(before, after)
    context = Memory(tokenizer).matcher("a.py", before, after, prompt.stem)._context
    whole = tokenizer.encode(before[: len(before) - len(prompt.stem.decode())])
    assert context == whole[-32:]
    assert prompt.ids[-len(context) :] == context or not context or len(whole) < 32


def test_windows_line_endings_are_the_same_text() -> None:
    memory = Memory(TOKENIZER)
    memory.update("store.py", STORE.replace("\n", "\r\n"))
    match = memory.matcher("main.py", BEFORE.replace("\n", "\r\n"), AFTER.replace("\n", "\r\n"))
    assert drafted(match) == "get_or_create_collection(name='books')"
    assert match.source() == ("store.py", 3)


def test_the_folders_files_come_before_the_others() -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("app/store.py", STORE), ("lib/store.py", STORE.replace("books", "films"))])
    assert memory.matcher("app/main.py", BEFORE, AFTER).source() == ("app/store.py", 3)
    assert memory.matcher("lib/main.py", BEFORE, AFTER).source() == ("lib/store.py", 3)


def test_relearning_replaces_the_file() -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE), *((f"{n}.py", filler(n, 1000)) for n in range(12))])
    tokens = memory.tokens
    memory.learn([("store.py", STORE.replace("books", "films"))])
    assert drafted(memory.matcher("main.py", BEFORE, AFTER)).endswith("(name='films')")
    assert memory.tokens == tokens
    assert tokens > SLICE


def test_reconciling_tells_what_to_read_and_drops_what_is_gone() -> None:
    memory = Memory(TOKENIZER)
    stamps = {"old.py": (1, 10), "store.py": (2, 20), "new.py": (3, 30)}
    assert memory.reconcile(stamps) == ["new.py", "store.py", "old.py"]
    memory.learn([("old.py", "x = 1\n"), ("store.py", STORE)], stamps)
    assert memory.reconcile(stamps) == ["new.py"]
    assert memory.reconcile({"old.py": (9, 10), "store.py": (2, 20)}) == ["old.py"]
    assert memory.reconcile({"old.py": (1, 10)}) == []
    assert not drafted(memory.matcher("main.py", BEFORE, AFTER)).startswith("get_or_create")


def test_keeps_what_was_modified_last() -> None:
    memory = Memory(TOKENIZER, limit=20_000)
    files = [(f"{n}.py", filler(n)) for n in range(30)]
    stamps = {path: (number, len(text)) for number, (path, text) in enumerate(files)}
    memory.learn(files, stamps)
    assert 10_000 < memory.tokens <= 20_000
    missing = memory.reconcile(stamps)
    assert missing == []
    for path, text in (files[0], files[-1]):
        line = text.split("\n")[100]
        found = memory.matcher("main.py", line[:-4], "").source()
        assert (found is not None and found[0] == path) == (path == "29.py")


def test_a_full_memory_asks_for_newer_files_alone() -> None:
    memory = Memory(TOKENIZER, limit=15_000)
    files = [(f"{n}.py", filler(n)) for n in range(4)]
    stamps = {path: (10 + number, 1) for number, (path, _) in enumerate(files)}
    memory.learn(files, stamps)
    assert memory.reconcile(stamps | {"older.py": (1, 1), "newer.py": (99, 1)}) == ["newer.py"]
    memory.learn([("older.py", STORE)], {"older.py": (1, 1)})
    assert memory.reconcile({"older.py": (1, 1)}) == ["older.py"]  # all else is gone: there is room again


def test_a_session_goes_on_where_another_ended(tmp_path: Path) -> None:
    first, second = Memory(TOKENIZER), Memory(TOKENIZER)
    stamps = {"store.py": (5, len(STORE)), "ü/b.py": (6, 7)}
    first.learn([("store.py", STORE), ("ü/b.py", "y = 2\n")], stamps)
    first.save(tmp_path / "kept")
    second.load(tmp_path / "kept")
    assert second.reconcile(stamps) == []
    assert second.tokens == first.tokens
    assert drafted(second.matcher("main.py", BEFORE, AFTER)) == drafted(first.matcher("main.py", BEFORE, AFTER))
    assert [file.name for file in (tmp_path / "kept").iterdir()] == [NAME]


def test_what_was_learned_in_this_session_is_newer_than_what_was_kept(tmp_path: Path) -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE)])
    memory.save(tmp_path)
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE.replace("books", "films"))])
    memory.load(tmp_path)
    assert drafted(memory.matcher("main.py", BEFORE, AFTER)).endswith("(name='films')")


@pytest.mark.parametrize("damage", ["missing", "empty", "noise", "cut", "flipped"])
def test_a_damaged_file_is_ignored(tmp_path: Path, damage: str) -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE * 50)])
    memory.save(tmp_path)
    file = tmp_path / NAME
    whole = file.read_bytes()
    middle = len(whole) // 2
    contents = {
        "empty": b"",
        "noise": b"nothing of ours",
        "cut": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
    }
    file.unlink() if damage == "missing" else file.write_bytes(contents[damage])
    memory = Memory(TOKENIZER)
    memory.load(tmp_path)
    assert memory.tokens == 0


def test_no_flipped_byte_raises(tmp_path: Path) -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE)])
    memory.save(tmp_path)
    whole = (tmp_path / NAME).read_bytes()
    for place in range(len(whole)):
        (tmp_path / NAME).write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        Memory(TOKENIZER).load(tmp_path)


def test_another_vocabularys_tokens_are_ignored(tmp_path: Path) -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE)])
    memory.save(tmp_path)
    other = Memory(Tokenizer.from_file(ROOT / "vocabularies" / "gpt2"))
    other.load(tmp_path)
    assert other.tokens == 0


def test_a_huge_document_is_looked_at_around_the_cursor() -> None:
    memory = Memory(TOKENIZER)
    line = "value = compute(1)\n"
    half = line * (LONGEST_OPEN // len(line))
    match = memory.matcher("main.py", half + STORE + BEFORE, AFTER + half)
    assert drafted(match) == "get_or_create_collection(name='books')"
    assert match.source() == ("main.py", half.count("\n") + 3)
    assert sum(len(document.text) for document in memory._documents.values()) <= LONGEST_OPEN


def test_reading_goes_on_while_files_are_learned() -> None:
    memory = Memory(TOKENIZER)
    memory.learn([("store.py", STORE)])
    files = [(f"{n % 40}.py", filler(n, 600)) for n in range(80)]
    failures: list[BaseException] = []

    def learn() -> None:
        try:
            memory.learn(files)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=learn)
    thread.start()
    reads = 0
    while thread.is_alive() or not reads:
        memory.update("open.py", files[reads % 80][1])
        assert drafted(memory.matcher("main.py", BEFORE, AFTER)) == "get_or_create_collection(name='books')"
        reads += 1
    thread.join()
    assert not failures
    last = files[-1][1].split("\n")[300]
    assert memory.matcher("main.py", last[:-4], "").source() == ("39.py", 301)


def test_an_empty_memory_and_an_empty_document_are_silent() -> None:
    match = Memory(TOKENIZER).matcher("main.py", "", "")
    assert (match.draft(9), match.source(), match.continuations().length) == ([], None, 0)
    match.advance(100)
    assert match.draft(9) == []


def test_what_it_was_taught_is_known_and_counts_least() -> None:
    memory = Memory(TOKENIZER)
    memory.teach(textbook_of(TOKENIZER, {"<cookbook>/a.py": "import library\n\nshelf = library.rows(limit=3)\n"}))
    before = "import library\n\nshelf = library."
    match = memory.matcher("b.py", before, "\n")
    assert (drafted(match), match.source()) == ("rows(limit=3)", ("<cookbook>/a.py", 3))
    memory.learn([("c.py", "import library\n\nshelf = library.books(9)\n")])
    match = memory.matcher("b.py", before, "\n")
    assert (drafted(match), match.source()) == ("books(9)", ("c.py", 3))
    likeliest = match.continuations()
    assert "books".startswith(TOKENIZER.decode([int(likeliest.ids[0])]))
    assert likeliest.shares[0] > 0.5
