"""The experiment on one repository: phase after phase, then adapting; each finished one is kept and not done again.

Knows: the order of things, what stays on disk between two of them. Must not know: wording, pictures, options.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from slm_lsp.data import base_in_use, textbook, vocabulary
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.evaluation import choose
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.repository import Repository
from slm_lsp.model.runtime.checkpoint import CONFIG, Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.adapt import AdaptConfig
from slm_lsp.trainer.experiment.enough import require_enough
from slm_lsp.trainer.experiment.overall import Overall
from slm_lsp.trainer.experiment.quality import Examination, completer_of
from slm_lsp.trainer.experiment.results import BASE, Mark, Result, read_result, sha256_of, write_result
from slm_lsp.trainer.experiment.samples import Beginning, beginnings, write_after
from slm_lsp.trainer.gating import THREADS, refit_gate
from slm_lsp.trainer.job import Job, pick_device
from slm_lsp.trainer.judge import POINTS
from slm_lsp.trainer.phases import PHASES
from slm_lsp.trainer.split import Parts, split
from slm_lsp.trainer.states import SavedState, fingerprint
from slm_lsp.trainer.train import GATE_POINTS, Request, kept_weights, make_job, run_job

ADAPT = "adapt"
"""What comes after the phases: the default of `slm-lsp train`."""


UNFINISHED = ".unfinished"
"""Folder of the state of an interrupted phase."""


class Stopped(Exception):  # no error of ours: the user asked for it
    """Ctrl-C; what was computed is on disk."""


@dataclass(frozen=True)
class Plan:
    """What the user asked for."""

    repository: Repository
    """The project, read."""
    out: Path
    """Where results, weights and the report go."""
    phases: tuple[int, ...] = tuple(phase.number for phase in PHASES)
    """The phases to rebuild."""
    seed: int = 0
    """Of the split, the weights, the order of the data and the points."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    seconds: float | None = None
    """Most training time of each phase; None for as long as its end takes."""

    points: int = POINTS
    """Cursors at which every model is judged, where the files set aside have as many."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Everything that is done, in order."""
        return (BASE, *(PHASES[number].kind for number in self.phases), ADAPT)


