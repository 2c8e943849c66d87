"""One arm on one project with one seed: the training, and what it came to at each look.

Knows: torch, the loop, when to look. Must not know: which arms there are, the file of rows, verdicts.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from slm_lsp.data import vocabulary
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.evaluation.copier import Copier
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.experiment.quality import completer_of
from slm_lsp.trainer.experiment.study.arms import STEPS, Arm
from slm_lsp.trainer.experiment.study.material import Material
from slm_lsp.trainer.experiment.study.rows import Look, Row, find
from slm_lsp.trainer.job import random_windows
from slm_lsp.trainer.loop import Budget, Loss, Run, RunState, cross_entropy
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.phases import PHASES
from slm_lsp.trainer.scratch import phase_job
from slm_lsp.trainer.softmax import SampledSoftmax, full_loss

WINDOWS = 12
"""Most windows over which a training loss is taken."""


def row_of(arm: Arm, material: Material, earlier: Sequence[Row]) -> Row:
    """Train and judge one arm; `earlier` rows hold the arms that it is held against. Raises SlmLspError."""
    if arm.start == "copier":
        return _copier(arm, material)
    if arm.start == "untrained":
        return _untrained(arm, material)
    if arm.start == "phase":
        return _phase(arm, material)
    return _Training(arm, material, earlier).row()


def base_hash(base: Checkpoint) -> str:
    """The first digits of a hash of a loaded checkpoint's weights and gate, all that a row takes from it."""
    found = hashlib.sha256(json.dumps(base.gate, sort_keys=True).encode())
    for name, tensor in sorted(base.tensors().items()):
        found.update(name.encode() + tensor.tobytes())
    return found.hexdigest()[:12]


def _copier(arm: Arm, material: Material) -> Row:
    ask, tokenizer = material.examination.ask, material.base.tokenizer()
    alone, served = ask(Copier(tokenizer)), ask(Copier(tokenizer, material.known))
    return Row(
        arm.name, material.project, material.seed, 0, 0, (Look(0, 0, None, None, None, 0, alone, served=served),)
    )


def _untrained(arm: Arm, material: Material) -> Row:
    base, ask = material.base, material.examination.ask
    validation = material.validation(base.tokenizer())
    loss = full_loss(TinyGPT.load(base.folder), validation.ids)
    completer = Completer(base)
    alone, served = ask(completer), ask(completer, memory=True)
    look = Look(0, 0, None, loss, validation.bits(loss), 0, alone, served=served)
    return Row(arm.name, material.project, material.seed, base.config.parameters, 0, (look,), base_hash(base))


def _phase(arm: Arm, material: Material) -> Row:
    """A phase to its published end; its losses are over its own tokens, its bits over the study's."""
    job = phase_job(
        PHASES[arm.phase], (*material.parts.train, *material.parts.validation), seed=material.seed, seconds=None,
        device="cpu", state_file=None,
    )  # fmt: skip
    began = time.process_time()
    job.run.run(stop=job.ended)
    spent = time.process_time() - began
    model, state = job.run.model.eval(), job.run.state
    losses, validation = job.losses(model), material.validation(job.tokenizer)
    bits = validation.bits(full_loss(model, validation.ids))
    completer, ask = completer_of(model, job.tokenizer, job.prompt), material.examination.ask
    look = Look(
        state.step, state.tokens / job.tokens, losses.train, losses.validation, bits, spent, ask(completer),
        served=ask(completer, memory=True) if arm.memory else None,
    )  # fmt: skip
    return Row(arm.name, material.project, material.seed, model.config.parameters, job.tokens, (look,))


class _Training:
    """A training that stops for looks."""

    def __init__(self, arm: Arm, material: Material, earlier: Sequence[Row]) -> None:
        self._arm, self._material = arm, material
        base = material.base
        self._tokenizer = base.tokenizer() if arm.model is None else Tokenizer.from_file(vocabulary(arm.vocabulary))
        self._text = material.learned(arm.tokens, self._tokenizer)
        self._validation = material.validation(self._tokenizer)
        self._against = _held_against(arm, material, earlier)
        self._looks: list[Look] = []
        self._spent, self._mark = 0.0, 0.0

    def row(self) -> Row:
        """Train until the last look."""
        arm, material = self._arm, self._material
        torch.manual_seed(material.seed)
        model = TinyGPT.load(material.base.folder) if arm.model is None else TinyGPT(arm.model)
        # An arm that is held against another's time may take as many steps as that gives it.
        most = max(arm.looks) * (1 if self._against is None else 100)
        loss: Loss = SampledSoftmax(self._text.ids, model.config.vocab_size, seed=material.seed)
        run = Run(
            model, random_windows(self._text.ids, model.config.context, arm.rows, material.seed),
            recipe=Recipe(arm.muon_lr, arm.adam_lr, weight_decay=0.0, warmup=arm.warmup, decay=arm.decay),
            budget=Budget(steps=most), loss=cross_entropy if arm.start == "base" else loss,
        )  # fmt: skip
        self._mark = time.process_time()
        run.run(lambda state: self._on_step(model, state), self._done)
        parameters, tokens = model.config.parameters, len(self._text.ids)
        made_from = base_hash(material.base) if arm.start == "base" else ""
        return Row(arm.name, material.project, material.seed, parameters, tokens, tuple(self._looks), made_from)

    def _done(self) -> bool:
        taken = [look.at for look in self._looks]
        return taken.count("step") == len(self._arm.looks) and (
            self._against is None or {"passes", "time"} <= set(taken)
        )

    def _on_step(self, model: TinyGPT, state: RunState) -> None:
        self._spent += time.process_time() - self._mark
        due = ["step"] if state.step in self._arm.looks else []
        if self._against:
            passes = state.tokens / len(self._text.ids)
            reached = {"passes": passes >= self._against.passes, "time": self._spent >= self._against.cpu}
            due += [why for why, there in reached.items() if there and why not in [look.at for look in self._looks]]
        if due:
            first = self._look(model.eval(), state, due[0])
            self._looks += [replace(first, at=why) for why in due]
            model.train()
        self._mark = time.process_time()

    def _look(self, model: TinyGPT, state: RunState, at: str) -> Look:
        from_base = self._arm.start == "base"
        base, ask = self._material.base, self._material.examination.ask
        completer = completer_of(
            model, self._tokenizer, base.prompt if from_base else "prefix", gate=base.gate if from_base else None
        )
        with_memory = self._arm.memory and state.step >= min(STEPS, max(self._arm.looks))
        validation = full_loss(model, self._validation.ids)
        return Look(
            state.step, state.tokens / len(self._text.ids), full_loss(model, self._text.ids, WINDOWS), validation,
            self._validation.bits(validation), self._spent, ask(completer), at,
            ask(completer, memory=True) if with_memory else None,
        )  # fmt: skip


def _held_against(arm: Arm, material: Material, earlier: Sequence[Row]) -> Look | None:
    """The other arm's look at STEPS; raises TrainingError where that arm has no row yet."""
    if arm.against is None:
        return None
    row = find(earlier, arm.against, material.project, material.seed)
    look = row.at(STEPS) if row else None
    if look is None:
        raise TrainingError(f"{arm.name} is held against {arm.against}, which has no row for {material.project} yet")
    return look
