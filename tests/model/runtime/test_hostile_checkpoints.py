"""Hostile checkpoints: whatever is wrong with one, a named error says so; nothing hangs, nothing large is allotted."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from doubles import TINY
from hostile import FILES, JSON_FILES, NEWEST, Victim, unprivileged, write_another
from slm_lsp.data import base_checkpoint
from slm_lsp.model.errors import CheckpointDamaged, CheckpointError, CheckpointFormat
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.runtime import checkpoint as room
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")
LARGE = 32 << 20
"""More bytes than opening the golden checkpoint could need by far."""
SECONDS = 60
"""After which a test that hangs fails."""


@pytest.fixture(autouse=True)
def nothing_hangs_or_grows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it hangs")

    monkeypatch.setattr(room, "REPLACING", 0.0)  # nobody replaces anything here
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < LARGE
    finally:
        tracemalloc.stop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    return Victim(tmp_path / "model")


def said(victim: Victim) -> str:
    """What the named error says when the model is opened and loaded."""
    with pytest.raises(CheckpointError) as caught:
        Engine.load(Checkpoint.open(victim.folder))
    assert str(victim.folder) in str(caught.value)
    return str(caught.value)


def test_truncated_at_every_4_kb_and_the_small_ones_at_every_byte(victim: Victim) -> None:
    for name, data in victim.whole.items():
        lengths = {*range(0, len(data), 4096), len(data) - 1}
        if name in JSON_FILES:
            lengths |= set(range(min(200, len(data))))
        for length in lengths:
            victim.put(name, data[:length])
            if name == "config.json" and data[:length].strip() == data.strip():
                continue  # only the last newline is gone
            text = said(victim)
            assert name in text and ("train the model again" in text)
        victim.mend()
    assert victim.is_the_same()


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_named_or_changes_nothing(victim: Victim, name: str) -> None:
    draw, data, named = random.Random(name), victim.whole[name], 0
    for _ in range(300):
        flipped = bytearray(data)
        flipped[draw.randrange(len(data))] ^= draw.randrange(1, 256)
        victim.put(name, flipped)
        try:
            assert victim.is_the_same()
        except CheckpointError as error:
            assert str(victim.folder) in str(error)
            named += 1
    # Spaces and newlines between the values of config.json are nobody's loss.
    assert named == 300 if name != "config.json" else named > 200


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_checkpoint_is_named(victim: Victim, tmp_path: Path, name: str) -> None:
    other = write_another(tmp_path / "other")
    data = (other.folder / name).read_bytes()
    if data == victim.whole[name]:
        assert name == "tokenizer.json"
        return
    victim.put(name, data)
    assert "sha256" in said(victim)


def test_a_config_that_was_altered_is_named_though_the_files_are_whole(victim: Victim) -> None:
    for field, value in [("vocab_size", 512), ("layers", 1), ("heads", 1), ("context", 512), ("rope_base", 5000.0)]:
        victim.config(lambda config, f=field, v=value: config["model"].update({f: v}), sealed=False)  # type: ignore[misc]
        assert "config.json: altered" in said(victim)
    victim.config(lambda config: config.update(prompt="fim"), sealed=False)
    assert "config.json: altered" in said(victim)
    victim.config(lambda config: config.update(format=1), sealed=False)
    assert "config.json: altered" in said(victim)
    victim.config(lambda config: config.pop("sha256"), sealed=False)
    assert "config.json: altered" in said(victim)


@pytest.mark.parametrize("origin", [TINY, NEWEST], ids=["format 1", "format 2"])
@pytest.mark.parametrize(
    ("field", "value"),
    [("vocab_size", 512), ("layers", 1), ("layers", 3), ("width", 64), ("hidden", 64), ("heads", 1), ("context", 512)],
)
def test_a_shape_that_the_weights_or_the_graph_do_not_have_is_named(
    tmp_path: Path, origin: Path, field: str, value: int
) -> None:
    victim = Victim(tmp_path / "model", origin)
    victim.config(lambda config: config["model"].update({field: value}))
    assert "does not fit config.json" in said(victim) or "does not load" in said(victim)


@pytest.mark.parametrize("origin", [TINY, NEWEST], ids=["format 1", "format 2"])
@pytest.mark.parametrize(
    "model",
    [
        {"layers": 10**9}, {"vocab_size": 10**9}, {"context": 10**9}, {"width": 32 * 10**9, "heads": 1},
        {"hidden": 32 * 10**12}, {"layers": 10**4000}, {"layers": -1}, {"layers": 1.5}, {"layers": "two"},
        {"layers": None}, {"layers": [2]}, {"heads": 0}, {"heads": 3}, {"width": 33}, {"rope_base": float("nan")},
        {"rope_base": "x"}, {"norm_eps": -1}, {"norm_eps": 10**400}, {"depth": 2}, {"fim": {}, "context": {}},
    ],
    ids=str,
)  # fmt: skip
def test_absurd_numbers_are_named_and_allot_nothing(tmp_path: Path, origin: Path, model: dict[str, Any]) -> None:
    victim = Victim(tmp_path / "model", origin)
    victim.config(lambda config: config["model"].update(model))
    assert "config.json" in said(victim)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"3", b'"x"', b"[]", b"{}", b"[" * 200_000, b'{"format":' * 50_000, b"\xff\xfe\x00", b"\0" * 500,
        b'{"format": 2}', b'{"format": 1}', b'{"format": 1, "name": 1, "model": [], "prompt": {}, "files": []}',
        b'{"format": 1, "name": "x", "model": {}, "prompt": "fim", "files": {}}', b"9" * 100_000,
    ],
    ids=lambda content: repr(content[:20]),
)  # fmt: skip
def test_a_config_of_nonsense_is_named(victim: Victim, content: bytes) -> None:
    victim.put("config.json", content)
    assert "config.json" in said(victim)


@pytest.mark.parametrize("version", [0, 3, 10**30, "2", None, [], {"a": 1}, 2.5])
def test_another_format_is_named(victim: Victim, version: object) -> None:
    victim.config(lambda config: config.update(format=version))
    with pytest.raises(CheckpointFormat, match=r"formats 1, 2; train .* or update slm-lsp"):
        Checkpoint.open(victim.folder)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "", "a\0b", "\udc80", "x" * 5000, "absent"])
def test_a_listed_name_that_is_no_file_of_the_folder_is_named(victim: Victim, name: str) -> None:
    victim.config(lambda config: config["files"].update({name: "0" * 64}))
    assert said(victim)


def header(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The weight file with a header that was changed."""
    data = (NEWEST / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    values = json.loads(data[8 : 8 + length])
    change(values)
    text = json.dumps(values).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


NORM = "norm.weight"
HEADERS: dict[str, bytes] = {
    "nothing": b"",
    "seven bytes": b"\0" * 7,
    "no header": struct.pack("<Q", 0),
    "larger than the file": struct.pack("<Q", 1 << 62) + b"{}",
    "all that 8 bytes can say": b"\xff" * 8 + b"{}",
    "a brace short": struct.pack("<Q", 1) + b"{",
    "deep": struct.pack("<Q", 100_000) + b"[" * 100_000,
    "5 MB of spaces": struct.pack("<Q", 5 << 20) + b" " * (5 << 20),
    "a list": struct.pack("<Q", 2) + b"[]",
    "another type": header(lambda values: values[NORM].update(dtype="F16")),
    "a type of nobody": header(lambda values: values[NORM].update(dtype="F1024")),
    "a negative shape": header(lambda values: values[NORM].update(shape=[-32])),
    "a shape of strings": header(lambda values: values[NORM].update(shape="32")),
    "a shape with a huge number": header(lambda values: values[NORM].update(shape=[10**30])),
    "offsets beyond the end": header(lambda values: values[NORM].update(data_offsets=[10**9, 10**9 + 128])),
    "offsets backwards": header(lambda values: values[NORM].update(data_offsets=[128, 0])),
    "no offsets": header(lambda values: values[NORM].pop("data_offsets")),
    "a tensor that is none": header(lambda values: values.update({NORM: 3})),
    "a tensor short": header(lambda values: values.pop(NORM)),
}


@pytest.mark.parametrize("what", HEADERS)
def test_weights_with_a_hostile_header_are_named_though_their_hash_is_right(victim: Victim, what: str) -> None:
    victim.forge("model.safetensors", HEADERS[what])
    assert "model.safetensors" in said(victim)


@pytest.mark.parametrize(
    "change",
    [
        {NORM: np.zeros(64, np.float32)}, {NORM: np.zeros(32, np.float64)}, {NORM: np.zeros((32, 1), np.float32)},
        {"embedding.weight": np.zeros((480, 32), np.int8)}, {"embedding.weight": np.zeros((32, 480), np.uint8)},
        {"embedding.weight.scales": np.zeros((480, 2), np.float32)}, {"extra": np.zeros(1, np.float32)},
        {"blocks.2.attention.qkv.weight": np.zeros((96, 32), np.uint8)},
    ],
    ids=lambda change: f"{next(iter(change))} {next(iter(change.values())).dtype}",
)  # fmt: skip
def test_wrong_shapes_and_types_are_named(victim: Victim, change: dict[str, Any]) -> None:
    victim.forge("model.safetensors", save({**victim.checkpoint.tensors(), **change}))
    text = said(victim)
    assert "does not fit config.json" in text and next(iter(change)) in text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gate.json", b"[]"), ("gate.json", b'{"mixture": 3}'), ("gate.json", b'{"quiet": 1e999}'),
        ("gate.json", b'{"calibration": [1]}'), ("gate.json", b'{"min_confidence": %s}' % (b"9" * 400)),
        ("gate.json", b"[" * 100_000), ("metrics.json", b"3"), ("metrics.json", b"\xff"), ("graph.onnx", b""),
        ("metrics.json", b"{" * 100_000), ("graph.onnx", b"\x08\x0a\x12"),
        ("graph.onnx", random.Random(0).randbytes(5000)),
    ],
    ids=lambda value: repr(value[:20]),
)  # fmt: skip
def test_files_of_nonsense_are_named_though_their_hashes_are_right(victim: Victim, name: str, data: bytes) -> None:
    victim.forge(name, data)
    assert said(victim)


