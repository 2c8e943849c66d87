"""The sampled loss stands for the full one, and the reported loss is the full one."""

from __future__ import annotations

import math

import pytest
import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.network import TinyGPT
from slm_lsp.trainer.loop import cross_entropy
from slm_lsp.trainer.softmax import SampledSoftmax, full_loss

CONFIG = ModelConfig(5000, context=16, layers=1, width=32, heads=2, hidden=32, fim=False)


@pytest.fixture
def model() -> TinyGPT:
    torch.manual_seed(0)
    network = TinyGPT(CONFIG)
    with torch.no_grad():
        network.embedding.weight *= 5  # logits as a trained model has them, so that the sample matters
    return network


@pytest.fixture
def stream() -> torch.Tensor:
    return torch.randint(0, 40, (200,), generator=torch.Generator().manual_seed(1)) * 7


def test_the_sample_estimates_the_whole_vocabulary(model: TinyGPT, stream: torch.Tensor) -> None:
    batch = stream[:170].view(10, 17)
    loss = SampledSoftmax(stream, CONFIG.vocab_size, samples=500)
    with torch.no_grad():
        estimates = [float(loss(model, batch, step)) for step in range(40)]
        exact = float(cross_entropy(model, batch))
    assert sum(estimates) / 40 == pytest.approx(exact, abs=0.01)
    assert max(estimates) - min(estimates) > 1e-4


def test_without_the_weight_of_the_sample_the_estimate_would_be_off(model: TinyGPT, stream: torch.Tensor) -> None:
    """What the importance weight is for: the tokens not drawn are most of the partition."""
    few = SampledSoftmax(stream, CONFIG.vocab_size, samples=10)
    all_of_them = SampledSoftmax(stream, CONFIG.vocab_size, samples=10**6)
    batch = stream[:170].view(10, 17)
    with torch.no_grad():
        assert float(few(model, batch, 0)) == pytest.approx(float(all_of_them(model, batch, 0)), abs=0.2)
        seen = len(stream.unique())
        assert float(few(model, batch, 0)) > math.log(seen + 10) + 1


def test_the_sample_of_a_step_is_always_the_same(model: TinyGPT, stream: torch.Tensor) -> None:
    batch = stream[:34].view(2, 17)
    first, again = (SampledSoftmax(stream, CONFIG.vocab_size, samples=50, seed=3) for _ in range(2))
    with torch.no_grad():
        assert float(first(model, batch, 5)) == float(again(model, batch, 5))
        assert float(first(model, batch, 5)) != float(first(model, batch, 6))


def test_tokens_that_never_occur_are_pushed_down(model: TinyGPT, stream: torch.Tensor) -> None:
    loss = SampledSoftmax(stream, CONFIG.vocab_size, samples=200)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    before, share = full_loss(model, stream), probability_of(stream.unique(), model, stream)
    for step in range(60):
        loss(model, stream[:170].view(10, 17), step).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    assert full_loss(model, stream) < before - 2
    assert share < 0.05
    assert probability_of(stream.unique(), model, stream) > 0.5


@torch.no_grad()
def probability_of(tokens: torch.Tensor, model: TinyGPT, stream: torch.Tensor) -> float:
    """What the model gives all these tokens together, averaged over a window of the stream."""
    return float(model(stream[None, :16])[0].softmax(-1)[:, tokens].sum(-1).mean())


@torch.no_grad()
def test_the_full_loss_is_plain_cross_entropy(model: TinyGPT, stream: torch.Tensor) -> None:
    whole = stream[:33]
    expected = (cross_entropy(model, whole[None, :17]) + cross_entropy(model, whole[None, 16:])) / 2
    assert full_loss(model, whole) == pytest.approx(float(expected), abs=1e-5)
    first = float(cross_entropy(model, whole[None, :17]))
    assert full_loss(model, whole, most_windows=1) == pytest.approx(first, abs=1e-5)


def test_a_short_end_counts_by_its_tokens(model: TinyGPT, stream: torch.Tensor) -> None:
    with torch.no_grad():
        long, short = cross_entropy(model, stream[None, :17]), cross_entropy(model, stream[None, 16:21])
    assert full_loss(model, stream[:21]) == pytest.approx(float(16 * long + 4 * short) / 20, abs=1e-5)
    assert math.isnan(full_loss(model, stream[:1]))
