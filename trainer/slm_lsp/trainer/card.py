"""The model card: what a checkpoint is, in words, from its config and metrics.

Knows: wording. Must not know: how anything was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slm_lsp.model.config import ModelConfig

BASE = """# The base model of slm-lsp {version}

A decoder-only transformer (RMSNorm, RoPE, SwiGLU, tied embeddings) that completes Python code of ChromaDB projects.
{parameters:,} parameters, {embedding:,} of them the embedding; {layers} layers, width {width}, {heads} heads,
context {context} tokens, vocabulary {vocab_size:,}; int8 weights in blocks of 32.

- **Data**: the packages of split `train` in `corpus/packages.tsv` (name, version, licence, sha256), permissively
  licensed, and the Python standard library. ChromaDB code is oversampled: {chroma:.0%} of the rows, {chroma_decay:.0%}
  at the end. No text of the splits `tune`, `test` and `adapt`.
- **Training**: {tokens:,} tokens in {minutes} minutes on {device}; Muon {muon_lr} and AdamW {adam_lr}, warmup, stable,
  decay over the last {decay:.0%}; part of the samples fill-in-the-middle.
- **Figures** (split `tune`): {tune}
- **Limits**: it is tiny. It knows idiom, not your code; it invents names; it writes a line, not a function. Train it
  on your repository (`slm-lsp train PATH`) to make it yours.
"""


def base_card(config: ModelConfig, metrics: Mapping[str, Any], version: str = "0.1.0") -> str:
    """The base model's card in Markdown, from the metrics that pretraining wrote."""
    tune = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in metrics["tune"].items())
    return BASE.format(
        version=version, parameters=config.parameters, embedding=config.embedding_parameters, **{
            **config.to_dict(), **metrics["recipe"], **metrics["mix"],
            "tokens": metrics["tokens"], "minutes": metrics["minutes"], "device": metrics["device"], "tune": tune,
        },
    )  # fmt: skip
