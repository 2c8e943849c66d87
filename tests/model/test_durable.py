"""Files that outlive accidents: a full disk, no permission, two writers, a writer killed at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from doubles import GOLDEN, tiny_checkpoint
from slm_lsp.model import durable
from slm_lsp.model.durable import locked, read_regular, remove, replacing, replacing_folder, restore, sweep, write_file
from slm_lsp.model.errors import Unwritable
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint

HERE = Path(__file__).parent
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rewrite(folder: Path, name: str = "again") -> Checkpoint:
    old = Checkpoint.open(GOLDEN / "format2")
    return write_checkpoint(
        folder, name=name, config=old.config, prompt="prefix", tensors=old.tensors(), graph=old.graph(),
        tokenizer=old.tokenizer(), metrics={}, gate={}, card="# card\n",
    )  # fmt: skip


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_file(path, b"one")
    with pytest.raises(ZeroDivisionError), replacing(path) as draft:
        draft.write_bytes(b"half of t")
        raise ZeroDivisionError
    assert path.read_bytes() == b"one"
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["file"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for text in ("one", "two"):
        with replacing_folder(folder) as draft:
            (draft / "file").write_text(text)
    with pytest.raises(ZeroDivisionError), replacing_folder(folder) as draft:
        (draft / "file").write_text("half")
        raise ZeroDivisionError
    assert (folder / "file").read_text() == "two"
    remove(folder)
    assert names(tmp_path) == []


@posix
def test_a_link_in_the_place_of_a_folder_is_replaced_and_removed_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    for act in (remove, rewrite):
        (tmp_path / "model").symlink_to(tmp_path / "elsewhere")
        act(tmp_path / "model")
        assert names(tmp_path / "elsewhere") == ["precious"]
    assert Checkpoint.open(tmp_path / "model").name == "again"


def test_leftovers_of_the_dead_go_and_of_others_stay(tmp_path: Path) -> None:
    for name in (".model.0123abcd.draft", ".mod.0123abcd.draft", ".model.x.0123abcd.draft", ".model.notes"):
        (tmp_path / name).mkdir()
    rewrite(tmp_path / "model")
    assert names(tmp_path) == [".mod.0123abcd.draft", ".model.notes", ".model.x.0123abcd.draft", "model"]
    tiny_checkpoint(tmp_path / ".other.0123abcd.old")
    (tmp_path / ".model.89abcdef.old").mkdir()
    sweep(tmp_path)
    assert names(tmp_path) == [".model.notes", "model", "other"]
    assert Checkpoint.open(tmp_path / "model").name == "again"


def test_what_was_moved_aside_comes_back(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / ".model.0123abcd.old")
    restore(tmp_path, "mod")
    assert names(tmp_path) == [".model.0123abcd.old"]
    assert Checkpoint.open(tmp_path / "model").name == "tiny"
    assert names(tmp_path) == ["model"]
    library = ModelLibrary(tmp_path / "home")
    tiny_checkpoint(library.root / "models" / ".mine.0123abcd.old")
    assert library.find("mine").name == "mine"


@posix
def test_the_draft_of_a_writer_that_lives_is_left_alone(tmp_path: Path) -> None:
    draft = tmp_path / ".model.0123abcd.draft"
    draft.mkdir()
    with locked(tmp_path) as alone:
        assert alone
        with locked(tmp_path, 0.0) as second:
            assert second is False
        (tmp_path / ".other.0123abcd.old").mkdir()
        restore(tmp_path)
        assert names(tmp_path) == [".model.0123abcd.draft", ".other.0123abcd.old"]
    with locked(tmp_path / "absent", 0.0) as none:
        assert none is None


def test_where_there_are_no_locks_only_forgotten_drafts_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "fcntl", None)
    (tmp_path / ".model.0123abcd.draft").mkdir()
    rewrite(tmp_path / "model")
    assert names(tmp_path) == [".model.0123abcd.draft", "model"]
    monkeypatch.setattr(durable, "FORGOTTEN", 0.0)
    sweep(tmp_path)
    assert names(tmp_path) == ["model"]


# --- a full disk ------------------------------------------------------------------------------------------------


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """While inside, the system lets no file grow beyond a size, as a disk that is full then."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@posix
def test_a_disk_that_is_full_while_a_model_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "model")
    largest = max(path.stat().st_size for path in folder.iterdir())
    for size in range(0, largest, 4096):
        with files_of_at_most(size), pytest.raises(Unwritable, match=r"model could not be written: .*; what was there"):
            rewrite(folder)
        assert Checkpoint.open(folder).name == "tiny"
        assert names(tmp_path) == ["model"]
    with files_of_at_most(largest):
        assert rewrite(folder).name == "again"


@posix
def test_a_disk_that_is_full_while_a_choice_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "home")
    tiny_checkpoint(library.folder_for(tmp_path, "adapt"))
    name = library.models()[0].name
    library.use(tmp_path, name)
    with files_of_at_most(10), pytest.raises(Unwritable):
        library.use(tmp_path, None)
    assert library.in_use(tmp_path) == name
    assert len(names(library.root / "workspaces")) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 128 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_real_disk_that_is_full_says_so(small_disk: Path) -> None:
    folder = rewrite(small_disk / "model", "first").folder
    with pytest.raises(Unwritable, match="No space left on device; free some space and try again"):
        rewrite(folder, "second")
    assert Checkpoint.open(folder).name == "first"
    assert names(small_disk) == ["model"]


# --- other accidents --------------------------------------------------------------------------------------------


def test_something_else_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for write in (lambda path: write_file(path, b""), rewrite):
        with pytest.raises(Unwritable, match="could not be written"):
            write(tmp_path / "file" / "model")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(Unwritable):
        write_file(tmp_path / "folder", b"")
    assert names(tmp_path) == ["file", "folder"]


@posix
def test_reading_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a file"):
        read_regular(tmp_path / "pipe", 10)
    (tmp_path / "file").write_bytes(b"eleven byte")
    with pytest.raises(OSError, match="larger than 10 bytes"):
        read_regular(tmp_path / "file", 10)
    assert read_regular(tmp_path / "file", 11) == b"eleven byte"


@pytest.mark.parametrize("locks", [True, False])
def test_of_two_writers_of_one_name_one_wins_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr(durable, "fcntl", None)
    folder, refused = tmp_path / "models" / "one", list[Exception]()

    def write(name: str) -> None:
        for _ in range(12):
            try:
                rewrite(folder, name)
            except Unwritable as error:
                refused.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("this", "that")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if folder.exists():
            assert Checkpoint.open(folder).name in ("this", "that")
        time.sleep(0.01)
    assert Checkpoint.open(folder).name in ("this", "that")
    assert names(folder.parent) == ["one"]
    assert not (locks and refused)


@posix
@pytest.mark.parametrize("act", ["replace", "write", "use", "remove"])
def test_killed_at_any_moment_it_leaves_the_old_or_the_new(tmp_path: Path, act: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(HERE / "killed.py"), act, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    moments, old, new = map(int, done.stdout.split())
    assert moments >= 8
    assert new > 0
    assert old > 0
