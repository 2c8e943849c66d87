"""The tensors that a ModelConfig's network has, in float and in 8 bits: names, types, shapes, bytes.

Knows: the names of the network's weights, what is too large to be a tiny model. Must not know: files, torch, ONNX.
"""

from __future__ import annotations

from collections.abc import Mapping

from slm_lsp.model.config import QUANTIZATION_BLOCK, ModelConfig

Shape = tuple[int, ...]
Layout = dict[str, tuple[str, Shape]]
"""Name -> type as safetensors spells it, and shape."""

MOST_PARAMETERS = 500_000_000
"""No model of ours has as many by far; a config that says so is damaged, and must not be allotted memory."""
MOST_LAYERS = 1_000
MOST_CONTEXT = 65_536
MOST_CACHE = 512 << 20
"""Bytes of the KV cache."""


def excess(config: ModelConfig) -> str:
    """What is too large about a shape, in words; "" where nothing is."""
    cache = 2 * config.layers * config.context * config.width * 4
    for what, value, most in (
        ("layers", config.layers, MOST_LAYERS),
        ("tokens of context", config.context, MOST_CONTEXT),
        ("parameters", config.parameters, MOST_PARAMETERS),
        ("bytes of cache", cache, MOST_CACHE),
    ):
        if value > most:
            return f"it says that the model has {value:,} {what}; {most:,} are the most"
    return ""


def float_layout(config: ModelConfig) -> dict[str, Shape]:
    """Name -> shape of every weight of the network; the config must have no `excess`."""
    width, hidden = config.width, config.hidden
    shapes: dict[str, Shape] = {"embedding.weight": (config.vocab_size, width), "norm.weight": (width,)}
    for layer in range(config.layers):
        block = f"blocks.{layer}."
        shapes |= {
            block + "attention_norm.weight": (width,),
            block + "attention.qkv.weight": (3 * width, width),
            block + "attention.out.weight": (width, width),
            block + "feed_forward_norm.weight": (width,),
            block + "feed_forward.gate_up.weight": (2 * hidden, width),
            block + "feed_forward.down.weight": (width, hidden),
        }
    return shapes


def int8_layout(config: ModelConfig) -> Layout:
    """The tensors of a checkpoint: matrices (N, K) as codes and scales (N, K/32), vectors in float."""
    layout: Layout = {}
    for name, shape in float_layout(config).items():
        if len(shape) == 2:
            layout[name] = ("U8", shape)
            layout[name + ".scales"] = ("F32", (shape[0], shape[1] // QUANTIZATION_BLOCK))
        else:
            layout[name] = ("F32", shape)
    return layout


def int8_bytes(config: ModelConfig) -> int:
    """Bytes of a checkpoint's tensors."""
    vectors = (2 * config.layers + 1) * config.width
    matrices = config.parameters - vectors
    return matrices + 4 * (matrices // QUANTIZATION_BLOCK + vectors)


def differences(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """What does not agree, the first of it in words; "" where all does."""
    for name in wanted:
        if name not in found:
            return f"{name} is missing"
        if found[name] != wanted[name]:
            return f"{name} is {_words(found[name])}, but the config wants {_words(wanted[name])}"
    for name in found:
        if name not in wanted:
            return f"{name!r} belongs to no weight of the config"
    return ""


def _words(tensor: object) -> str:
    if isinstance(tensor, tuple) and len(tensor) == 2 and isinstance(tensor[0], str):
        return f"{tensor[0]} {tensor[1]}"
    return str(tensor)
