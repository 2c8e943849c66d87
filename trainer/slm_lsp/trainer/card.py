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
  licensed, and the Python standard library. ChromaDB code (files that use it, small projects built around it) is
  oversampled: {chroma:.0%} of the rows, {chroma_decay:.0%} at the end. No text of the splits `tune`, `test`, `adapt`.
- **Training**: {tokens:,} tokens in {minutes} minutes on {device}{processes}; warmup, stable, decay over the last
  {decay:.0%}; {rates}{share}; at most {holes:.0%} of the text fill-in-the-middle.
- **Figures**: below; those that users are promised, on the split `test`, are in the README.
- **Limits**: it is tiny. It knows idiom, not your code; it invents names; it writes a line, not a function. Train it
  on your repository (`slm-lsp train PATH`) to make it yours.

Bits per byte on files of the split `tune`: {chroma_bits_per_byte} for those that use ChromaDB, {general_bits_per_byte}
for others.
"""

TUNE = """
Split `tune`, {points} cursors in files never read (EM: rest of the line exactly right; ES: edit similarity):

| what is known | EM | ES | shown | right of shown |
| --- | --- | --- | --- | --- |
"""
KNOWN = {"alone": "the model alone", "file": "with the open file", "workspace": "with the workspace"}
"""What the completer knew -> in words."""

TEST = """
Split `test`, int8 weights as they are served: {bits[chroma]:.3f} bits per byte on files that use ChromaDB,
{bits[general]:.3f} on others. Known by heart (the next 20 tokens written exactly after 64 that were shown):

| files | using ChromaDB | others |
| --- | --- | --- |
| trained on | {trained[chroma]:.1%} | {trained[general]:.1%} |
| never read (split `test`) | {held_out[chroma]:.1%} | {held_out[general]:.1%} |
"""


def base_card(config: ModelConfig, metrics: Mapping[str, Any], version: str = "0.1.0") -> str:
    """The base model's card in Markdown, from its metrics; tables of what was not measured yet are left out."""
    tune = metrics["tune"]
    card = BASE.format(
        version=version, parameters=config.parameters, embedding=config.embedding_parameters, **{
            **config.to_dict(), **metrics["recipe"], **metrics["mix"], **tune,
            "rates": _rates(metrics), "decay": (metrics.get("recipes") or [(0, metrics["recipe"])])[0][1]["decay"],
            "tokens": metrics["tokens"], "minutes": metrics["minutes"], "device": metrics["device"],
            "processes": _team(metrics.get("processes", 1)),
            "share": _share(metrics.get("share", 1.0)),
            "holes": max(metrics["corpus"]["recipe"]["share"], metrics["mix"].get("holes_decay", 0.0)),
        },
    )  # fmt: skip
    if "alone_em" in tune:
        card += TUNE.format(points=tune["points"])
        for name, words in KNOWN.items():
            em, es, shown, precision = (tune[f"{name}_{part}"] for part in ("em", "es", "show_rate", "precision"))
            card += f"| {words} | {em:.3f} | {es:.3f} | {shown:.1%} | {precision:.1%} |\n"
    if test := metrics.get("test"):
        card += TEST.format(bits=test["bits_per_byte"], **test["by_heart"])
    return card


def _team(processes: int) -> str:
    """How many processes ended the run, where it was more than one; earlier sessions may have had fewer."""
    return f" (the last of them in {processes} processes)" if processes > 1 else ""


def _share(share: float) -> str:
    """What of the weights is the last run's, where that began with a finished model (blend.py)."""
    return f";\n  of what it ended with {share:.0%}, of what it began with the rest" if share < 1 else ""


def _rates(metrics: Mapping[str, Any]) -> str:
    """The peak rates, in the order in which a run had them; where one began with a finished model, how they fell."""
    words = []
    recipes = metrics.get("recipes") or [(0, metrics["recipe"])]
    for tokens, recipe in recipes:
        since = f"from {tokens / 1e6:.1f}M tokens on " if tokens else ""
        falling = f" falling over {recipe['decay']:.0%} of them" if recipe["decay"] != recipes[0][1]["decay"] else ""
        words.append(f"{since}Muon {recipe['muon_lr']} and AdamW {recipe['adam_lr']}{falling}")
    return ",\n  ".join(words)
