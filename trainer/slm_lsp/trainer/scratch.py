"""A phase rebuilt from scratch: the repository's first tokens, the published shape, training to the published end.

Knows: how a phase's data is cut from files. Must not know: the base model, what is printed, the library.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch

from slm_lsp.data import vocabulary
from slm_lsp.model.evaluation import imports_chromadb
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.repository import SourceFile
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.job import Job, Losses, TokenIds, random_windows
from slm_lsp.trainer.loop import Budget, Compute, Run
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.phases import GIVE_UP, TRAINED_SHARE, PhaseConfig
from slm_lsp.trainer.softmax import SampledSoftmax, full_loss

RECENT = 10
"""Steps whose mean loss estimates the training loss."""
NEAR = 1.02
"""The costly training loss is measured once the estimate of the steps is within this factor of the end."""


def in_order(files: Iterable[SourceFile]) -> list[SourceFile]:
    """The files in the order in which a phase reads them: those that use ChromaDB first."""
    return sorted(files, key=lambda file: (not imports_chromadb(file.text), file.path))


def first_tokens(files: Iterable[SourceFile], tokenizer: Tokenizer, count: int) -> TokenIds:
    """The first `count` tokens of the files, those that use ChromaDB first, each closed by the end token."""
    ids: list[int] = []
    end = tokenizer.special("end")
    for file in in_order(files):
        ids += tokenizer.encode(file.text)
        ids += [] if end is None else [end]
        if len(ids) >= count:
            break
    return torch.tensor(ids[:count])


class EndWatch:
    """Notices when a run has come to its phase's end, without measuring the training loss at every step."""

    def __init__(self, phase: PhaseConfig, train: TokenIds, validation: TokenIds) -> None:
        self._phase, self._train, self._validation = phase, train, validation
        self._run: Run | None = None

    @property
    def reached(self) -> bool:
        """Whether the true losses were at the end when last measured; a resumed run's state knows it, too."""
        return self._run is not None and self._run.state.ended

    def watch(self, run: Run) -> None:
        """Look at this run's steps from now on."""
        self._run = run

    def measure(self, model: TinyGPT) -> float:
        """The validation loss; on the way the end is noticed."""
        validation = full_loss(model, self._validation)
        state = self._run.state if self._run else None
        recent = state.losses[-RECENT:] if state else []
        if state and recent and self._near(sum(recent) / len(recent)):
            state.ended = self._phase.end.reached(full_loss(model, self._train), validation)
        return validation

    def _near(self, estimate: float) -> bool:
        """Whether the estimate of the training loss makes measuring it worth the time; for a gap it always is."""
        end = self._phase.end.train
        return end is None or estimate <= NEAR * end


def phase_job(
    phase: PhaseConfig, files: Iterable[SourceFile], *, seed: int, seconds: float | None, device: str,
    state_file: Path | None,
) -> Job:  # fmt: skip
    """A phase over a repository's files, held-out ones excepted."""
    tokenizer = Tokenizer.from_file(vocabulary("gpt2"))
    stream = first_tokens(files, tokenizer, phase.tokens)
    cut = round(TRAINED_SHARE * len(stream))
    train, validation = stream[:cut], stream[cut:]
    torch.manual_seed(seed)
    watch = EndWatch(phase, train, validation)
    run = Run(
        TinyGPT(phase.model), random_windows(train, phase.model.context, phase.rows, seed),
        recipe=Recipe(phase.muon_lr, phase.adam_lr, weight_decay=0.0, warmup=0.0, decay=0.0),
        budget=Budget(steps=GIVE_UP * phase.steps, seconds=seconds), compute=Compute(device=device),
        loss=SampledSoftmax(train, phase.model.vocab_size, seed=seed),
        measure=watch.measure, measure_every=phase.measure_every, state_file=state_file,
    )  # fmt: skip
    watch.watch(run)
    notes = []
    if len(stream) < phase.tokens:
        notes.append(
            f"phase {phase.number} was published with {phase.tokens:,} tokens; this repository has "
            f"{len(stream):,} to learn from, so all of them are used"
        )
    return Job(
        kind=phase.kind, title=f"phase {phase.number}: {phase.title}", run=run, tokenizer=tokenizer, prompt="prefix",
        tokens=len(train),
        losses=lambda model: Losses(full_loss(model, train), full_loss(model, validation)),
        keep_best=False, ended=lambda: watch.reached, expected_steps=phase.steps, phase=phase, notes=notes,
        recipe=asdict(phase),
    )  # fmt: skip
