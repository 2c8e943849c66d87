"""A network's weights on disk, in float: `.pt` files, and checkpoint folders dequantized or written.

Knows: torch files and the checkpoint folder. Must not know: the forward pass, training.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import CheckpointDamaged, CheckpointFormat, CheckpointMissing, ConfigError
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.quantize import Floats, dequantize_state

PT_FORMAT = 1
"""Version of the `.pt` layout: {"format", "config", "state"}."""

State = Mapping[str, Tensor]


def write_pt(path: Path, config: ModelConfig, state: State) -> None:
    """Write config and float32 weights to `path` atomically."""
    content = {
        "format": PT_FORMAT,
        "config": config.to_dict(),
        "state": {name: value.detach().float().cpu().clone() for name, value in state.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save(content, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_weights(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Config and float32 state of a `.pt` file or a checkpoint folder.

    A `.pt` file is read with `weights_only`: it can hold tensors and plain values, never code.
    Raises CheckpointMissing, CheckpointFormat or CheckpointDamaged.
    """
    if path.is_dir():
        checkpoint = Checkpoint.open(path)
        state = dequantize_state(checkpoint.tensors())
        return checkpoint.config, {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    if not path.exists():
        raise CheckpointMissing(f"{path}: no such file or folder")
    content = _read_pt(path)
    if content.get("format") != PT_FORMAT:
        raise CheckpointFormat(f"{path}: format {content.get('format')!r}, but this version reads {PT_FORMAT}")
    try:
        return ModelConfig.from_dict(content["config"]), dict(content["state"])
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise CheckpointDamaged(f"{path}: {error}") from error


def _read_pt(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointDamaged(f"{path}: holds something other than weights, which is never loaded") from error
    except Exception as error:  # torch reports damaged archives by many unrelated types
        raise CheckpointDamaged(f"{path}: not a readable .pt file: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointDamaged(f"{path}: not a TinyGPT file")
    return content


def numpy_state(state: State) -> dict[str, Floats]:
    """A state as float32 arrays, for quantization and the float engine."""
    return {name: value.detach().float().cpu().numpy() for name, value in state.items()}
