"""A network's weights on disk, in float: `.pt` files, and checkpoint folders dequantized or written.

Knows: torch files and the checkpoint folder. Must not know: the forward pass, training.

A `.pt` file is a zip archive of a pickle and one member for each tensor. torch does not look at the members' checksums,
and unpickles more than weights need; so the archive is looked through before torch sees it.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from torch import Tensor

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.durable import read_regular, replacing
from slm_lsp.model.errors import CheckpointFormat, CheckpointMissing, ConfigError
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.layout import MOST_PARAMETERS, differences, excess, float_layout
from slm_lsp.model.runtime.quantize import Floats, dequantize_state
from slm_lsp.model.runtime.verification import damaged

PT_FORMAT = 1
"""Version of the `.pt` layout: {"format", "config", "state"}."""

MOST_PICKLE = 4 << 20
"""Bytes of the pickle in a `.pt` file, which holds no weights."""
NAMES = {"torch FloatStorage", "torch._utils _rebuild_tensor_v2", "collections OrderedDict"}
"""What the pickle of float weights names."""

State = Mapping[str, Tensor]


def write_pt(path: Path, config: ModelConfig, state: State) -> None:
    """Write config and float32 weights to `path` atomically. Raises Unwritable."""
    content = {
        "format": PT_FORMAT,
        "config": config.to_dict(),
        "state": {name: value.detach().float().cpu().clone() for name, value in state.items()},
    }
    write_torch(path, content)


def write_torch(path: Path, content: object) -> None:
    """Write what torch can save to `path` atomically. Raises Unwritable, where torch would raise a RuntimeError."""
    with replacing(path) as draft, draft.open("wb") as file:
        sink = _Sink(file)
        try:
            torch.save(content, cast("BinaryIO", sink))
        except RuntimeError as error:
            if sink.error is None:
                raise
            raise sink.error from error


class _Sink:
    """A file that remembers why it could not be written to: torch does not pass that on."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """As a file's."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """As a file's."""
        self._file.flush()


def read_weights(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Config and float32 state of a `.pt` file or a checkpoint folder; they fit each other.

    A `.pt` file can hold tensors and plain values, never code.
    Raises CheckpointMissing, CheckpointFormat or CheckpointDamaged.
    """
    if path.is_dir():
        checkpoint = Checkpoint.open(path)
        state = dequantize_state(checkpoint.tensors())
        return checkpoint.config, {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    content = _read_pt(path)
    if content.get("format") != PT_FORMAT:
        raise CheckpointFormat(
            f"{path}: format {repr(content.get('format'))[:40]}, but this version of slm-lsp reads format {PT_FORMAT};"
            " train the model again, or update slm-lsp if the model is newer"
        )
    try:
        config, weights = ModelConfig.from_dict(content["config"]), dict(content["state"])
    except (ConfigError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise damaged(path, str(error)[:400]) from error
    if what := excess(config):
        raise damaged(path, what)
    if fault := differences({name: _shape(value) for name, value in weights.items()}, float_layout(config)):
        raise damaged(path, f"the weights do not fit the config: {fault}")
    return config, weights


def _read_pt(path: Path) -> dict[str, Any]:
    try:
        data = read_regular(path, 4 * MOST_PARAMETERS + MOST_PICKLE)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointMissing(f"{path}: no such file or folder") from error
    except (OSError, ValueError) as error:
        raise damaged(path, getattr(error, "strerror", None) or str(error)) from error
    try:
        fault = _archive_fault(data)
        content = None if fault else torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # zipfile and torch report damaged archives by many unrelated types
        raise damaged(path, f"not a readable .pt file ({str(error)[:200]})") from error
    if fault:
        raise damaged(path, fault)
    if not isinstance(content, dict):
        raise damaged(path, "not a TinyGPT file")
    return content


def _archive_fault(data: bytes) -> str:
    """What is wrong with the bytes of a `.pt` file before anything in it is looked at; "" where nothing is."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
        if packed or sum(member.file_size for member in members) > len(data):
            return "its members are packed, which torch never does"
        if broken := archive.testzip():
            return f"altered or truncated (the checksum of {broken} is not the recorded one)"
        pickles = [member for member in members if member.filename.endswith(".pkl")]
        if [member.filename.rpartition("/")[2] for member in pickles] != ["data.pkl"]:
            return "not a TinyGPT file"
        if pickles[0].file_size > MOST_PICKLE:
            return "its pickle is larger than one of weights"
        named = _named(archive.read(pickles[0]))
    return f"holds something other than weights ({min(named)[:80]}), which is never loaded" if named else ""


def _named(pickle: bytes) -> set[str]:
    """What a pickle names beside weights; nothing of it is run."""
    named: set[str] = set()
    for opcode, argument, _ in pickletools.genops(pickle):
        if opcode.name in ("GLOBAL", "INST"):
            named.add(str(argument))
        elif opcode.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            named.add(opcode.name)
    return named - NAMES


def _shape(value: object) -> object:
    if not isinstance(value, Tensor) or value.dtype != torch.float32 or not value.is_contiguous():
        return "no float32 tensor"  # one that is not contiguous may be said to be larger than what it holds
    return tuple(value.shape)


def numpy_state(state: State) -> dict[str, Floats]:
    """A state as float32 arrays, for quantization and the float engine."""
    return {name: value.detach().float().cpu().numpy() for name, value in state.items()}
