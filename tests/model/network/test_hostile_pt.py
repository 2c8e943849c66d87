"""Hostile `.pt` files: a named error for each, nothing is run, nothing hangs, nothing large is allotted."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from doubles import GOLDEN
from slm_lsp.model.errors import CheckpointDamaged, CheckpointError, CheckpointFormat, CheckpointMissing
from slm_lsp.model.network import TinyGPT

WHOLE = (GOLDEN / "format1.pt").read_bytes()
STATE = TinyGPT.load(GOLDEN / "format1.pt").state_dict()
NORM = "norm.weight"


def said(path: Path, data: bytes | None = None) -> str:
    """What the named error says when the file is loaded."""
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        TinyGPT.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_truncated_at_every_4_kb(tmp_path: Path) -> None:
    for length in (*range(0, len(WHOLE), 4096), *range(1, 200, 7), len(WHOLE) - 1):
        assert "train the model again" in said(tmp_path / "model.pt", WHOLE[:length])


def test_a_flipped_byte_is_named_or_changes_nothing(tmp_path: Path) -> None:
    draw, path, named = random.Random(0), tmp_path / "model.pt", 0
    for _ in range(300):
        flipped = bytearray(WHOLE)
        flipped[draw.randrange(len(WHOLE))] ^= draw.randrange(1, 256)
        path.write_bytes(flipped)
        try:
            state = TinyGPT.load(path).state_dict()
        except CheckpointError as error:
            assert str(path) in str(error)
            named += 1
        else:
            assert all(torch.equal(state[name], tensor) for name, tensor in STATE.items())
    assert named > 250


def archive(change: Callable[[str, bytes], bytes], *, packed: bool = False) -> bytes:
    """The golden file with members changed, each with a right checksum."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(WHOLE)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name.partition("/")[2], old.read(name)))
    return out.getvalue()


def with_pickle(data: bytes) -> bytes:
    return archive(lambda name, old: data if name == "data.pkl" else old)


def test_the_golden_file_can_be_packed_anew(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(archive(lambda name, old: old))
    assert torch.equal(TinyGPT.load(path).state_dict()[NORM], STATE[NORM])


class Call:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_never_run(tmp_path: Path, protocol: int) -> None:
    path, owned = tmp_path / "model.pt", tmp_path / "owned"
    for evil in (
        Call(os.mkdir, str(owned)),
        {"config": Call(eval, "1")},
        Call(bytearray, 1 << 40),
    ):
        data = pickle.dumps(evil, protocol)
        assert "never loaded" in said(path, with_pickle(data))
        said(path, data)
        torch.save(evil, path)
        assert "never loaded" in said(path)
    assert not owned.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"", b".", b"N.", b"K\x01.", b"]" * 1000, b"(" * 100_000 + b".", b"\x8c\xffabc", b"cos\nsystem\n.",
        b"\x80\x05\x95",
        b"}r\xff\xff\xff\xff.", b"\x96" + struct.pack("<Q", 1 << 40), b"\x8a\xff" + b"\xff" * 255 + b".",
        b"\x80\x02}q\x00(X\x06\x00\x00\x00formatq\x01K\x01u.",
    ],
    ids=lambda data: repr(data[:16]),
)  # fmt: skip
def test_a_pickle_of_nonsense_is_named(tmp_path: Path, data: bytes) -> None:
    said(tmp_path / "model.pt", with_pickle(data))


def test_an_archive_that_unpacks_to_more_than_it_holds_is_not_unpacked(tmp_path: Path) -> None:
    def blow_up(name: str, old: bytes) -> bytes:
        return bytes(200 << 20) if name == "data/0" else old

    data = archive(blow_up, packed=True)
    assert len(data) < 1 << 20
    assert "packed" in said(tmp_path / "model.pt", data)


def test_a_tensor_that_claims_more_than_its_member_holds_is_named(tmp_path: Path) -> None:
    def lie(name: str, old: bytes) -> bytes:
        if name != "data.pkl":
            return old
        assert old.count(b"M\x00<") == 1  # 15,360 numbers of the embedding
        return old.replace(b"M\x00<", b"J" + struct.pack("<i", 1 << 30))

    assert "not a readable .pt file" in said(tmp_path / "model.pt", archive(lie))


def content() -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(io.BytesIO(WHOLE), weights_only=True)
    return loaded


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("config", None), ("config", []), ("config", {}), ("config", {"layers": 2}), ("state", None), ("state", {}),
        ("state", [1]), ("state", {NORM: 3}), ("state", OrderedDict()),
    ],
    ids=str,
)  # fmt: skip
def test_a_part_of_nonsense_is_named(tmp_path: Path, what: str, value: object) -> None:
    torch.save({**content(), what: value}, tmp_path / "model.pt")
    said(tmp_path / "model.pt")


@pytest.mark.parametrize(
    "change",
    [
        {"layers": 10**9}, {"vocab_size": 10**9}, {"width": 32 * 10**9, "heads": 1}, {"context": 10**9},
        {"layers": 1}, {"layers": 3}, {"vocab_size": 481}, {"hidden": 128}, {"depth": 1}, {"layers": "2"},
    ],
    ids=str,
)  # fmt: skip
def test_a_config_that_the_weights_do_not_have_is_named_and_allots_nothing(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    old = content()
    torch.save({**old, "config": {**old["config"], **change}}, tmp_path / "model.pt")
    said(tmp_path / "model.pt")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(33), torch.zeros(32, 1), torch.zeros(32, dtype=torch.float64), torch.zeros(32, dtype=torch.int64),
        torch.zeros(1).expand(32), torch.zeros(32).to_sparse(),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)} {tensor.layout}",
)  # fmt: skip
def test_wrong_shapes_and_types_are_named(tmp_path: Path, tensor: torch.Tensor) -> None:
    torch.save({**content(), "state": {**STATE, NORM: tensor}}, tmp_path / "model.pt")
    said(tmp_path / "model.pt")


def test_a_huge_tensor_over_one_number_is_named(tmp_path: Path) -> None:
    old = content()
    huge = torch.zeros(1).expand(10**6, 32)
    old["config"]["vocab_size"] = 10**6
    torch.save({**old, "state": {**STATE, "embedding.weight": huge}}, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 1 << 20
    assert "embedding.weight is no float32 tensor" in said(tmp_path / "model.pt")


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_another_format_is_named(tmp_path: Path, version: object) -> None:
    torch.save({**content(), "format": version}, tmp_path / "model.pt")
    with pytest.raises(CheckpointFormat, match=r"reads format 1; train .* or update slm-lsp"):
        TinyGPT.load(tmp_path / "model.pt")


@pytest.mark.skipif(os.name != "posix", reason="POSIX files")
def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in said(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    said(tmp_path / "loop")
    with pytest.raises(CheckpointMissing):
        TinyGPT.load(tmp_path / "absent")
    with pytest.raises(CheckpointDamaged):
        TinyGPT.load("/dev/zero")
    with (tmp_path / "large.pt").open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than" in said(tmp_path / "large.pt")
