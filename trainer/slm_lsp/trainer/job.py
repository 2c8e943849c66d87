"""A job: one training run made ready, with all that the orchestration asks of it.

Knows: what adapting and the phases have in common. Must not know: how either prepares its data, what is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.loop import Batches, Run
from slm_lsp.trainer.phases import PhaseConfig

TokenIds = Tensor
"""A stream (N,) of token ids, int64."""


@dataclass(frozen=True)
class Losses:
    """Mean losses in nats a token, over the whole vocabulary; NaN where there is nothing to measure on."""

    train: float
    """On the tokens trained on."""
    validation: float
    """On tokens of the same repository that are not."""

    @property
    def gap(self) -> float:
        """How much worse the model does on what it has not seen."""
        return self.validation - self.train


@dataclass
class Job:
    """A run that is ready to start or to resume."""

    kind: str
    """`adapt`, or `phase0` to `phase4`."""
    title: str
    """What it is, for people."""
    run: Run
    """The loop."""
    tokenizer: Tokenizer
    """The model's vocabulary."""
    prompt: str
    """How the model is asked: one of PROMPTS of the checkpoint."""
    tokens: int
    """Training tokens."""
    losses: Callable[[TinyGPT], Losses]
    """The true losses of the model."""
    keep_best: bool
    """Whether the weights with the lowest validation loss are kept, or the last ones."""
    ended: Callable[[], bool] = lambda: False
    """Whether the run has come to its end before its budget."""
    expected_steps: int | None = None
    """Steps after which it probably ends, where that is not for the budget to say."""
    phase: PhaseConfig | None = None
    """The phase it rebuilds, if it does."""
    notes: list[str] = field(default_factory=list)
    """What the user should know beforehand."""
    recipe: dict[str, Any] = field(default_factory=dict)
    """Everything that decides what is computed, as JSON-ready values; a run is only resumed under the same."""

    @property
    def over(self) -> bool:
        """Whether there is nothing left to train: the budget is spent, or the end has been reached."""
        return self.run.finished or self.ended()

    def fraction(self) -> float:
        """How far the run is, from 0 to 1, as far as one can tell."""
        if self.expected_steps is None:
            return self.run.progress
        return min(max(self.run.state.step / self.expected_steps, self.run.progress), 0.99)


def pick_device(name: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu` or `cuda`; raises TrainingError when there is no such device."""
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError("this torch finds no CUDA device; use --device cpu")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def windows(stream: TokenIds, starts: Tensor, context: int) -> Tensor:
    """Rows (B, context + 1) of a stream, from `starts` (B,); past its end it begins again."""
    return stream[(starts[:, None] + torch.arange(context + 1)) % len(stream)]


def random_windows(stream: TokenIds, context: int, rows: int, seed: int) -> Batches:
    """Batches of rows at random places; a pure function of the step."""

    def batch(step: int, progress: float) -> Tensor:
        draw = torch.Generator().manual_seed(seed * 1_000_003 + step)
        return windows(stream, torch.randint(len(stream), (rows,), generator=draw), context)

    return batch
