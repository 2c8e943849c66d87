"""The one reader of workspaces' files: each changed file is read once, for all who want it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from slm_lsp.model.repository import read_text
from slm_lsp.server.reader import SECONDS_BETWEEN_LOOKS, Reader, Stamp, Stamps


class Pupil:
    """Wants what has changed, and keeps it."""

    def __init__(self, *, only: str = "") -> None:
        self.only = only
        self.known: dict[str, Stamp] = {}
        self.heard: list[str] = []
        self.texts: dict[str, str] = {}
        self.ended = 0
        self.waits_for: threading.Event | None = None

    def begin(self) -> None:
        self.heard.append("begin")
        if self.waits_for:
            self.waits_for.wait(60)

    def wanted(self, stamps: Stamps) -> list[str]:
        self.known = {name: stamp for name, stamp in self.known.items() if name in stamps}
        return [name for name, stamp in stamps.items() if self.known.get(name) != stamp and self.only in name]

    def learn(self, texts: Sequence[tuple[str, str]], stamps: Stamps) -> None:
        self.heard += [name for name, _ in texts]
        self.texts |= dict(texts)
        self.known |= {name: stamps[name] for name, _ in texts}

    def end(self, learned: bool) -> None:
        self.ended += 1
        if learned:
            self.heard.append("end")

    def what_was_heard(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "binary.py").write_bytes(b"\0")
    return tmp_path


class Counting:
    """Reads files and keeps their names, also of those that cannot be read."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, file: Path, root: Path) -> str:
        self.names.append(file.name)
        return read_text(file, root)


def look(reader: Reader, root: Path | None) -> None:
    reader.look(root)
    reader.wait()


def test_each_file_is_read_once_for_all(root: Path) -> None:
    read = Counting()
    reader, one, other = Reader(read=read), Pupil(), Pupil(only="b")
    reader.follow(root, one)
    reader.follow(root, other)
    look(reader, root)
    assert one.texts == {"a.py": "# a.py\n", "b.py": "# b.py\n"}
    assert other.texts == {"b.py": "# b.py\n"}
    assert one.what_was_heard() == ["begin", "a.py", "b.py", "end"]
    assert sorted(read.names) == ["a.py", "b.py", "binary.py"]


def test_only_what_changed_is_read_again_and_only_after_a_while(root: Path, clock: Clock) -> None:
    read = Counting()
    reader, one, other = Reader(clock=clock, read=read), Pupil(), Pupil()
    reader.follow(root, one)
    reader.follow(root, other)
    look(reader, root)
    one.what_was_heard()
    (root / "a.py").write_text("# new\n")
    os.utime(root / "a.py", ns=(10**18, 10**18))
    look(reader, root)
    assert one.what_was_heard() == []
    clock.now += SECONDS_BETWEEN_LOOKS
    look(reader, root)
    assert one.what_was_heard() == ["begin", "a.py", "end"]
    assert other.texts["a.py"] == "# new\n"
    assert sorted(read.names) == ["a.py", "a.py", "b.py", "binary.py"]
    clock.now += SECONDS_BETWEEN_LOOKS
    (root / "binary.py").write_text("# text by now\n")
    look(reader, root)
    assert one.what_was_heard() == ["begin", "binary.py", "end"]


def test_who_comes_later_is_served_at_once(root: Path, clock: Clock) -> None:
    reader, one, late = Reader(clock=clock), Pupil(), Pupil()
    reader.follow(root, one)
    one.waits_for = threading.Event()
    reader.look(root)
    reader.follow(root, late)
    reader.look(root)  # which does nothing: the first look goes on
    one.waits_for.set()
    reader.wait()
    assert late.what_was_heard() == []
    look(reader, root)
    assert late.what_was_heard() == ["begin", "a.py", "b.py", "end"]
    assert one.what_was_heard() == ["begin", "a.py", "b.py", "end", "begin"]


def test_many_files_come_in_batches(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slm_lsp.server.reader.BATCH", 8)
    batches: list[int] = []

    class Batched(Pupil):
        def learn(self, texts: Sequence[tuple[str, str]], stamps: Stamps) -> None:
            super().learn(texts, stamps)
            batches.append(len(texts))

    for number in range(5):
        (root / f"more{number}.py").write_text("x=1\n")
    reader, pupil = Reader(), Batched()
    reader.follow(root, pupil)
    look(reader, root)
    assert batches == [2, 2, 2, 1]
    assert len(pupil.texts) == 7


def test_without_a_root_nothing_is_read(clock: Clock) -> None:
    reader, one = Reader(clock=clock), Pupil()
    reader.follow(None, one)
    look(reader, None)
    assert (one.what_was_heard(), one.ended) == (["begin"], 1)


def test_nobody_is_told_that_files_are_gone_when_a_look_is_broken_off(root: Path, clock: Clock) -> None:
    reader, one = Reader(clock=clock), Pupil()
    reader.follow(root, one)
    one.waits_for = threading.Event()
    reader.look(root)
    reader.stop()
    one.waits_for.set()
    reader.wait()
    clock.now += SECONDS_BETWEEN_LOOKS
    look(reader, root)
    assert one.what_was_heard() == ["begin"]


def test_what_cannot_be_known_is_left_out_with_its_reason_and_costs_nobody_anything(root: Path, clock: Clock) -> None:
    (root / "huge.py").write_text("x = 1\n" * 200_000)
    (root / "odd.py").write_text("# coding: undefined\nx = 1\n")
    read = Counting()
    reader, one = Reader(clock=clock, read=read), Pupil()
    reader.follow(root, one)
    look(reader, root)
    assert sorted(one.texts) == ["a.py", "b.py"]
    left_out = reader.left_out(root)
    assert (left_out["binary.py"], left_out["huge.py"]) == ("binary", "larger than 1 MB")
    assert "encoding" in left_out["odd.py"]
    assert "huge.py" not in read.names
    clock.now += SECONDS_BETWEEN_LOOKS
    (root / "huge.py").unlink()
    look(reader, root)
    assert set(reader.left_out(root)) == {"binary.py", "odd.py"}
    assert read.names.count("odd.py") == 1


@pytest.mark.parametrize("where", ["begin", "wanted", "learn", "end"])
def test_one_who_fails_costs_the_others_nothing(root: Path, clock: Clock, where: str) -> None:
    class Failing(Pupil):
        pass

    def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    failing, one = Failing(), Pupil()
    setattr(failing, where, fail)
    reader = Reader(clock=clock)
    reader.follow(root, failing)
    reader.follow(root, one)
    for _ in range(2):
        look(reader, root)
        clock.now += SECONDS_BETWEEN_LOOKS
    assert sorted(one.texts) == ["a.py", "b.py"]
    assert one.ended == 2
    assert reader.left_out(root)[""] == "RuntimeError: out of order"


def test_trouble_that_is_over_is_not_told(root: Path, clock: Clock) -> None:
    class Hasty(Pupil):
        def wanted(self, stamps: Stamps) -> list[str]:
            if not self.ended:
                raise RuntimeError("not yet")
            return super().wanted(stamps)

    reader, one = Reader(clock=clock), Hasty()
    reader.follow(root, one)
    look(reader, root)
    assert reader.left_out(root)[""] == "RuntimeError: not yet"
    clock.now += SECONDS_BETWEEN_LOOKS
    look(reader, root)
    assert "" not in reader.left_out(root)