class Experiment:
    """One plan on its way. Raises TrainingError where the repository has too little code, CheckpointError."""

    def __init__(self, plan: Plan, display: Overall) -> None:
        self._plan, self._display = plan, display
        self.parts: Parts = split(plan.repository.files, plan.seed)
        """The files by use."""
        points = choose(((file.path, file.text) for file in self.parts.held_out), plan.points, plan.seed)
        require_enough(self.parts, plan.phases, len(points))
        self._base = Checkpoint.open(base_in_use())
        known = {file.path: file.text for file in plan.repository.files}
        self._known = known
        self.examination = Examination(points, self.parts.train, known, textbook())
        """The points at which every model is judged."""
        self.beginnings: list[Beginning] = beginnings(points)
        """What every model writes on from."""

    def conduct(self) -> list[Result]:
        """All results, those of earlier sessions among them. Raises Stopped on Ctrl-C, SlmLspError."""
        self._plan.out.mkdir(parents=True, exist_ok=True)
        results = [self._conducted(kind) for kind in self._plan.kinds]
        shutil.rmtree(self._plan.out / UNFINISHED, ignore_errors=True)
        return results

    def finished(self) -> list[Result]:
        """The results that are there already."""
        there = (self._read(kind) for kind in self._plan.kinds)
        return [result for result in there if result is not None and result.judged]

    def _conducted(self, kind: str) -> Result:
        result = self._read(kind)
        if result and result.judged:
            self._display.say(f"{kind}: done before")
            return result
        title = self._display.begin(kind)
        result = result or (self._base_result() if kind == BASE else self._trained(kind, title))
        result = self._judged(result, title)
        write_result(self._plan.out, result)
        return result

    def _made_from(self, kind: str) -> str:
        """What a result of this kind would be made from now; the base model's gate counts wherever memory does.

        Not how long it may take: what is on its way goes on under another limit.
        """
        recipe = {
            "kind": kind, "recipe": _recipe(kind), "base": sha256_of(self._base.folder / CONFIG),
            "device": pick_device(self._plan.device), "version": version("slm-lsp"),
        }  # fmt: skip
        return fingerprint(self._plan.repository.files, self._plan.seed, recipe)

    def _read(self, kind: str) -> Result | None:
        return read_result(self._plan.out, kind, self._made_from(kind))

    def _base_result(self) -> Result:
        return Result(BASE, "the base model, untrained", self._made_from(BASE), self._base.config.parameters)

    def _trained(self, kind: str, title: str) -> Result:
        """Train to the end, from where an earlier session stopped, and keep the weights."""
        plan = self._plan
        phase = None if kind == ADAPT else _number(kind)
        saved = SavedState(plan.repository.root, kind, plan.out / UNFINISHED)
        with saved.claimed():
            job = self._ready(Request(plan.repository, phase, None, plan.seed, plan.device, plan.seconds), saved)
            job.title = f"{title}: {job.title}"
            if not job.run.state.measured:
                job.run.take_measure()  # where it starts from
            if run_job(job, self._display):
                raise Stopped  # in the last step, too: what is trained then is kept by the session that goes on
            model = kept_weights(job, interrupted=False)
            result = self._kept(kind, job, model)
            saved.clear()
        return result

    def _ready(self, request: Request, saved: SavedState) -> Job:
        """The run, where an earlier session left it if that can be gone on from."""
        made_from = self._made_from(request.kind)
        job = make_job(request, self.parts, saved.file)
        try:
            if saved.prepare(made_from, resume=True) and job.run.resume():
                self._display.say(f"{request.kind}: going on at step {job.run.state.step}")
            return job
        except TrainingError:
            self._display.say(f"{request.kind}: what an earlier session left does not fit any more; starting it anew")
            saved.prepare(made_from, resume=False)
            return make_job(request, self.parts, saved.file)

    def _kept(self, kind: str, job: Job, model: TinyGPT) -> Result:
        plan, state, losses = self._plan, job.run.state, job.losses(model)
        weights = plan.out / f"{kind}_model.pt"
        model.save(weights)
        result = Result(
            kind, job.title.partition(": ")[2], self._made_from(kind), model.config.parameters, job.tokens, state.step,
            state.tokens, round(state.seconds, 2), losses.train, losses.validation,
            marks_of(state.losses, state.measured),
            {"model": model.config.to_dict(), "recipe": job.recipe, "device": job.run.compute.device},
            weights.name, sha256_of(weights), tuple(job.notes),
        )  # fmt: skip
        write_result(plan.out, result)
        return result

    def _judged(self, result: Result, title: str) -> Result:
        """With its quality, by itself and as served, and its samples."""
        base, examination = self._base, self.examination
        from_base = result.kind in (BASE, ADAPT)
        model = TinyGPT.load(base.folder if result.kind == BASE else self._plan.out / result.weights)
        tokenizer = base.tokenizer() if from_base else _gpt2()
        prompt, gate = base.prompt if from_base else "prefix", base.gate
        total = 2 * len(examination.points) + len(self.beginnings) + 1
        with self._display.counting(f"{title}: completing in files set aside", total) as on_one:
            if result.kind != BASE:
                gate = self._refitted(model, tokenizer, prompt)
            on_one()
            if result.kind == BASE:
                completer = Completer(base, threads=THREADS)
            else:
                completer = completer_of(model, tokenizer, prompt, gate=gate, threads=THREADS)
            alone = examination.ask(completer, on_point=on_one)
            served = examination.ask(completer, memory=True, on_point=on_one)
            samples = []
            for beginning in self.beginnings:
                samples.append(write_after(model, tokenizer, beginning))
                on_one()
        return replace(result, alone=alone, served=served, samples=tuple(samples))

    def _refitted(self, model: TinyGPT, tokenizer: Tokenizer, prompt: str) -> dict[str, Any]:
        """How much the memory counts beside this model, as `slm-lsp train` fits it."""
        points = choose(
            ((file.path, file.text) for file in self.parts.validation),
            min(GATE_POINTS, self._plan.points),
            self._plan.seed,
        )
        checkpoint = completer_of(model, tokenizer, prompt).checkpoint
        return refit_gate(checkpoint, [(points, self._known)], self._base.gate)


def machine() -> str:
    """What the figures were computed on, in words."""
    kind = platform.processor() or platform.machine()
    return f"{kind}, {torch.get_num_threads()} threads, Python {platform.python_version()}, torch {torch.__version__}"


def marks_of(losses: Sequence[float], measured: Sequence[tuple[int, float]]) -> tuple[Mark, ...]:
    """The losses at every measurement; the training loss is the mean of the batches since the one before."""
    marks, before = [], 0
    for step, validation in measured:
        batch = losses[before:step]
        marks.append(Mark(step, sum(batch) / len(batch) if batch else None, validation))
        before = step
    return tuple(marks)


def _number(kind: str) -> int:
    return int(kind.removeprefix("phase"))


def _recipe(kind: str) -> dict[str, Any]:
    """How a kind is trained; nothing for the base model."""
    if kind == BASE:
        return {}
    return asdict(AdaptConfig()) if kind == ADAPT else asdict(PHASES[_number(kind)])


def _gpt2() -> Tokenizer:
    return Tokenizer.from_file(vocabulary("gpt2"))
