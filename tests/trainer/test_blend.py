"""Between the weights of a run's two ends lies what is better than both, and held-out text finds it."""

from __future__ import annotations

import pytest
import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.network import TinyGPT
from slm_lsp.trainer.blend import best_blend, blended

SMALL = ModelConfig(vocab_size=61, context=16, layers=1, width=32, heads=2, hidden=32)


@pytest.fixture
def ends() -> tuple[TinyGPT, TinyGPT]:
    torch.manual_seed(3)
    return TinyGPT(SMALL), TinyGPT(SMALL)


def test_a_blend_is_the_weighted_mean_of_every_weight(ends: tuple[TinyGPT, TinyGPT]) -> None:
    start, end = ends
    found = blended(start, end, 0.75).state_dict()
    for name, value in found.items():
        torch.testing.assert_close(value, 0.25 * start.state_dict()[name] + 0.75 * end.state_dict()[name])
    for share, one in ((0.0, start), (1.0, end)):
        for name, value in blended(start, end, share).state_dict().items():
            torch.testing.assert_close(value, one.state_dict()[name])


def test_the_blend_of_least_loss_is_found(ends: tuple[TinyGPT, TinyGPT]) -> None:
    start, end = ends
    wanted = blended(start, end, 0.7).embedding.weight.detach()

    def loss(network: TinyGPT) -> float:
        return float((network.embedding.weight.detach() - wanted).abs().sum())

    network, share = best_blend(start, end, loss)
    assert share == 0.7
    torch.testing.assert_close(network.embedding.weight.detach(), wanted)
