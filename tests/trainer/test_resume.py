"""Interrupted and resumed, a run comes to the same losses; a state of something else is refused."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from workshop import Workshop

from doubles import TINY
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network.weights import write_torch
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.adapt import AdaptConfig, adapt_job
from slm_lsp.trainer.interrupt import interruptible
from slm_lsp.trainer.job import Job
from slm_lsp.trainer.phases import PHASES, EndState
from slm_lsp.trainer.scratch import phase_job
from slm_lsp.trainer.split import split
from slm_lsp.trainer.states import SavedState, fingerprint

Make = Callable[[Path | None], Job]


def adapting(workshop: Workshop) -> Make:
    parts = split(workshop.request().repository.files)
    config = AdaptConfig(seconds=1e6, patience=100)
    return lambda file: adapt_job(
        parts, Checkpoint.open(TINY), seed=1, seconds=None, device="cpu", state_file=file, config=config
    )


def rebuilding(workshop: Workshop) -> Make:
    files = workshop.request().repository.files
    return lambda file: phase_job(PHASES[1], files, seed=1, seconds=None, device="cpu", state_file=file)


@pytest.mark.parametrize("kind", [adapting, rebuilding])
def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(
    workshop: Workshop, kind: Callable[[Workshop], Make]
) -> None:
    make, steps = kind(workshop), 14
    whole = make(None)
    whole.run.run(stop=lambda: whole.run.state.step >= steps)
    first = make(workshop.root / "state.pt")
    first.run.run(stop=lambda: first.run.state.step >= 5)
    torch.manual_seed(99)  # what another process would have
    second = make(workshop.root / "state.pt")
    assert second.run.resume()
    assert second.run.state.step == 5
    second.run.run(stop=lambda: second.run.state.step >= steps)
    assert second.run.state.losses == pytest.approx(whole.run.state.losses, abs=1e-4)
    assert second.losses(second.run.model).train == pytest.approx(whole.losses(whole.run.model).train, abs=1e-4)


SOON_OVER = replace(PHASES[1], end=EndState(gap=-100.0), measure_every=2)
"""A phase that is at its end when that is first looked at."""


def test_a_phase_that_came_to_its_end_is_not_trained_past_it(workshop: Workshop) -> None:
    files, file = workshop.request().repository.files, workshop.root / "state.pt"
    first, second = (
        phase_job(SOON_OVER, files, seed=1, seconds=None, device="cpu", state_file=file) for _ in range(2)
    )  # fmt: skip
    first.run.run(stop=first.ended)
    assert first.run.state.step == 2 and first.over
    assert second.run.resume()
    assert second.over
    second.run.run(stop=second.ended)
    assert second.run.state.step == 2
    assert second.run.state.losses == first.run.state.losses


def test_a_state_from_before_ends_were_kept_still_loads(workshop: Workshop) -> None:
    files, file = workshop.request().repository.files, workshop.root / "state.pt"
    job = phase_job(SOON_OVER, files, seed=1, seconds=None, device="cpu", state_file=file)
    job.run.run(stop=job.ended)
    content = torch.load(file, weights_only=True)
    del content["state"]["ended"]
    write_torch(file, content)
    assert job.run.resume()
    assert job.run.state.step == 2 and not job.over


def text_of_batches(job: Job, steps: int) -> str:
    """All text that the job's first steps train on."""
    rows = [row for step in range(steps) for row in job.run._batches(step, 0.0).tolist()]
    return "".join(job.tokenizer.decode(row) for row in rows)


@pytest.mark.parametrize("kind", ["adapt", "phase"])
def test_files_set_aside_are_never_trained_on(workshop: Workshop, kind: str) -> None:
    """Each file gets a letter that stands in no other: the letters of the batches are those of the files."""
    letters = "αβγδεζ"
    for letter, file in zip(letters, sorted(workshop.project.iterdir()), strict=True):
        file.write_text(file.read_text() + f"# {letter}\n" * 30)
    parts = split(workshop.request().repository.files)
    if kind == "adapt":
        base = Checkpoint.open(TINY)
        job = adapt_job(parts, base, seed=0, seconds=None, device="cpu", state_file=None)
    else:
        files = (*parts.train, *parts.validation)
        job = phase_job(PHASES[3], files, seed=0, seconds=None, device="cpu", state_file=None)
    text = text_of_batches(job, 60)
    trained = {letter for letter in letters if letter in text}
    held_out = {letter for file in parts.held_out for letter in letters if letter in file.text}
    assert held_out
    assert len(trained) >= 3
    assert not trained & held_out


def test_the_state_of_other_files_is_refused(workshop: Workshop) -> None:
    files = workshop.request().repository.files
    saved = SavedState(workshop.project, "adapt")
    made_from = fingerprint(files, 0, {"epochs": 3})
    assert not saved.prepare(made_from, resume=True)
    saved.file.write_bytes(b"state")
    assert saved.prepare(made_from, resume=True)
    for other in (
        fingerprint(files[1:], 0, {"epochs": 3}),
        fingerprint(files, 1, {"epochs": 3}),
        fingerprint(files, 0, {}),
    ):
        with pytest.raises(TrainingError, match="cannot be resumed"):
            saved.prepare(other, resume=True)
    assert not saved.prepare(made_from, resume=False)
    assert not saved.file.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_acts(number: signal.Signals) -> None:
    heard = []

    def act(received: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, act)
    try:
        with interruptible(lambda: heard.append("once")) as asked:
            assert not asked()
            signal.raise_signal(number)
            assert asked()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert heard == ["once"]
        assert signal.getsignal(number) is act
    finally:
        signal.signal(number, before)
