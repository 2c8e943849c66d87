"""The shape of a TinyGPT, as plain numbers.

Knows: which shapes are legal, and how many parameters they have. Must not know: torch, files, training.

Shape legend, used in every room: B batch, T time (tokens), C width, H heads, S head size, F hidden width of
the feed-forward layer, V vocabulary, L layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from slm_lsp.model.errors import ConfigError

QUANTIZATION_BLOCK = 32
"""Weights that share one scale in the int8 format; widths must be multiples of it."""


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a decoder-only transformer with RMSNorm, RoPE, SwiGLU, tied embeddings and no biases.

    Raises ConfigError naming every fault when the shape is not legal.
    """

    vocab_size: int
    """Tokens in the vocabulary (V)."""
    context: int
    """Most tokens the model sees at once, and the length of the KV cache."""
    layers: int
    """Transformer blocks (L)."""
    width: int
    """Width of the residual stream (C); a multiple of 32."""
    heads: int
    """Attention heads (H); width / heads is the head size (S), a multiple of 16."""
    hidden: int
    """Inner width of the SwiGLU feed-forward layer (F); a multiple of 32."""
    rope_base: float = 10_000.0
    """Base of the rotary frequencies (Su et al., 2021)."""
    norm_eps: float = 1e-5
    """Added to the mean square in RMSNorm."""
    fim: bool = True
    """Whether the vocabulary has fill-in-the-middle tokens; without them prompts are prefix-only."""

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise ConfigError("model config", faults)

    def _faults(self) -> list[str]:
        integers = ("vocab_size", "context", "layers", "width", "heads", "hidden")
        faults = [
            f"{name} must be a positive integer, not {getattr(self, name)!r}"
            for name in integers
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1
        ]
        if faults:
            return faults
        for name in ("width", "hidden"):
            if getattr(self, name) % QUANTIZATION_BLOCK:
                faults.append(f"{name} must be a multiple of {QUANTIZATION_BLOCK}, not {getattr(self, name)}")
        if self.width % self.heads:
            faults.append(f"width {self.width} is not divisible by heads {self.heads}")
        elif self.head_size % 16:
            faults.append(f"head size (width / heads) must be a multiple of 16, not {self.head_size}")
        if not self.rope_base > 1:
            faults.append(f"rope_base must be greater than 1, not {self.rope_base}")
        if not 0 < self.norm_eps < 1:
            faults.append(f"norm_eps must be between 0 and 1, not {self.norm_eps}")
        return faults

    @property
    def head_size(self) -> int:
        """Width of one attention head (S)."""
        return self.width // self.heads

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the token embedding, which is also the output head."""
        return self.vocab_size * self.width

    @property
    def body_parameters(self) -> int:
        """Parameters of everything but the embedding."""
        attention = 4 * self.width * self.width
        feed_forward = 3 * self.width * self.hidden
        norms = 2 * self.width
        return self.layers * (attention + feed_forward + norms) + self.width

    @property
    def parameters(self) -> int:
        """All parameters, the tied embedding counted once."""
        return self.embedding_parameters + self.body_parameters

    def to_dict(self) -> dict[str, Any]:
        """The config as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The config from JSON values; raises ConfigError on unknown, missing or illegal ones."""
        known = {field.name: field for field in fields(cls)}
        faults = [f"unknown field {name!r}" for name in values if name not in known]
        required = ("vocab_size", "context", "layers", "width", "heads", "hidden")
        faults += [f"missing field {name!r}" for name in required if name not in values]
        if faults:
            raise ConfigError("model config", faults)
        return cls(**values)
