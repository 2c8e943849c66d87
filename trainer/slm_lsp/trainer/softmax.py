"""A fast exact-in-expectation loss for a vocabulary far larger than a repository, and the true loss to judge it by.

Knows: torch, the softmax. Must not know: files, phases, budgets.

A repository uses a few hundred of GPT-2's 50,257 tokens, yet a softmax over all of them is most of the work of a
tiny model. Trained is with a sum over every token that occurs and an importance-weighted sample of the others
(Bengio & Senécal 2003; Jean et al. 2015): its partition function is unbiased, so that the others are pushed down
as they would be. Reported is always `full_loss`, over the whole vocabulary on real tokens.

Shapes: B batch, T time, C width, V vocabulary, N a stream's tokens, K candidates.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from slm_lsp.model.network import TinyGPT

SAMPLED = 1024
"""Tokens drawn at every step from those that do not occur."""
_TILE = (256, 4096)  # hidden states by tokens of the vocabulary: logits that fit the processor's cache


class SampledSoftmax:
    """The training loss: exact over the tokens that occur, sampled over the rest."""

    def __init__(self, seen: Tensor, vocab_size: int, *, samples: int = SAMPLED, seed: int = 0) -> None:
        self._seen = seen.unique()
        """Ids that occur in the training tokens."""
        occurs = torch.zeros(vocab_size, dtype=torch.bool)
        occurs[self._seen] = True
        self._unseen = (~occurs).nonzero().flatten()
        self._column = torch.full((vocab_size,), -1)
        self._column[self._seen] = torch.arange(len(self._seen))
        self._samples = min(samples, len(self._unseen))
        self._seed = seed

    def __call__(self, model: TinyGPT, batch: Tensor, step: int) -> Tensor:
        """Mean loss of a batch (B, T + 1) in nats a token; the sample is a function of seed and step alone."""
        device = batch.device
        draw = torch.Generator().manual_seed(self._seed * 1_000_003 + step)
        picked = self._unseen[torch.randint(max(len(self._unseen), 1), (self._samples,), generator=draw)]
        candidates = torch.cat((self._seen, picked)).to(device)  # (K,)
        # Each sampled token stands for as many as there are for every one that was drawn.
        weight = torch.zeros(len(candidates), device=device)
        weight[len(self._seen) :] = math.log(len(self._unseen) / self._samples) if self._samples else 0.0
        hidden = model.hidden(batch[:, :-1]).flatten(0, 1)  # (B*T, C)
        logits = F.linear(hidden, model.embedding.weight[candidates]).float() + weight  # (B*T, K)
        return F.cross_entropy(logits, self._column.to(device)[batch[:, 1:].flatten()])


@torch.no_grad()
def full_loss(model: TinyGPT, stream: Tensor, most_windows: int | None = None) -> float:
    """Mean loss of a stream (N,) in nats a token: whole vocabulary, float32, windows of the context end to end.

    Of a long stream at most `most_windows`, evenly spread, where that is given. NaN without a token to predict.
    """
    device, context = model.embedding.weight.device, model.config.context
    total, count = 0.0, 0
    starts = range(0, len(stream) - 1, context)
    if most_windows and len(starts) > most_windows:
        starts = starts[:: -(-len(starts) // most_windows)]
    training = model.training
    model.eval()
    with torch.autocast(device.type, enabled=False):
        for start in starts:
            window = stream[start : start + context + 1].to(device)
            hidden = model.hidden(window[None, :-1])[0]  # (T, C)
            total += _negative_log_likelihood(hidden, model.embedding.weight, window[1:])
            count += len(window) - 1
    model.train(training)
    return total / count if count else math.nan


def _negative_log_likelihood(hidden: Tensor, table: Tensor, targets: Tensor) -> float:
    """Sum over (T, C) hidden states of -log p of their targets (T,) under the (V, C) table, a tile at a time."""
    total = 0.0
    for rows, wanted in zip(hidden.split(_TILE[0]), targets.split(_TILE[0]), strict=True):
        parts = [torch.logsumexp(rows @ tokens.T, dim=1) for tokens in table.split(_TILE[1])]
        partition = torch.stack(parts).logsumexp(0)
        total += float((partition - (rows * table[wanted]).sum(1)).sum())
    return total
