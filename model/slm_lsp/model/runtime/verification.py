"""Reading the files of a checkpoint so that damage costs no more than an error.

Knows: the format versions, hashes, how large a file can be. Must not know: what a checkpoint is used for, writing.

Hashes tell damage, not malice. Beyond them: nothing is read that is no file of the folder, or is larger than it can
be, and no memory is allotted on a config's word.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.durable import read_regular
from slm_lsp.model.errors import CheckpointDamaged, CheckpointFormat, CheckpointMissing, ConfigError
from slm_lsp.model.runtime.layout import differences, excess, int8_bytes, int8_layout

FORMAT = 2
"""Version of the folder's layout that is written; raised when an older slm-lsp could misread a newer checkpoint."""

FORMATS = (1, 2)
"""Versions that are read. Format 1 does not verify config.json itself."""

PROMPTS = ("prefix", "fim")
"""How a model is asked: the prefix alone, or suffix-prefix-middle."""

CONFIG, TOKENIZER, WEIGHTS, GRAPH = "config.json", "tokenizer.json", "model.safetensors", "graph.onnx"
METRICS, GATE, CARD = "metrics.json", "gate.json", "README.md"

MOST_BYTES = {CONFIG: 1 << 20, METRICS: 16 << 20, GATE: 1 << 20, CARD: 16 << 20}
"""Bytes that a file has at most."""
MOST_OTHER = 64 << 20
"""Bytes of the files that are not named in MOST_BYTES."""
MOST_HEADER = 4 << 20
"""Bytes of the header of the weight file."""
REMEDY = "train the model again, or reinstall slm-lsp if it came with it"
"""What to do about damage."""


def damaged(path: Path, what: str) -> CheckpointDamaged:
    """The error for a file or folder: what is wrong with it, and what to do."""
    return CheckpointDamaged(f"{path}: {what}; {REMEDY}")


def seal(config: Mapping[str, Any]) -> str:
    """The sha256 of a config.json's values, its own left out; how they are spelled and ordered does not matter."""
    values = {name: value for name, value in config.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parsed(path: Path, data: bytes) -> Any:
    """The value of a JSON file's bytes; raises CheckpointDamaged."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not JSON ({error})") from error


def read_config(folder: Path) -> dict[str, Any]:
    """The values of config.json, each of the right type and, from format 2 on, as they were written."""
    path = folder / CONFIG
    try:
        config = parsed(path, read_regular(path, MOST_BYTES[CONFIG]))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointMissing(f"{folder}: no model here ({CONFIG} is missing)") from error
    except (OSError, ValueError) as error:  # ValueError: a path that no system takes
        raise _unreadable(path, error) from error
    if not isinstance(config, dict) or "format" not in config:
        raise damaged(path, "not a model's configuration")
    if config["format"] not in FORMATS:
        raise CheckpointFormat(
            f"{folder}: format {repr(config['format'])[:40]}, but this version of slm-lsp reads the formats"
            f" {', '.join(map(str, FORMATS))}; train the model again, or update slm-lsp if the model is newer"
        )
    wanted = {"name": str, "model": dict, "prompt": str, "files": dict}
    wrong = [name for name, kind in wanted.items() if not isinstance(config.get(name), kind)]
    if wrong:
        raise damaged(path, f"incomplete: no proper {', '.join(wrong)}")
    if (config["format"] > 1 or "sha256" in config) and config.get("sha256") != seal(config):
        raise damaged(path, "altered (its own sha256 is not the recorded one)")
    if config["prompt"] not in PROMPTS:
        raise damaged(path, f"prompt must be one of {PROMPTS}, not {config['prompt'][:40]!r}")
    return config


def shape_of(folder: Path, model: dict[str, Any]) -> ModelConfig:
    """The shape that a config.json states, where it is legal and no larger than ours are; raises CheckpointDamaged."""
    try:
        shape = ModelConfig.from_dict(model)
    except (ConfigError, TypeError, ValueError, ArithmeticError) as error:
        raise damaged(folder / CONFIG, str(error)[:400]) from error
    if what := excess(shape):
        raise damaged(folder / CONFIG, what)
    return shape


def read_verified(folder: Path, name: str, digest: object, shape: ModelConfig) -> bytes:
    """The bytes of one file; a name or link that leaves the folder, or bytes of another hash, are damage."""
    path = folder / name
    if Path(name).name != name or "\0" in name:
        raise damaged(folder / CONFIG, f"{name[:40]!r} is not a file of the folder")
    most = int8_bytes(shape) + MOST_HEADER if name == WEIGHTS else MOST_BYTES.get(name, MOST_OTHER)
    try:
        # Installers may link a whole folder to another place, but then all of it lies in that one.
        if Path(os.path.realpath(path)).parent != Path(os.path.realpath(folder / CONFIG)).parent:
            raise damaged(path, "a link that leads out of the folder")
        data = read_regular(path, most)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise damaged(path, "altered or truncated (its sha256 is not the recorded one)")
    return data


def _unreadable(path: Path, error: Exception) -> CheckpointDamaged:
    what = getattr(error, "strerror", None) or str(error)
    if isinstance(error, PermissionError):
        return CheckpointDamaged(f"{path}: {what}; make it readable, or {REMEDY}")
    return damaged(path, what)


def weights_fault(data: bytes, shape: ModelConfig) -> str:
    """How the header of a weight file does not fit the shape; "" where it does. Reads no weights."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MOST_HEADER, len(data) - 8):
        return f"the header is said to have {length:,} bytes"
    try:
        header = dict(json.loads(data[8 : 8 + length]))
        header.pop("__metadata__", None)
        found = {name: (tensor["dtype"], tuple(tensor["shape"])) for name, tensor in header.items()}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return f"the header cannot be read ({error})"
    if fault := differences(found, int8_layout(shape)):
        return f"does not fit {CONFIG}: {fault}"
    if len(data) != 8 + length + int8_bytes(shape):
        return f"{len(data):,} bytes, not as many as its header says"
    return ""
