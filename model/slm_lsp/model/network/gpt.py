"""TinyGPT: a decoder-only transformer in the style of Llama, small enough to train on a laptop.

Knows: the network's arithmetic in float, and how to read and write its own weights. Must not know: text,
tokenizers, training loops, quantized execution (runtime/).

Shapes: B batch, T time, C width, H heads, S head size, F hidden width, V vocabulary.
RMSNorm: Zhang & Sennrich 2019. RoPE: Su et al. 2021. SwiGLU: Shazeer 2020. Tied embeddings: Press & Wolf 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import CheckpointDamaged
from slm_lsp.model.network.weights import read_weights, write_pt

QUERY_BLOCK = 128
"""Queries that attend together on the CPU."""


def rotary_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of every position's rotation angles, each (context, S/2), float32."""
    half = config.head_size // 2
    frequency = config.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.outer(torch.arange(config.context, dtype=torch.float64), frequency)
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair (i, i + S/2) of `x` (B, H, T, S) by its position's angle; tables are (T, S/2)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention to this and earlier positions; all (B, H, T, S).

    On the CPU in blocks of queries, each against the keys up to its own end: the products are plain matrix products and
    nothing behind a block is computed. Forward and backward take 40% of the time of torch's flash kernel there.
    """
    if q.device.type != "cpu" or q.shape[2] <= QUERY_BLOCK:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    blocks = []
    for start in range(0, q.shape[2], QUERY_BLOCK):
        block = q[:, :, start : start + QUERY_BLOCK]  # (B, H, Q, S)
        end = start + block.shape[2]
        scores = (block @ k[:, :, :end].transpose(-1, -2)).float() * q.shape[3] ** -0.5  # (B, H, Q, end)
        later = torch.ones(scores.shape[2:], dtype=torch.bool).triu(start + 1)  # (Q, end)
        weights = scores.masked_fill(later, float("-inf")).softmax(dim=-1).to(v.dtype)
        blocks.append(weights @ v[:, :, :end])  # (B, H, Q, S)
    return torch.cat(blocks, dim=2)


class Attention(nn.Module):
    """Causal multi-head self-attention with rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        batch, time, width = x.shape
        q, k, v = (
            part.view(batch, time, self.heads, -1).transpose(1, 2)  # (B, H, T, S)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        y = causal_attention(q, k, v)  # (B, H, T, S)
        return self.out(y.transpose(1, 2).reshape(batch, time, width))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)  # (B, T, F) each
        return self.down(F.silu(gate) * up)  # type: ignore[no-any-return]


class Block(nn.Module):
    """One transformer layer: attention, then feed-forward, each behind an RMSNorm and around a residual."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width, eps=config.norm_eps)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.width, eps=config.norm_eps)
        self.feed_forward = FeedForward(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        x = x + self.attention(self.attention_norm(x), cos, sin)
        return x + self.feed_forward(self.feed_forward_norm(x))  # type: ignore[no-any-return]


class TinyGPT(nn.Module):
    """The network of a ModelConfig; weights start from the config's shape and torch's random state."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, eps=config.norm_eps)
        cos, sin = rotary_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialize()

    def _initialize(self) -> None:
        """GPT-2's initialization: 0.02, residual projections scaled down by the depth (Radford et al. 2019)."""
        residual = 0.02 * (2 * self.config.layers) ** -0.5
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=residual if name.endswith(("out.weight", "down.weight")) else 0.02)

    def hidden(self, ids: Tensor) -> Tensor:
        """Token ids (B, T), T at most the context, to the normalized last hidden states (B, T, C)."""
        time = ids.shape[1]
        cos, sin = self.cos[:time], self.sin[:time]
        x = self.embedding(ids)  # (B, T, C)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)  # type: ignore[no-any-return]

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids (B, T), T at most the context, to next-token logits (B, T, V)."""
        return F.linear(self.hidden(ids), self.embedding.weight)

    @torch.no_grad()
    def generate(
        self, ids: Sequence[int], tokens: int, *, temperature: float = 0.0, seed: int = 0, stop: int | None = None
    ) -> list[int]:
        """Up to `tokens` ids that follow `ids`, greedy at temperature 0; ends early after the id `stop`.

        A context that overflows slides. Written for samples in reports; editors are served by the Engine.
        """
        device = self.embedding.weight.device
        draw = torch.Generator().manual_seed(seed)
        sequence = list(ids)
        for _ in range(tokens):
            window = torch.tensor([sequence[-self.config.context :]], device=device)
            logits = self(window)[0, -1].float().cpu()  # (V,)
            if temperature > 0:
                chosen = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=draw))
            else:
                chosen = int(logits.argmax())
            sequence.append(chosen)
            if chosen == stop:
                break
        return sequence[len(ids) :]

    def save(self, path: str | Path) -> None:
        """Write config and float weights to `path`, a `.pt` file, atomically."""
        write_pt(Path(path), self.config, self.state_dict())

    @classmethod
    def load(cls, path: str | Path) -> TinyGPT:
        """The network of a `.pt` file or of a checkpoint folder (dequantized), on the CPU, in eval mode.

        Raises CheckpointMissing, CheckpointFormat or CheckpointDamaged.
        """
        config, state = read_weights(Path(path))
        model = cls(config)
        try:
            model.load_state_dict(state)
        except (RuntimeError, AttributeError) as error:
            raise CheckpointDamaged(f"{path}: the weights do not fit the config: {error}") from error
        return model.eval()
