"""The base model adapted to a repository: a few passes over its files, stopped where other files get no better.

Knows: how documents of a repository become tokens, the fine-tuning recipe. Must not know: phases, what is printed,
the library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from slm_lsp.model.network import TinyGPT
from slm_lsp.model.repository import SourceFile
from slm_lsp.model.runtime.checkpoint import CONFIG, Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.fim import DocumentWriter, FimRecipe
from slm_lsp.trainer.job import Job, Losses, TokenIds, random_windows
from slm_lsp.trainer.loop import Budget, Compute, Run
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.softmax import full_loss
from slm_lsp.trainer.split import Parts


@dataclass(frozen=True)
class AdaptConfig:
    """How the base model is adapted."""

    epochs: float = 8.0
    """Passes over the training files, where time allows."""
    seconds: float = 240.0
    """Most training time; the schedule ends then, whatever the machine."""
    rows: int = 4
    """Sequences of the base model's context in a batch."""
    muon_lr: float = 0.005
    """Peak rate of the blocks' matrices."""
    adam_lr: float = 1e-3
    """Peak rate of the embedding and the norms."""
    measures: int = 10
    """Times the validation loss is measured during the run."""
    patience: int = 4
    """Measurements without a better one after which it ends."""
    measured_windows: int = 32
    """Most windows of the context over which a loss is measured."""


def document_stream(files: Sequence[SourceFile], tokenizer: Tokenizer, *, fim: bool, seed: int) -> TokenIds:
    """The files one after another as the base model's corpus has them, with holes to fill where `fim` says so."""
    recipe = FimRecipe(share=FimRecipe().share if fim else 0.0, seed=seed)
    documents = DocumentWriter(tokenizer, recipe).encode([(file.path, file.text) for file in files])
    return torch.tensor([number for document in documents for number in document], dtype=torch.int64)


def adapt_job(
    parts: Parts, base: Checkpoint, *, seed: int, seconds: float | None, device: str, state_file: Path | None,
    config: AdaptConfig | None = None,
) -> Job:  # fmt: skip
    """The base model, ready to learn the files of `parts`."""
    config = config or AdaptConfig()
    tokenizer = base.tokenizer()
    train = document_stream(parts.train, tokenizer, fim=base.prompt == "fim", seed=seed)
    validation = document_stream(parts.validation, tokenizer, fim=False, seed=seed)
    context = base.config.context
    steps = max(round(config.epochs * len(train) / (config.rows * context)), 10)

    def measure(model: TinyGPT) -> float:
        return full_loss(model, validation, config.measured_windows)

    torch.manual_seed(seed)
    run = Run(
        TinyGPT.load(base.folder), random_windows(train, context, config.rows, seed),
        recipe=Recipe(config.muon_lr, config.adam_lr, weight_decay=0.0, warmup=0.1, decay=0.9),
        budget=Budget(steps=steps, seconds=seconds or config.seconds, patience=config.patience),
        compute=Compute(device=device), measure=measure if parts.validation else None,
        measure_every=max(steps // config.measures, 1), state_file=state_file,
    )  # fmt: skip
    return Job(
        kind="adapt", title="adapting the base model", run=run, tokenizer=tokenizer, prompt=base.prompt,
        tokens=len(train), keep_best=bool(parts.validation),
        losses=lambda model: Losses(full_loss(model, train, config.measured_windows), measure(model)),
        recipe={**asdict(config), "base": hashlib.sha256((base.folder / CONFIG).read_bytes()).hexdigest()},
    )  # fmt: skip
