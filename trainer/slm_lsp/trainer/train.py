"""`slm-lsp train`, from a folder to a model in use: read, split, train, measure, write, decide, report.

Knows: the order of things. Must not know: how any of them is done, or what the terminal looks like.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slm_lsp.data import base_in_use
from slm_lsp.model.errors import CheckpointError, TrainingError
from slm_lsp.model.evaluation import choose
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.repository import Repository
from slm_lsp.model.runtime.checkpoint import CONFIG, Checkpoint
from slm_lsp.trainer.adapt import adapt_job
from slm_lsp.trainer.export import export
from slm_lsp.trainer.gating import refit_gate
from slm_lsp.trainer.interrupt import GO_ON, interruptible, stoppable
from slm_lsp.trainer.job import Job, pick_device
from slm_lsp.trainer.judge import POINTS, Verdict, judge
from slm_lsp.trainer.phases import PHASES
from slm_lsp.trainer.progress import Display
from slm_lsp.trainer.report import Report, card, finite
from slm_lsp.trainer.samples import generate_samples
from slm_lsp.trainer.scratch import phase_job
from slm_lsp.trainer.split import Parts, split
from slm_lsp.trainer.states import SavedState, fingerprint

GATE_POINTS = 80
"""Cursors in the files that tell when to stop, at which the trained model learns when to be silent."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    repository: Repository
    """The project, read."""
    phase: int | None = None
    """The phase to rebuild; None to adapt the base model."""
    out: Path | None = None
    """Folder to write to instead of the library."""
    seed: int = 0
    """Of the split, the weights, the order of the data and the points."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    seconds: float | None = None
    """Most training time; None for the kind's own."""
    resume: bool = False
    """Whether to go on with an interrupted run."""

    @property
    def kind(self) -> str:
        """What the model is called by."""
        return "adapt" if self.phase is None else PHASES[self.phase].kind


def train(request: Request, library: ModelLibrary, display: Display) -> Report:
    """Train, measure and keep a model. Raises SlmLspError; after Ctrl-C in training it reports on the best so far."""
    library.tidy()
    saved = SavedState(request.repository.root, request.kind, library.training)

    def hint() -> None:
        if saved.file.exists():
            display.say(GO_ON)

    with saved.claimed(), stoppable(hint):
        return _train(request, library, display, saved)


def _train(request: Request, library: ModelLibrary, display: Display, saved: SavedState) -> Report:
    started = time.monotonic()
    parts = split(request.repository.files, request.seed)
    folder = _target(request, library)
    job = make_job(request, parts, saved.file)
    made_from = fingerprint((*parts.train, *parts.validation), request.seed, job.recipe)
    going_on = saved.prepare(made_from, resume=request.resume) and job.run.resume()
    _announce(request, parts, job, display, going_on)
    asked = run_job(job, display)
    interrupted = asked and not job.over  # asked in the last step, it cuts nothing short
    model = kept_weights(job, interrupted)
    losses = job.losses(model)
    metrics: dict[str, Any] = {
        "workspace": str(request.repository.root), "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kind": job.kind, "seed": request.seed, "device": job.run.compute.device, "tokens": job.tokens,
        "parameters": model.config.parameters, "steps": job.run.state.step, "epochs": _epochs(job),
        "losses": {"train": losses.train, "validation": losses.validation, **_before(job)}, "gap": losses.gap,
        "training_seconds": round(job.run.state.seconds, 1),
    }  # fmt: skip
    known = {file.path: file.text for file in request.repository.files}
    gate = _gate(job, model, parts, known, request.seed, saved.scratch, display)
    verdict = _judge(job, model, gate, parts, known, request.seed, saved.scratch, display)
    metrics |= {
        "points": verdict.trained.points if verdict.trained else 0,
        "base": asdict(verdict.base) if verdict.base else None,
        "trained": asdict(verdict.trained) if verdict.trained else None,
        "seconds": round(time.monotonic() - started, 1),
    }
    if not verdict.better:
        _take_out_of_use(request, folder, library)  # before it is replaced: what is killed in between is not in use
    _write(job, model, gate, folder, metrics, verdict.why)
    weights_file = _write_phase_weights(request, model, folder)
    if not interrupted:
        saved.clear()
    in_use, why, how = put_to_use(request, folder, verdict, library)
    return Report(
        kind=job.kind, name=folder.name, folder=folder, weights_file=weights_file, interrupted=interrupted,
        in_use=in_use, why=why, how=how, base=verdict.base, trained=verdict.trained, metrics=metrics, phase=job.phase,
        samples=tuple(generate_samples(model, job.tokenizer, parts.held_out)), notes=tuple(job.notes),
    )  # fmt: skip


def _target(request: Request, library: ModelLibrary) -> Path:
    """The folder of the new model; raises TrainingError where something else is in its place."""
    folder = library.folder_for(request.repository.root, request.kind)
    if request.out is not None:
        folder = request.out.resolve() / folder.name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)  # now, not after all the training
        taken = folder.exists() and any(folder.iterdir()) and not (folder / CONFIG).exists()
        writable = os.access(folder.parent, os.W_OK)
    except OSError as error:
        raise TrainingError(f"{folder.parent}: {error.strerror}; name another folder with --out") from error
    if taken or not writable:
        problem = f"{folder} is there and is no model" if taken else f"{folder.parent} is not writable"
        raise TrainingError(f"{problem}; name another folder with --out")
    return folder


