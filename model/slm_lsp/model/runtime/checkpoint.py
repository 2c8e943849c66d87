"""A checkpoint: the folder that is a model.

Knows: which files make a model, their format version and hashes, how to write them so that nobody ever sees half
of one. Must not know: what the weights mean, ONNX, prompts.

    config.json        format version, name, shape, prompt format, sha256 of the other files
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
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import CheckpointDamaged, CheckpointFormat, CheckpointMissing, ConfigError
from slm_lsp.model.runtime.quantize import Array
from slm_lsp.model.runtime.tokenizer import Tokenizer

FORMAT = 1
"""Version of the folder's layout; raised when an older slm-lsp could misread a newer checkpoint."""

PROMPTS = ("prefix", "fim")
"""How a model is asked: the prefix alone, or suffix-prefix-middle."""

CONFIG, TOKENIZER, WEIGHTS, GRAPH = "config.json", "tokenizer.json", "model.safetensors", "graph.onnx"
REPLACING = 0.05
"""Seconds after which a checkpoint that was being replaced is whole again."""
METRICS, GATE, CARD = "metrics.json", "gate.json", "README.md"


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
        try:
            return cls._read(Path(folder))
        except (CheckpointMissing, CheckpointDamaged):
            time.sleep(REPLACING)  # it may be just being replaced
            return cls._read(Path(folder))

    @classmethod
    def _read(cls, folder: Path) -> Checkpoint:
        config = _read_config(folder)
        files = {name: _read_verified(folder, name, digest) for name, digest in config["files"].items()}
        missing = {TOKENIZER, WEIGHTS, GRAPH, METRICS, GATE} - set(files)
        if missing:
            raise CheckpointDamaged(f"{folder}: {CONFIG} does not list {', '.join(sorted(missing))}")
        try:
            shape = ModelConfig.from_dict(config["model"])
            metrics, gate = json.loads(files[METRICS]), json.loads(files[GATE])
        except (ConfigError, TypeError, ValueError) as error:
            raise CheckpointDamaged(f"{folder}: {error}") from error
        if not isinstance(metrics, dict) or not _is_gate(gate):
            raise CheckpointDamaged(f"{folder}: {METRICS} or {GATE} does not hold what it should")
        return cls(folder, str(config["name"]), shape, str(config["prompt"]), metrics, gate, files)

    def tensors(self) -> dict[str, Array]:
        """The int8 weights: codes uint8 (N, K), scales float32 (N, K/32), vectors float32."""
        try:
            return load_tensors(self._files[WEIGHTS])
        except (SafetensorError, ValueError) as error:
            raise CheckpointDamaged(f"{self.folder / WEIGHTS}: {error}") from error

    def graph(self) -> bytes:
        """The serialized ONNX graph, without weights."""
        return self._files[GRAPH]

    def tokenizer(self) -> Tokenizer:
        """The vocabulary the model was trained with."""
        try:
            return Tokenizer.from_bytes(self._files[TOKENIZER])
        except CheckpointDamaged as error:
            raise CheckpointDamaged(f"{self.folder / TOKENIZER}: {error}") from error


def write_checkpoint(
    folder: Path, *, name: str, config: ModelConfig, prompt: str, tensors: Mapping[str, Array], graph: bytes,
    tokenizer: Tokenizer, metrics: Mapping[str, Any], gate: Mapping[str, Any], card: str,
) -> Checkpoint:  # fmt: skip
    """Write a whole checkpoint beside `folder`, then put it in its place; `Checkpoint.open` sees the old or the new."""
    files = {
        TOKENIZER: tokenizer.to_bytes(),
        WEIGHTS: save_tensors(dict(tensors)),
        GRAPH: graph,
        METRICS: _json(metrics),
        GATE: _json(gate),
        CARD: card.encode(),
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    header = {"format": FORMAT, "name": name, "model": config.to_dict(), "prompt": prompt, "files": hashes}
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        draft.chmod(0o755)
        for file, data in {**files, CONFIG: _json(header)}.items():
            _write_synced(draft / file, data)
        replace_folder(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Checkpoint.open(folder)


def replace_folder(draft: Path, folder: Path) -> None:
    """Rename `draft` to `folder`; what was there before is moved aside first and deleted last."""
    if folder.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
        folder.rename(aside / folder.name)
        try:
            draft.rename(folder)
        except OSError:
            (aside / folder.name).rename(folder)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    else:
        draft.rename(folder)


def _is_gate(gate: object) -> bool:
    if not isinstance(gate, dict):
        return False
    lists = [gate.get(name, []) for name in ("mixture", "calibration")]
    if not all(isinstance(numbers, list) for numbers in lists) or len(lists[1]) not in (0, 2):
        return False
    thresholds = [gate.get(name, 0.0) for name in ("min_confidence", "quiet")]
    return all(_is_finite(number) for number in (*thresholds, *lists[0], *lists[1]))


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointMissing(f"{folder}: no model here ({CONFIG} is missing)") from error
    except (OSError, ValueError) as error:
        raise CheckpointDamaged(f"{folder / CONFIG}: {error}") from error
    if not isinstance(config, dict) or "format" not in config:
        raise CheckpointDamaged(f"{folder / CONFIG}: not a model's configuration")
    if config["format"] != FORMAT:
        raise CheckpointFormat(
            f"{folder}: format {config['format']!r}, but this version reads format {FORMAT}; train the model again"
        )
    if not {"name", "model", "prompt", "files"} <= set(config) or not isinstance(config["files"], dict):
        raise CheckpointDamaged(f"{folder / CONFIG}: incomplete")
    if config["prompt"] not in PROMPTS:
        raise CheckpointDamaged(f"{folder / CONFIG}: prompt must be one of {PROMPTS}, not {config['prompt']!r}")
    return config


def _read_verified(folder: Path, name: str, digest: str) -> bytes:
    """The bytes of one file; a name that leaves the folder, or bytes of another hash, are damage."""
    if Path(name).name != name:
        raise CheckpointDamaged(f"{folder / CONFIG}: {name!r} is not a file of the folder")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise CheckpointDamaged(f"{folder / name}: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise CheckpointDamaged(f"{folder / name}: altered or truncated (its sha256 is not the recorded one)")
    return data