@pytest.mark.parametrize("data", [b"{}", b"", b"[" * 1000, b'{"model": {"type": "BPE"}}'], ids=repr)
def test_a_vocabulary_of_nonsense_is_named(victim: Victim, data: bytes) -> None:
    victim.forge("tokenizer.json", data)
    with pytest.raises(CheckpointDamaged, match=r"tokenizer\.json"):
        Checkpoint.open(victim.folder).tokenizer()


def test_a_vocabulary_of_another_size_is_named(victim: Victim) -> None:
    victim.forge("tokenizer.json", (base_checkpoint() / "tokenizer.json").read_bytes())
    with pytest.raises(CheckpointDamaged, match=r"has \d+ tokens, the model 480"):
        Checkpoint.open(victim.folder).tokenizer()


@pytest.mark.parametrize(
    "path", ["/nowhere/a\0b", "/nowhere/\udcff\ud800", "/nowhere/" + "x" * 5000, "", "/", "/dev/null"]
)
def test_a_path_that_no_system_takes_is_named(path: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint.open(path)


@posix
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_named(victim: Victim, tmp_path: Path, name: str) -> None:
    path = victim.folder / name
    path.unlink()
    os.mkfifo(path)
    assert "not a file" in said(victim)
    path.unlink()
    path.mkdir()
    assert "not a file" in said(victim) or "directory" in said(victim)
    path.rmdir()
    path.symlink_to("/dev/zero")
    assert "not a file" in said(victim) or "leads out" in said(victim)


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_terabyte_is_not_read(victim: Victim, name: str) -> None:
    os.truncate(victim.folder / name, 1 << 40)
    assert "larger than" in said(victim)


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_link_out_of_the_folder_is_named(victim: Victim, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(victim.whole[name])
    (victim.folder / name).unlink()
    for target in (outside, Path("../outside"), tmp_path / "nowhere", Path(name)):
        (victim.folder / name).symlink_to(target)
        assert said(victim)
        (victim.folder / name).unlink()


@posix
def test_a_folder_that_an_installer_linked_is_sound(victim: Victim, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(victim.folder)
    assert Checkpoint.open(tmp_path / "link").config == victim.checkpoint.config
    farm = tmp_path / "farm"
    farm.mkdir()
    for name in FILES:
        (farm / name).symlink_to(victim.folder / name)
    assert Checkpoint.open(farm).config == victim.checkpoint.config


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_may_not_be_read_is_named(name: str) -> None:
    with unprivileged() as root:
        victim = Victim(root / "model")
        (victim.folder / name).chmod(0)
        text = said(victim)
    assert name in text and "Permission denied; make it readable" in text


@posix
def test_folders_that_may_not_be_read_are_named() -> None:
    with unprivileged() as root:
        library = ModelLibrary(root / "home")
        victim = Victim(library.root / "models" / "mine")
        victim.folder.chmod(0)
        assert "Permission denied" in said(victim)
        assert "Permission denied" in str(library.models()[0].damaged)
        victim.folder.parent.chmod(0)
        with pytest.raises(CheckpointError, match="models: Permission denied; see that you may read there"):
            library.models()
        with pytest.raises(CheckpointError, match="Permission denied"):
            library.find("mine")
        victim.folder.parent.chmod(0o755)
        victim.folder.chmod(0o755)
