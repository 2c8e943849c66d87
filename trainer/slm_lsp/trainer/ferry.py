"""A trained network carried from one machine to another, in parts that small doors let through.

Knows: bytes of a `.pt` file, how to cut and join them. Must not know: what carries them.

A folder holds weights.pt.0, weights.pt.1 ... (half precision: int8 is coarser) and metrics.json, which says how many.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT

MOST = 15_000_000
"""Bytes of a part."""
METRICS = "metrics.json"
"""Name of the file that goes with the parts."""


def write_parts(model: TinyGPT, metrics: Mapping[str, Any], folder: Path, most: int = MOST) -> None:
    """Write a network in half precision, and what was measured while it was trained."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().half() for name, tensor in model.state_dict().items()}
    whole = io.BytesIO()
    torch.save({"config": model.config.to_dict(), "state": state}, whole)
    content = whole.getvalue()
    parts = [content[start : start + most] for start in range(0, len(content), most)]
    for number, part in enumerate(parts):
        (folder / f"weights.pt.{number}").write_bytes(part)
    (folder / METRICS).write_text(json.dumps({**metrics, "parts": len(parts), "bytes": len(content)}), "utf-8")


def read_parts(folder: Path) -> tuple[TinyGPT, dict[str, Any]]:
    """The network, in eval mode, and its metrics. Raises TrainingError where anything is missing or damaged."""
    try:
        metrics: dict[str, Any] = json.loads((folder / METRICS).read_text("utf-8"))
        count, size = int(metrics.pop("parts")), int(metrics.pop("bytes"))
        content = b"".join((folder / f"weights.pt.{number}").read_bytes() for number in range(count))
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{folder} does not hold all parts of a network: {error}") from error
    if len(content) != size:
        raise TrainingError(f"{folder} holds {len(content):,} of the {size:,} bytes of a network")
    try:
        whole = torch.load(io.BytesIO(content), weights_only=True)
        model = TinyGPT(ModelConfig.from_dict(whole["config"]))
        model.load_state_dict(whole["state"])
    except Exception as error:  # torch reports damaged archives by many unrelated types
        raise TrainingError(f"{folder} does not hold a network: {error}") from error
    return model.eval(), metrics
