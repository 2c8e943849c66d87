"""`slm-lsp experiment` on a small project: every phase as published, resumable, one report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from workshop import Workshop

from slm_lsp.data import base_in_use, textbook
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.experiment import conduct
from slm_lsp.trainer.experiment.conduct import UNFINISHED, Experiment, Plan, Stopped, marks_of
from slm_lsp.trainer.experiment.figures import draw
from slm_lsp.trainer.experiment.overall import Overall
from slm_lsp.trainer.experiment.report import About, fenced, markdown
from slm_lsp.trainer.experiment.results import Result, read_result, sha256_of
from slm_lsp.trainer.job import Job
from slm_lsp.trainer.loop import RunState
from slm_lsp.trainer.phases import PHASES, TRAINED_SHARE, PhaseConfig

ABOUT = About("bookshop", 6, 1, 0, "a machine")


class Impatient(Overall):
    """A display whose user presses Ctrl-C at a step."""

    def __init__(self, console: Console, kinds: tuple[str, ...], step: int) -> None:
        super().__init__(console, kinds)
        self._step = step

    @contextmanager
    def training(self, job: Job) -> Iterator[Callable[[RunState], None]]:
        with super().training(job) as show:

            def on_step(state: RunState) -> None:
                show(state)
                if state.step == self._step:
                    os.kill(os.getpid(), signal.SIGINT)

            yield on_step


posix = pytest.mark.skipif(os.name != "posix", reason="Windows knows no such signals")


@pytest.fixture
def plan(workshop: Workshop) -> Plan:
    request = workshop.request()
    return Plan(request.repository, workshop.root / "out", (1,), seconds=600.0, points=20)


def display(workshop: Workshop, plan: Plan) -> Overall:
    return Overall(Console(file=workshop.printed, width=100), plan.kinds)


@pytest.mark.parametrize("phase", PHASES[:4], ids=lambda phase: phase.kind)
def test_the_network_has_the_published_parameters_and_ratio(phase: PhaseConfig) -> None:
    parameters = sum(weights.numel() for weights in TinyGPT(phase.model).parameters())
    assert parameters == pytest.approx(phase.published.parameters, rel=0.01)
    assert parameters / round(TRAINED_SHARE * phase.tokens) == pytest.approx(phase.published.ratio, rel=0.01)


@posix
def test_stopped_in_the_last_step_of_a_phase_it_does_not_go_on_to_the_next(workshop: Workshop, plan: Plan) -> None:
    plan = replace(plan, seconds=1e-6)  # spent after one step
    with pytest.raises(Stopped):
        Experiment(plan, Impatient(Console(file=workshop.printed, width=100), plan.kinds, 1)).conduct()
    assert not (plan.out / "adapt.json").exists()
    results = Experiment(plan, display(workshop, plan)).conduct()
    assert "phase1: going on at step 1" in workshop.printed.getvalue()
    assert results[1].steps == 1


@posix
def test_stopped_it_goes_on_at_the_phase_and_step_and_trains_nothing_twice(workshop: Workshop, plan: Plan) -> None:
    def stop_at(step: int) -> None:
        with pytest.raises(Stopped):
            Experiment(plan, Impatient(Console(file=workshop.printed, width=100), plan.kinds, step)).conduct()

    stop_at(1)
    state = next(plan.out.glob(f"{UNFINISHED}/*/state.pt"))
    state.write_bytes(state.read_bytes()[:1000])
    stop_at(2)
    assert "starting it anew" in workshop.printed.getvalue()
    assert [result.kind for result in Experiment(plan, display(workshop, plan)).finished()] == ["base"]
    plan = replace(plan, seconds=1e-6)  # spent already: no further step
    experiment = Experiment(plan, display(workshop, plan))
    assert experiment.examination.textbook == textbook(), "with memory is as an editor is served"
    results = experiment.conduct()
    printed = workshop.printed.getvalue()
    assert "base: done before" in printed
    assert "phase1: going on at step 2" in printed
    assert [result.kind for result in results] == ["base", "phase1", "adapt"]
    assert not (plan.out / UNFINISHED).exists()
    first, phase, adapted = results
    assert phase.tokens == 901 and phase.parameters == PHASES[1].model.parameters
    assert phase.marks[0].step == 0 and phase.marks[0].train is None
    assert phase.gap is not None and phase.train is not None
    assert adapted.parameters == Checkpoint.open(base_in_use()).config.parameters
    for result in results:
        assert result.alone and result.served and len(result.samples) == 4
        assert result.alone.points == 20
    weights = plan.out / "phase1_model.pt"
    assert phase.sha256 == sha256_of(weights)
    assert TinyGPT.load(weights).config == PHASES[1].model
    assert first.ratio is None

    assert Experiment(plan, display(workshop, plan)).conduct() == results
    printed = workshop.printed.getvalue()
    assert printed.endswith("base: done before\nphase1: done before\nadapt: done before\n")
    _is_done_anew_by_another_recipe(workshop, plan)
    _is_told(results, Experiment(plan, display(workshop, plan)), plan)
    _is_made_anew_when_it_no_longer_fits(plan, phase)


def _is_done_anew_by_another_recipe(workshop: Workshop, plan: Plan) -> None:
    def there() -> list[str]:
        return [result.kind for result in Experiment(plan, display(workshop, plan)).finished()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct, "PHASES", [replace(phase, muon_lr=0.5) for phase in PHASES])
        assert there() == ["base", "adapt"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct, "version", lambda package: "another")
        assert there() == []
    assert there() == ["base", "phase1", "adapt"]


def _is_told(results: list[Result], experiment: Experiment, plan: Plan) -> None:
    figures = draw(results, plan.out / "figures")
    assert {"phase1", "adapt", "curves", "gap", "quality"} == set(figures)
    report = markdown(ABOUT, results, experiment.beginnings, figures, plan.out)
    phase = results[1]
    assert f"sha256 `{phase.sha256}`" in report
    assert "and the cookbook, as an editor is served" in report
    assert "a line that stands in these alone counts as new" in report
    assert "| phase1 | 3,376,640 | 901 | 3,748 : 1 | 3,740 : 1 |" in report
    assert report.count("```python") == 4 * 5  # the beginning, the file, three models
    for name in figures:
        assert f"](figures/{name}.svg)" in report
        assert "<svg" in (plan.out / "figures" / f"{name}.svg").read_text()
    before = (plan.out / "figures" / "gap.svg").read_bytes()
    draw(results, plan.out / "figures")
    assert (plan.out / "figures" / "gap.svg").read_bytes() == before


def _is_made_anew_when_it_no_longer_fits(plan: Plan, phase: Result) -> None:
    assert read_result(plan.out, "phase1", phase.made_from) == phase
    assert read_result(plan.out, "phase1", "other files") is None
    (plan.out / "phase1_model.pt").write_bytes(b"other weights")
    assert read_result(plan.out, "phase1", phase.made_from) is None
    (plan.out / "adapt.json").write_text("{")
    assert read_result(plan.out, "adapt", "anything") is None


def test_too_little_code_is_said_with_what_is_possible(workshop: Workshop, plan: Plan) -> None:
    with pytest.raises(TrainingError, match=r"phase 4 .* 22,500 tokens, .* --phases 0,1$"):
        Experiment(replace(plan, phases=(0, 1, 2, 3, 4)), display(workshop, plan))
    for file in workshop.project.iterdir():
        if file.name != "settings.py":
            file.unlink()
    with pytest.raises(TrainingError, match=r"too little code: .* 20 are needed"):
        Experiment(replace(plan, repository=workshop.request().repository), display(workshop, plan))


def test_the_time_left_is_that_of_the_whole(workshop: Workshop) -> None:
    now = [0.0]
    overall = Overall(Console(file=workshop.printed, width=100), ["base", "phase2", "adapt"], lambda: now[0])
    assert overall.begin("phase2") == "phase2 (2 of 3)"  # base was done before
    with overall.counting("completing", 2) as on_one:
        now[0] = 20.0
        on_one()
        assert overall.done == pytest.approx((8 + 10) / 178)
        assert overall.left() == "10% of all, about 5 min left"  # 10 of 178 in 20 s, 160 to go
    overall.begin("adapt")
    assert overall.left().startswith("16% of all")


def test_the_training_loss_of_a_mark_is_that_of_the_batches_before_it() -> None:
    marks = marks_of([4.0, 2.0, 1.0], [(0, 9.0), (2, 5.0), (3, 4.0)])
    assert [(mark.step, mark.train, mark.validation) for mark in marks] == [
        (0, None, 9.0),
        (2, 3.0, 5.0),
        (3, 1.0, 4.0),
    ]


def test_code_with_fences_stays_one_block() -> None:
    assert fenced("a\n```\nb").splitlines()[0] == "````python"


def test_the_command_forwards_help_and_errors(workshop: Workshop, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "slm_lsp.server", "experiment", *arguments]
        environment = {**os.environ, **workshop.environment()}
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    help_ = run("--help")
    assert help_.returncode == 0, help_.stderr
    for option in ("--phases", "--out", "--seed", "--device"):
        assert option in help_.stdout
    wrong = run(str(workshop.project), "--phases", "5")
    assert wrong.returncode == 2
    assert "phases from 0 to 4" in wrong.stderr
    small = run(str(workshop.project), "--phases", "3")
    assert small.returncode == 2
    assert small.stderr.startswith("error: too little code: phase 3")
    assert not (tmp_path / "experiment-bookshop").exists()
