"""The float network: shapes, causality, and its own files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from doubles import TINY
from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import CheckpointDamaged, CheckpointFormat, CheckpointMissing, ConfigError
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.network.gpt import QUERY_BLOCK, causal_attention

SMALL = ModelConfig(vocab_size=61, context=16, layers=2, width=32, heads=2, hidden=64)


@pytest.fixture
def model() -> TinyGPT:
    torch.manual_seed(1)
    return TinyGPT(SMALL).eval()


def test_parameter_counts_are_those_of_the_network(model: TinyGPT) -> None:
    assert sum(p.numel() for p in model.parameters()) == SMALL.parameters
    assert model.embedding.weight.numel() == SMALL.embedding_parameters
    assert SMALL.parameters == SMALL.embedding_parameters + SMALL.body_parameters


def test_logits_have_their_shape_and_do_not_see_the_future(model: TinyGPT) -> None:
    ids = torch.randint(61, (3, 12))
    changed = ids.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 61
    with torch.no_grad():
        before, after = model(ids), model(changed)
    assert before.shape == (3, 12, 61)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


@pytest.mark.parametrize("time", [1, QUERY_BLOCK, QUERY_BLOCK + 1, 3 * QUERY_BLOCK - 5])
def test_attention_in_blocks_is_causal_attention(time: int) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, time, 16, requires_grad=True) for _ in range(3))
    ours = causal_attention(q, k, v)
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(
        torch.autograd.grad(ours.square().sum(), (q, k, v)),
        torch.autograd.grad(theirs.square().sum(), (q, k, v)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_positions_matter(model: TinyGPT) -> None:
    with torch.no_grad():
        one, other = model(torch.tensor([[5, 9, 3]])), model(torch.tensor([[9, 5, 3]]))
    assert not torch.allclose(one[0, -1], other[0, -1])


def test_generate_is_greedy_seeded_and_stops(model: TinyGPT) -> None:
    greedy = model.generate([1, 2, 3], 20)
    assert len(greedy) == 20  # longer than the context: the window slides
    assert greedy == model.generate([1, 2, 3], 20)
    assert model.generate([1, 2, 3], 20, stop=greedy[0]) == greedy[:1]
    sampled = model.generate([1, 2, 3], 20, temperature=1.0, seed=7)
    assert sampled == model.generate([1, 2, 3], 20, temperature=1.0, seed=7)
    assert sampled != model.generate([1, 2, 3], 20, temperature=1.0, seed=8)


def test_a_pt_file_round_trips(model: TinyGPT, tmp_path: Path) -> None:
    path = tmp_path / "models" / "phase3_model.pt"
    model.save(path)
    again = TinyGPT.load(path)
    assert again.config == SMALL
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert [p.name for p in path.parent.iterdir()] == ["phase3_model.pt"]


def test_a_checkpoint_folder_is_a_network_too() -> None:
    assert TinyGPT.load(TINY).config.width == 32


def test_a_pt_file_never_runs_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.write_text, (tmp_path / "owned", "x"))

    torch.save({"format": 1, "config": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointDamaged, match="never loaded"):
        TinyGPT.load(tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()


def test_bad_pt_files_are_named_errors(model: TinyGPT, tmp_path: Path) -> None:
    with pytest.raises(CheckpointMissing):
        TinyGPT.load(tmp_path / "absent.pt")
    path = tmp_path / "model.pt"
    model.save(path)
    content = torch.load(path, weights_only=True)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(CheckpointDamaged, match="not a readable"):
        TinyGPT.load(path)
    torch.save({**content, "format": 99}, path)
    with pytest.raises(CheckpointFormat, match="99"):
        TinyGPT.load(path)
    torch.save({**content, "config": {**content["config"], "width": 64}}, path)
    with pytest.raises(CheckpointDamaged, match="do not fit"):
        TinyGPT.load(path)


def test_a_bad_config_lists_every_fault() -> None:
    with pytest.raises(ConfigError) as caught:
        ModelConfig(vocab_size=10, context=8, layers=1, width=40, heads=3, hidden=50)
    assert len(caught.value.faults) == 3
    with pytest.raises(ConfigError, match="vocab_size must be a positive integer"):
        ModelConfig.from_dict({**SMALL.to_dict(), "vocab_size": 0})
    with pytest.raises(ConfigError, match="unknown field 'depth'"):
        ModelConfig.from_dict({**SMALL.to_dict(), "depth": 3})
