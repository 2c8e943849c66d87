"""Processes that train together: what they learn is what one process learns from all of their batches."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.trainer.loop import Budget, Run
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.team import WAIT, Team, gathered

SMALL = ModelConfig(vocab_size=61, context=16, layers=2, width=32, heads=2, hidden=64)
TOKENS = 512
WHOLE = Budget(tokens=TOKENS)
NOISE = 3e-4
"""Of losses, in bfloat16; one batch differs from the next by thirty times as much."""


def batch(step: int) -> torch.Tensor:
    return torch.randint(61, (4, 17), generator=torch.Generator().manual_seed(step))


def run_of(team: Team, state_file: Path | None, budget: Budget = WHOLE) -> Run:
    """A run that takes one batch a step, or one a process."""

    def batches(step: int, progress: float) -> torch.Tensor:
        return torch.cat([batch(2 * step), batch(2 * step + 1)]) if team.size == 1 else batch(step)

    torch.manual_seed(0)
    return Run(TinyGPT(SMALL), batches, recipe=Recipe(), budget=budget, team=team, state_file=state_file)


def help_run(team: Team, state_file: Path) -> None:
    run = run_of(team, state_file)
    run.resume()
    run.run()


def fail(team: Team, state_file: Path) -> None:
    os._exit(1)


def test_a_team_learns_what_one_process_learns_from_all_batches(tmp_path: Path) -> None:
    alone = run_of(Team(), None)
    alone.run()
    with gathered(2, help_run, tmp_path / "state.pt") as team:
        together = run_of(team, tmp_path / "state.pt")
        together.run()
    assert together.state.tokens == alone.state.tokens == TOKENS
    assert together.state.losses == pytest.approx(alone.state.losses, abs=NOISE)


def test_a_team_stops_together_and_goes_on(tmp_path: Path) -> None:
    state_file = tmp_path / "state.pt"
    with gathered(2, help_run, state_file) as team:
        stopped = run_of(team, state_file)
        stopped.run(stop=lambda: stopped.state.step == 2)
    assert not stopped.finished
    with gathered(2, help_run, state_file) as team:
        resumed = run_of(team, state_file)
        assert resumed.resume()
        assert resumed.state.step == 2
        resumed.run()
    whole = run_of(Team(), None)
    whole.run()
    assert resumed.state.losses == pytest.approx(whole.state.losses, abs=NOISE)


def test_a_process_that_ends_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(TrainingError, match="another process of the training ended"),
        gathered(2, fail, tmp_path) as team,
    ):
        run_of(team, None).run()


def help_late(team: Team, state_file: Path) -> None:
    late = run_of(team, None, Budget(seconds=1.0))
    late.state.seconds = 0.5  # its clock is fast
    late.run()


def test_a_team_ends_by_one_clock(tmp_path: Path) -> None:
    with gathered(2, help_late, tmp_path) as team:
        run = run_of(team, None, Budget(seconds=1.0))
        run.run()
    assert run.finished


def test_fewer_processes_go_on_with_other_batches(tmp_path: Path) -> None:
    state_file = tmp_path / "state.pt"
    with gathered(2, help_run, state_file) as team:
        run_of(team, state_file).run()
    alone = run_of(Team(), state_file, Budget(tokens=2 * TOKENS))
    assert alone.resume()
    assert (alone.state.step, alone.state.drawn) == (4, 8)


def test_a_process_that_ends_before_the_others_meet_it_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here_alone = ModuleType("here_alone")
    exec("def work(team): ...", vars(here_alone))  # importable in this process, in no other
    monkeypatch.setitem(sys.modules, "here_alone", here_alone)
    started = time.monotonic()
    with pytest.raises(TrainingError, match="before it began"), gathered(2, here_alone.work):
        pass
    assert time.monotonic() - started < WAIT.total_seconds() / 3
