"""Checkpoint folders: what is written is read, what is damaged is named, nobody sees half of one."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from doubles import TINY, tiny_checkpoint
from slm_lsp.model.errors import CheckpointDamaged, CheckpointError, CheckpointFormat, CheckpointMissing
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint
from slm_lsp.model.runtime.engine import Engine


def rewrite(folder: Path) -> Checkpoint:
    old = Checkpoint.open(TINY)
    return write_checkpoint(
        folder, name="again", config=old.config, prompt="prefix", tensors=old.tensors(), graph=old.graph(),
        tokenizer=old.tokenizer(), metrics={"loss": 1.5}, gate={}, card="# card\n",
    )  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = rewrite(tmp_path / "models" / "again")
    read = Checkpoint.open(written.folder)
    assert (read.name, read.config, read.metrics, read.prompt) == ("again", written.config, {"loss": 1.5}, "prefix")
    assert Engine.load(read).append([3, 4, 5]).shape == (3, read.config.vocab_size)


def test_replacing_leaves_nothing_else_behind(tmp_path: Path) -> None:
    rewrite(tmp_path / "model")
    rewrite(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["model.safetensors", "graph.onnx", "tokenizer.json", "metrics.json", "gate.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    folder = tiny_checkpoint(tmp_path / "model")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(CheckpointDamaged, match=name):
        Checkpoint.open(folder)
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointDamaged, match=name):
        Checkpoint.open(folder)
    (folder / name).unlink()
    with pytest.raises(CheckpointDamaged, match=name):
        Checkpoint.open(folder)


def edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_other_formats_and_hostile_configs_are_named(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "model")
    edit(folder, format=0)
    with pytest.raises(CheckpointFormat, match="train the model again"):
        Checkpoint.open(folder)
    edit(folder, format=1, prompt="telepathy")
    with pytest.raises(CheckpointDamaged, match="telepathy"):
        Checkpoint.open(folder)
    edit(folder, prompt="prefix", files={"../../secret": "0"})
    with pytest.raises(CheckpointDamaged, match="not a file of the folder"):
        Checkpoint.open(folder)
    edit(folder, files={})
    with pytest.raises(CheckpointDamaged, match="does not list"):
        Checkpoint.open(folder)
    for content in ("", "[]", "{", '{"format": 1}', "\0\0"):
        (folder / "config.json").write_text(content)
        with pytest.raises(CheckpointError):
            Checkpoint.open(folder)


def test_a_missing_one_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(CheckpointMissing):
            Checkpoint.open(path)


def test_what_makes_no_model_is_not_written(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "model")
    old = Checkpoint.open(folder)
    tensors = old.tensors()
    del tensors["norm.weight"]
    with pytest.raises(CheckpointDamaged, match=r"norm\.weight is missing"):
        write_checkpoint(
            folder, name="x", config=old.config, prompt="prefix", tensors=tensors, graph=old.graph(),
            tokenizer=old.tokenizer(), metrics={}, gate={}, card="",
        )  # fmt: skip
    assert Checkpoint.open(folder).name == "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_workspace_with_a_name_that_is_not_utf8_is_kept(tmp_path: Path) -> None:
    old, name = Checkpoint.open(TINY), os.fsdecode(b"caf\xe9")
    written = write_checkpoint(
        tmp_path / "model", name=name, config=old.config, prompt="prefix", tensors=old.tensors(), graph=old.graph(),
        tokenizer=old.tokenizer(), metrics={"workspace": name}, gate={}, card=name,
    )  # fmt: skip
    read = Checkpoint.open(written.folder)
    assert (read.name, read.metrics) == (name, {"workspace": name})


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_folder_is_readable_by_others(tmp_path: Path) -> None:
    assert rewrite(tmp_path / "model").folder.stat().st_mode & 0o777 == 0o755


def test_a_reader_sees_a_whole_checkpoint_while_it_is_replaced(tmp_path: Path) -> None:
    rewrite(tmp_path / "model")
    done = threading.Event()

    def write() -> None:
        for _ in range(20):
            rewrite(tmp_path / "model")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    opened = 0
    try:
        while not done.is_set():
            assert Checkpoint.open(tmp_path / "model").name == "again"
            opened += 1
            time.sleep(0.02)
    finally:
        writer.join()
    assert opened > 0
