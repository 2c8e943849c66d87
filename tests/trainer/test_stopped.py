"""Stopped after training: how to go on is said, what was learned is kept; and two runs of one project do not mix."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console
from workshop import Workshop

from slm_lsp.model.errors import TrainingError, Unwritable
from slm_lsp.trainer.interrupt import GO_ON, stoppable
from slm_lsp.trainer.job import Job
from slm_lsp.trainer.loop import RunState
from slm_lsp.trainer.progress import Display
from slm_lsp.trainer.split import split
from slm_lsp.trainer.states import SavedState
from slm_lsp.trainer.train import make_job, run_job, train

posix = pytest.mark.skipif(os.name != "posix", reason="Windows knows no such signals")


def stopped_at(workshop: Workshop, words: str, number: signal.Signals, *options: str) -> str:
    """What a run says that gets a signal when it has said some words."""
    command = [sys.executable, "-P", "-m", "slm_lsp.trainer", "train", str(workshop.project), "--json", *options]
    environment = {**os.environ, **workshop.environment()}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if words in line:
                break
        process.send_signal(number)
        output, rest = process.communicate(timeout=300)
    assert process.returncode == 130, said + rest
    assert not output
    return said + rest


@posix
def test_stopped_while_it_is_judged_it_says_how_to_go_on(workshop: Workshop) -> None:
    first = stopped_at(workshop, "learning when", signal.SIGTERM)
    assert GO_ON in first and "Traceback" not in first
    second = stopped_at(workshop, "completing at", signal.SIGINT, "--resume")
    assert GO_ON in second and "Traceback" not in second
    assert "going on at step" in second
    assert workshop.library.models() == []
    report = train(workshop.request(resume=True), workshop.library, workshop.display())
    assert f"going on at step {report.metrics['steps']}" in workshop.printed.getvalue()
    assert [model.name for model in workshop.library.models()] == [report.name]
    assert list(workshop.library.training.iterdir()) == []


class Impatient(Display):
    """A display whose user presses Ctrl-C in the first step."""

    @contextmanager
    def training(self, job: Job) -> Iterator[Callable[[RunState], None]]:
        with super().training(job) as show:

            def on_step(state: RunState) -> None:
                show(state)
                if state.step == 1:
                    os.kill(os.getpid(), signal.SIGINT)

            yield on_step


@posix
def test_stopped_in_its_last_step_a_run_is_over_and_says_that_it_was_asked(workshop: Workshop) -> None:
    request = workshop.request(phase=1, seconds=1e-6)  # spent after one step
    job = make_job(request, split(request.repository.files), workshop.root / "state.pt")
    display = Impatient(Console(file=workshop.printed, width=100))
    assert run_job(job, display)
    assert job.over and job.run.state.step == 1
    report = train(request, workshop.library, display)
    assert not report.interrupted, "nothing of it is left to train"
    assert list(workshop.library.training.iterdir()) == []


@posix
def test_a_project_is_trained_by_one_run_at_a_time(workshop: Workshop) -> None:
    saved = SavedState(workshop.project.resolve(), "adapt", workshop.library.training)
    with saved.claimed():
        assert not saved.prepare("made from", resume=False)
        saved.file.write_bytes(b"state")
        with pytest.raises(TrainingError, match="being trained already"):
            train(workshop.request(), workshop.library, workshop.display())
        assert saved.file.read_bytes() == b"state"
        with SavedState(workshop.project.resolve(), "phase1", workshop.library.training).claimed():
            pass
    with saved.claimed():
        assert saved.prepare("made from", resume=True)
        saved.clear()
    assert list(workshop.library.training.iterdir()) == []


def test_scraps_of_a_killed_run_are_cleared_away(workshop: Workshop) -> None:
    saved = SavedState(workshop.project.resolve(), "adapt", workshop.library.training)
    (saved.scratch / "model").mkdir(parents=True)
    (saved.folder / ".state.pt.0123abcd.draft").touch()
    saved.file.touch()
    with saved.claimed():
        assert not saved.scratch.exists()
    assert saved.file.exists()
    assert not list(saved.folder.glob(".*"))


def test_a_place_that_cannot_be_written_is_named(workshop: Workshop) -> None:
    workshop.library.root.mkdir()
    workshop.library.training.touch()
    with pytest.raises(Unwritable, match="training"):
        train(workshop.request(), workshop.library, workshop.display())


def test_clean_takes_interrupted_trainings_away(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = SavedState(workshop.project.resolve(), "adapt")
    assert saved.folder.is_relative_to(workshop.library.root), "where the library was moved, its trainings go too"
    saved.folder.mkdir(parents=True)
    saved.file.write_bytes(bytes(1000))
    assert workshop.library.size() == 1000
    assert workshop.library.clean() == 1000
    assert not saved.folder.exists()
    monkeypatch.delenv("SLM_LSP_HOME")
    assert SavedState(workshop.project, "adapt").folder.is_relative_to(workshop.root / "cache")


def test_sigterm_ends_it_as_ctrl_c_does() -> None:
    told: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT):
        with pytest.raises(KeyboardInterrupt), stoppable(lambda: told.append("stop")):
            signal.raise_signal(number)
    assert told == ["stop", "stop"]
    assert signal.getsignal(signal.SIGTERM) is before