def make_job(request: Request, parts: Parts, state_file: Path) -> Job:
    """The run that was asked for, ready to start. Raises CheckpointError, TrainingError."""
    device = pick_device(request.device)
    if request.phase is None:
        base = Checkpoint.open(base_in_use())
        return adapt_job(parts, base, seed=request.seed, seconds=request.seconds, device=device, state_file=state_file)
    return phase_job(
        PHASES[request.phase], (*parts.train, *parts.validation),
        seed=request.seed, seconds=request.seconds, device=device, state_file=state_file,
    )  # fmt: skip


def _announce(request: Request, parts: Parts, job: Job, display: Display, going_on: bool) -> None:
    repository = request.repository
    for skipped in repository.skipped:
        display.say(f"left out: {skipped.path}: {skipped.reason}")
    aside = f"{len(parts.validation)} to stop by, {len(parts.held_out)} to judge by" if parts.held_out else "none"
    display.say(f"{repository.root}: {len(repository.files)} Python files; set aside: {aside}")
    for note in job.notes:
        display.say(f"note: {note}")
    if going_on:
        display.say(f"going on at step {job.run.state.step}")
    elif request.resume:
        display.say("there is no interrupted run to go on with: starting anew")


def run_job(job: Job, display: Display) -> bool:
    """Train to the end or to Ctrl-C; whether the user asked to stop, be it in the last step of all."""
    hint = "stopping after this step; once more to quit at once"
    with interruptible(lambda: display.say(hint)) as asked, display.training(job) as on_step:
        if job.keep_best and not job.run.state.measured:
            job.run.take_measure()
            on_step(job.run.state)
        job.run.run(on_step, lambda: asked() or job.ended())
    return asked()


def kept_weights(job: Job, interrupted: bool) -> TinyGPT:
    """The network with the weights that are kept, on the CPU."""
    run = job.run
    if job.keep_best:
        if interrupted or run.state.measured[-1][0] != run.state.step:
            run.take_measure()
        run.load_best()
    elif not interrupted and job.phase and not job.ended():
        job.notes.append(f"phase {job.phase.number} did not come to its published end in {run.state.step} steps")
    return run.model.cpu().eval()


def _before(job: Job) -> dict[str, float]:
    """The base model's validation loss, where there was a base model to start from."""
    measured = job.run.state.measured
    return {"base_validation": measured[0][1]} if job.phase is None and measured else {}


def _epochs(job: Job) -> float:
    return round(job.run.state.tokens / max(job.tokens, 1), 2)


def _gate(
    job: Job, model: TinyGPT, parts: Parts, known: Mapping[str, str], seed: int, scratch: Path, display: Display
) -> Mapping[str, Any]:
    """How much the memory counts beside the model, and when to be silent: on the files that told when to stop."""
    points = choose(((file.path, file.text) for file in parts.validation), GATE_POINTS, seed)
    with display.counting(f"learning when to be silent, at {len(points)} places", 1) as done:
        folder = scratch / "model"
        _write(job, model, {}, folder, {}, "")
        try:
            gate = refit_gate(Checkpoint.open(folder), [(points, known)], Checkpoint.open(base_in_use()).gate)
        except CheckpointError as error:
            display.say(f"note: it shows everything: there is no base model to compare it with ({error})")
            gate = {}
        done()
    return gate


def _judge(
    job: Job, model: TinyGPT, gate: Mapping[str, Any], parts: Parts, known: Mapping[str, str], seed: int,
    scratch: Path, display: Display,
) -> Verdict:  # fmt: skip
    """Compare with the base model, on a checkpoint exactly like the one that will be kept."""
    points = choose(((file.path, file.text) for file in parts.held_out), POINTS, seed)
    folder = scratch / "model"
    _write(job, model, gate, folder, {}, "")
    try:
        with display.counting(f"completing at {len(points)} places in files set aside", 2 * len(points)) as on_point:
            return judge(folder, base_in_use(), points, known, on_point)
    except CheckpointError as error:
        return Verdict(None, None, False, f"there is no base model to compare it with ({error})")


def _write(job: Job, model: TinyGPT, gate: Mapping[str, Any], folder: Path, metrics: dict[str, Any], why: str) -> None:
    export(
        model, folder, name=folder.name, tokenizer=job.tokenizer, prompt=job.prompt, metrics=finite(metrics),
        gate=gate, card=card(metrics, folder.name, why) if metrics else "",
    )  # fmt: skip


def _write_phase_weights(request: Request, model: TinyGPT, folder: Path) -> Path | None:
    """The phase's `.pt` file: in --out, or in the model's own folder in the library, so that both go together."""
    if request.phase is None:
        return None
    path = (folder.parent if request.out else folder) / f"{request.kind}_model.pt"
    model.save(path)
    return path


def put_to_use(request: Request, folder: Path, verdict: Verdict, library: ModelLibrary) -> tuple[bool, str, str]:
    """Use the model where it is better; whether it is in use, why, and how to do otherwise."""
    if request.out is not None:
        return False, f"it was written to a folder of yours, and {verdict.why}", (
            f'To use it, set "slmLsp.model" to {folder}'
        )  # fmt: skip
    workspace = request.repository.root
    if verdict.better:
        library.use(workspace, folder.name)
        return True, verdict.why, "To go back: slm-lsp models use base"
    _take_out_of_use(request, folder, library)
    return False, verdict.why, f"To use it anyway: slm-lsp models use {folder.name}"


def _take_out_of_use(request: Request, folder: Path, library: ModelLibrary) -> None:
    """Go back to the base model where an earlier model of this name, that was better, is in use."""
    workspace = request.repository.root
    if request.out is None and library.in_use(workspace) == folder.name:
        library.use(workspace, None)
