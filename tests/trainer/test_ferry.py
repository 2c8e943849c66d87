"""A network in parts is the same network on the other side, or a clear error."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.trainer.ferry import read_parts, write_parts

SMALL = ModelConfig(vocab_size=61, context=16, layers=2, width=32, heads=2, hidden=64)


@pytest.fixture
def ferried(tmp_path: Path) -> tuple[TinyGPT, Path]:
    torch.manual_seed(0)
    model = TinyGPT(SMALL)
    write_parts(model, {"tokens": 7}, tmp_path, most=10_000)
    return model, tmp_path


def test_a_network_comes_back_to_half_precision(ferried: tuple[TinyGPT, Path]) -> None:
    model, folder = ferried
    assert len(list(folder.glob("weights.pt.*"))) > 3
    assert all(part.stat().st_size <= 10_000 for part in folder.glob("weights.pt.*"))
    again, metrics = read_parts(folder)
    assert metrics == {"tokens": 7} and again.config == SMALL
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_part_that_is_missing_or_short_is_said(ferried: tuple[TinyGPT, Path]) -> None:
    _, folder = ferried
    last = sorted(folder.glob("weights.pt.*"))[-1]
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(TrainingError, match=r"holds .* of the .* bytes"):
        read_parts(folder)
    last.unlink()
    with pytest.raises(TrainingError, match="does not hold all parts"):
        read_parts(folder)
