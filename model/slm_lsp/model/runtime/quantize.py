"""Block-wise 8-bit weights, in the layout that ONNX Runtime's MatMulNBits and GatherBlockQuantized read.

Knows: arrays. Must not know: which weights a network has, files.

A matrix (N, K) becomes codes uint8 (N, K) and scales float32 (N, K/32): weight = (code - 128) * scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.config import QUANTIZATION_BLOCK

Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Array = NDArray[Any]

ZERO = 128
"""The code that stands for 0.0, the implicit zero point of both operators."""


def quantize(weight: Floats) -> tuple[Codes, Floats]:
    """Codes (N, K) and scales (N, K/32) of a float matrix (N, K), symmetric, rounded to nearest."""
    rows, columns = weight.shape
    blocks = weight.astype(np.float32, copy=False).reshape(rows, columns // QUANTIZATION_BLOCK, QUANTIZATION_BLOCK)
    scales = np.abs(blocks).max(axis=2) / 127
    safe = np.where(scales > 0, scales, 1)[:, :, None]
    codes = np.clip(np.rint(blocks / safe), -127, 127) + ZERO
    return codes.astype(np.uint8).reshape(rows, columns), scales.astype(np.float32)


def dequantize(codes: Codes, scales: Floats) -> Floats:
    """The float matrix (N, K) that codes (N, K) and scales (N, K/32) stand for."""
    rows, columns = codes.shape
    blocks = codes.reshape(rows, columns // QUANTIZATION_BLOCK, QUANTIZATION_BLOCK).astype(np.float32) - ZERO
    return (blocks * scales[:, :, None]).reshape(rows, columns).astype(np.float32, copy=False)


def quantize_state(state: dict[str, Floats]) -> dict[str, Array]:
    """Every matrix of a network's state as `NAME` (codes) and `NAME.scales`; vectors stay float32."""
    tensors: dict[str, Array] = {}
    for name, value in state.items():
        if value.ndim == 2:
            tensors[name], tensors[name + ".scales"] = quantize(value)
        else:
            tensors[name] = value.astype(np.float32, copy=False)
    return tensors


def dequantize_state(tensors: dict[str, Array]) -> dict[str, Floats]:
    """The float state that `quantize_state` came from, up to rounding."""
    return {
        name: dequantize(value, tensors[name + ".scales"]) if value.dtype == np.uint8 else value
        for name, value in tensors.items()
        if not name.endswith(".scales")
    }
