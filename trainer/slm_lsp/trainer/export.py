"""From trained weights to a checkpoint folder that the server can run.

Knows: how a network becomes int8 weights, a graph and a folder. Must not know: how it was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slm_lsp.model.network import TinyGPT
from slm_lsp.model.network.weights import numpy_state
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint
from slm_lsp.model.runtime.graph import build_graph
from slm_lsp.model.runtime.quantize import quantize_state
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.card import base_card


def export(
    model: TinyGPT, folder: Path, *, name: str, tokenizer: Tokenizer, prompt: str,
    metrics: Mapping[str, Any], gate: Mapping[str, Any], card: str,
) -> Checkpoint:  # fmt: skip
    """Quantize `model` and write it with everything else a checkpoint holds, atomically, to `folder`."""
    return write_checkpoint(
        folder, name=name, config=model.config, prompt=prompt, tensors=quantize_state(numpy_state(model.state_dict())),
        graph=build_graph(model.config), tokenizer=tokenizer, metrics=metrics, gate=gate, card=card,
    )  # fmt: skip


def rewrite_base(checkpoint: Checkpoint, *, gate: Mapping[str, Any], metrics: Mapping[str, Any]) -> Checkpoint:
    """Write a base checkpoint again, atomically, with another gate, other metrics and the card that they give."""
    return write_checkpoint(
        checkpoint.folder, name=checkpoint.name, config=checkpoint.config, prompt=checkpoint.prompt,
        tensors=checkpoint.tensors(), graph=checkpoint.graph(), tokenizer=checkpoint.tokenizer(), metrics=metrics,
        gate=gate, card=base_card(checkpoint.config, metrics),
    )  # fmt: skip
