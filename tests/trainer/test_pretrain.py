"""The base model's run: a longer one starts where the last one was still learning fast."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from slm_lsp.data import base_checkpoint
from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.loop import Budget, Run, stable_file
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.pretrain import AGAIN, begun_with, extend_from, gone_on, note_recipe

SMALL = ModelConfig(vocab_size=61, context=16, layers=2, width=32, heads=2, hidden=64)
RECIPE = Recipe(warmup=0.0, decay=0.3)


def run_of(steps: int, state_file: Path | None) -> Run:
    def batch(step: int, progress: float) -> torch.Tensor:
        return torch.randint(61, (2, 17), generator=torch.Generator().manual_seed(step))

    torch.manual_seed(0)
    return Run(TinyGPT(SMALL), batch, recipe=RECIPE, budget=Budget(steps=steps), state_file=state_file, keep_at=0.7)


def test_an_extended_run_is_the_longer_run(tmp_path: Path) -> None:
    state_file = tmp_path / "state.pt"
    short = run_of(10, state_file)
    short.run()
    assert short.finished
    state_file.rename(tmp_path / "state.done")  # as pretraining does when the checkpoint is written
    extend_from(state_file)
    longer = run_of(20, state_file)
    assert longer.resume()
    assert longer.state.step == 8  # the first step at which the rate has begun to fall
    longer.run()
    whole = run_of(20, None)
    whole.run()
    assert longer.state.losses == pytest.approx(whole.state.losses, abs=1e-5)


def test_an_unfinished_run_is_gone_on_with_and_not_replaced(tmp_path: Path) -> None:
    state_file = tmp_path / "state.pt"
    state_file.write_bytes(b"under way")
    stable_file(state_file).write_bytes(b"older")
    extend_from(state_file)
    assert state_file.read_bytes() == b"under way"


def test_nothing_to_extend_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to extend"):
        extend_from(tmp_path / "state.pt")


def test_a_run_remembers_the_recipes_that_it_was_trained_by(tmp_path: Path) -> None:
    run = run_of(10, tmp_path / "state.pt")
    note_recipe(run.state, RECIPE)
    run.run()
    resumed = run_of(20, tmp_path / "state.pt")
    assert resumed.resume()
    note_recipe(resumed.state, RECIPE)
    assert [tokens for tokens, _ in resumed.state.recipes] == [0]
    note_recipe(resumed.state, replace(RECIPE, muon_lr=0.01))
    assert [(tokens, recipe["muon_lr"]) for tokens, recipe in resumed.state.recipes] == [(0, 0.02), (320, 0.01)]


def test_a_run_that_began_with_a_models_weights_counts_in_what_made_them() -> None:
    before = Checkpoint.open(base_checkpoint()).metrics
    new = {"tokens": 8_000, "steps": 2, "minutes": 1.5, "device": "cpu", "recipes": [(0, asdict(AGAIN))]}
    known = gone_on(before, new)
    assert (known["tokens"], known["steps"]) == (before["tokens"] + 8_000, before["steps"] + 2)
    assert known["minutes"] == pytest.approx(before["minutes"] + 1.5)
    assert [*map(list, known["recipes"])] == [*before["recipes"], [before["tokens"], asdict(AGAIN)]]


def test_what_a_run_began_with_is_kept_while_its_state_is_there(tmp_path: Path) -> None:
    state_file = tmp_path / "runs" / "state.pt"
    kept = begun_with(state_file, fresh=False)
    assert Checkpoint.open(kept).metrics == Checkpoint.open(base_checkpoint()).metrics
    mark = kept / "mark"  # that this copy is the one that was made first
    mark.touch()
    state_file.touch()
    assert begun_with(state_file, fresh=False) == kept and mark.exists()
    assert begun_with(state_file, fresh=True) == kept and not mark.exists()
