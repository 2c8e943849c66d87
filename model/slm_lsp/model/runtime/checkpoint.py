"""A checkpoint: the folder that is a model.

Knows: which files make a model, and how to write them so that nobody ever sees half of one. Must not know: what the
weights mean, ONNX, prompts.

    config.json        format version, name, shape, prompt format, sha256 of the other files and of all this itself
    tokenizer.json     the vocabulary
    model.safetensors  int8 weights and scales: the one weight file
    graph.onnx         the network without weights
    metrics.json       figures measured when it was made     gate.json   when a suggestion is worth showing
    README.md          model card
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.durable import replacing_folder, restore
from slm_lsp.model.errors import CheckpointDamaged, CheckpointMissing
from slm_lsp.model.runtime.quantize import Array
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.model.runtime.verification import (
    CARD,
    FORMAT,
    GATE,
    GRAPH,
    METRICS,
    TOKENIZER,
    WEIGHTS,
    damaged,
    parsed,
    read_config,
    read_verified,
    seal,
    shape_of,
    weights_fault,
)
from slm_lsp.model.runtime.verification import CONFIG as CONFIG
from slm_lsp.model.runtime.verification import PROMPTS as PROMPTS

REPLACING = 0.05
"""Seconds after which a checkpoint that was being replaced is whole again."""
ATTEMPTS = 20
"""Times that a checkpoint is read anew because it was replaced by another one meanwhile."""


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint folder; the large files are read when asked for, from the bytes that were verified."""

    folder: Path
    """Where it lies."""
    name: str
    """What people call it."""
    config: ModelConfig
    """Its shape."""
    prompt: str
    """How it is asked: one of PROMPTS."""
    metrics: dict[str, Any]
    """Figures measured when it was made."""
    gate: dict[str, Any]
    """Parameters of the show/hide filter."""
    _files: dict[str, bytes] = field(repr=False, compare=False)

    @classmethod
    def open(cls, folder: str | Path) -> Checkpoint:
        """Read and verify a folder; raises CheckpointMissing, CheckpointFormat or CheckpointDamaged."""
        folder = Path(folder)
        for attempt in range(ATTEMPTS):
            found = _identity(folder)
            try:
                return cls._read(folder)
            except (CheckpointMissing, CheckpointDamaged):
                if attempt and _identity(folder) == found:
                    raise
                time.sleep(REPLACING)  # it may be just being replaced
                restore(folder.parent, folder.name)
        return cls._read(folder)

    @classmethod
    def _read(cls, folder: Path) -> Checkpoint:
        config = read_config(folder)
        shape = shape_of(folder, config["model"])
        files = {name: read_verified(folder, name, digest, shape) for name, digest in config["files"].items()}
        missing = {TOKENIZER, WEIGHTS, GRAPH, METRICS, GATE} - set(files)
        if missing:
            raise damaged(folder / CONFIG, f"does not list {', '.join(sorted(missing))}")
        if fault := weights_fault(files[WEIGHTS], shape):
            raise damaged(folder / WEIGHTS, fault)
        metrics, gate = parsed(folder / METRICS, files[METRICS]), parsed(folder / GATE, files[GATE])
        if not isinstance(metrics, dict) or not _is_gate(gate):
            raise damaged(folder, f"{METRICS} or {GATE} does not hold what it should")
        return cls(folder, config["name"], shape, config["prompt"], metrics, gate, files)

    def tensors(self) -> dict[str, Array]:
        """The int8 weights: codes uint8 (N, K), scales float32 (N, K/32), vectors float32."""
        try:
            return load_tensors(self._files[WEIGHTS])
        except (SafetensorError, ValueError, KeyError, TypeError, ArithmeticError, MemoryError) as error:
            raise damaged(self.folder / WEIGHTS, str(error)) from error

    def graph(self) -> bytes:
        """The serialized ONNX graph, without weights."""
        return self._files[GRAPH]

    def tokenizer(self) -> Tokenizer:
        """The vocabulary the model was trained with."""
        try:
            tokenizer = Tokenizer.from_bytes(self._files[TOKENIZER])
        except CheckpointDamaged as error:
            raise damaged(self.folder / TOKENIZER, str(error)) from error
        if tokenizer.vocab_size != self.config.vocab_size:
            raise damaged(
                self.folder / TOKENIZER, f"has {tokenizer.vocab_size} tokens, the model {self.config.vocab_size}"
            )
        return tokenizer


def write_checkpoint(
    folder: Path, *, name: str, config: ModelConfig, prompt: str, tensors: Mapping[str, Array], graph: bytes,
    tokenizer: Tokenizer, metrics: Mapping[str, Any], gate: Mapping[str, Any], card: str,
) -> Checkpoint:  # fmt: skip
    """Write a whole checkpoint beside `folder`, then put it in its place; `Checkpoint.open` sees the old or the new.

    Raises Unwritable, and CheckpointDamaged where what it was given makes no model; the old one then stays.
    """
    files = {
        TOKENIZER: tokenizer.to_bytes(),
        WEIGHTS: save_tensors(dict(tensors)),
        GRAPH: graph,
        METRICS: _json(metrics),
        GATE: _json(gate),
        CARD: card.encode("utf-8", "replace"),
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    header = {"format": FORMAT, "name": name, "model": config.to_dict(), "prompt": prompt, "files": hashes}
    files[CONFIG] = _json({**header, "sha256": seal(header)})
    with replacing_folder(folder) as draft:
        for file, data in files.items():
            (draft / file).write_bytes(data)
        written = Checkpoint._read(draft)
    return replace(written, folder=folder)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Tells one folder of a name from the next."""
    try:
        status = folder.stat()
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_ctime_ns


def _is_gate(gate: object) -> bool:
    if not isinstance(gate, dict):
        return False
    lists = [gate.get(name, []) for name in ("mixture", "calibration")]
    if not all(isinstance(numbers, list) for numbers in lists) or len(lists[1]) not in (0, 2):
        return False
    thresholds = [gate.get(name, 0.0) for name in ("min_confidence", "quiet")]
    return all(_is_finite(number) for number in (*thresholds, *lists[0], *lists[1]))


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
