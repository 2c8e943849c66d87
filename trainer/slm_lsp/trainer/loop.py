"""The training loop: batches in, better weights out; interruptible at every step and resumable from disk.

Knows: steps, budgets, the best weights so far, the state file. Must not know: where batches come from, what a
repository or a corpus is, how progress is drawn.

Shapes: B batch, T time, V vocabulary. A batch is (B, T + 1) int64: inputs are [:, :-1], targets [:, 1:].
"""

from __future__ import annotations

import contextlib
import math
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.network.weights import write_torch
from slm_lsp.trainer.optimizer import Optimizer, Recipe
from slm_lsp.trainer.team import ALONE, Team

Batches = Callable[[int, float], Tensor]
"""(number, progress) -> that batch; a pure function, so that a resumed run sees no other data."""
Loss = Callable[[TinyGPT, Tensor, int], Tensor]
"""(model, batch, step) -> the scalar loss to minimize."""
Measure = Callable[[TinyGPT], float]
"""The validation loss; lower is better."""


def cross_entropy(model: TinyGPT, batch: Tensor, step: int = 0) -> Tensor:
    """Mean negative log-likelihood of a batch (B, T + 1), in nats a token."""
    logits = model(batch[:, :-1])  # (B, T, V)
    return F.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())


@dataclass(frozen=True)
class Budget:
    """When a run ends: after `steps`, `tokens` or `seconds`, whichever comes first; at least one is given."""

    steps: int | None = None
    """Optimizer steps."""
    tokens: int | None = None
    """Tokens trained on, whatever the size of a batch was or becomes."""
    seconds: float | None = None
    """Wall-clock time, earlier sessions of a resumed run included."""
    patience: int | None = None
    """Measurements without a better validation loss after which the run ends early."""

    def progress(self, state: RunState) -> float:
        """How far the run is, from 0 to 1; drives the learning rate, so that every run ends decayed."""
        spent = ((state.step, self.steps), (state.tokens, self.tokens), (state.seconds, self.seconds))
        return min(max(done / most if most else 0.0 for done, most in spent), 1.0)


@dataclass
class RunState:
    """Everything that changes during a run."""

    step: int = 0
    """Optimizer steps done."""
    tokens: int = 0
    """Tokens trained on."""
    drawn: int = 0
    """Batches taken, by all processes."""
    seconds: float = 0.0
    """Time spent, over all sessions."""
    loss: float = float("nan")
    """Training loss of the last step."""
    losses: list[float] = field(default_factory=list)
    """Training loss of every step."""
    measured: list[tuple[int, float]] = field(default_factory=list)
    """(step, validation loss) of every measurement."""
    best_loss: float = float("inf")
    """The lowest validation loss."""
    best_step: int = 0
    """The step it was measured at."""
    worse: int = 0
    """Measurements since then."""
    ended: bool = False
    """Whether it has come to an end of its own before its budget; whoever measures the run says so."""
    recipes: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """(tokens before it, recipe) of every recipe that a run was begun or resumed with, where it is another one."""


@dataclass(frozen=True)
class Compute:
    """Where and how the arithmetic is done."""

    device: str = "cpu"
    """`cpu` or `cuda`."""
    compile: bool = False
    """Whether to try torch.compile; eager is used where it fails (no C compiler, say)."""

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 where the processor computes in it, float32 elsewhere."""
        if self.device == "cuda" or native_bfloat16():
            return torch.autocast(self.device, dtype=torch.bfloat16)
        return contextlib.nullcontext()


def native_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; emulated, it is slower than float32."""
    with contextlib.suppress(OSError):
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    return False


def stable_file(state_file: Path) -> Path:
    """Where a run keeps its state from before the learning rate fell."""
    return state_file.with_suffix(".stable.pt")


class Run:
    """One training run: call `run` until it returns; call it again on a new Run with the same file to resume."""

    def __init__(
        self, model: TinyGPT, batches: Batches, *, recipe: Recipe, budget: Budget, compute: Compute | None = None,
        loss: Loss = cross_entropy, measure: Measure | None = None, measure_every: int = 50,
        state_file: Path | None = None, save_every: float = 60.0, keep_at: float | None = None,
        team: Team = ALONE,
    ) -> None:  # fmt: skip
        if budget.steps is budget.tokens is budget.seconds is None:
            raise TrainingError("a run needs a budget of steps, of tokens or of seconds")
        self.compute = compute or Compute()
        self.model = model.to(self.compute.device)
        self.state = RunState()
        self.budget = budget
        self._batches, self._measure, self._measure_every = batches, measure, measure_every
        self._optimizer = Optimizer(self.model, recipe)
        self._loss, self._eager_loss = (torch.compile(loss) if self.compute.compile else loss), loss
        self._state_file, self._save_every, self._keep_at = state_file, save_every, keep_at
        self._team = team
        self._best: dict[str, Tensor] | None = None

    @property
    def progress(self) -> float:
        """How far the run is, from 0 to 1."""
        return self.budget.progress(self.state)

    @property
    def finished(self) -> bool:
        """Whether the budget is spent, or patience with it."""
        patience = self.budget.patience
        return self.progress >= 1 or (patience is not None and self.state.worse >= patience)

    def run(
        self, on_step: Callable[[RunState], None] = lambda state: None, stop: Callable[[], bool] = lambda: False
    ) -> RunState:
        """Train until the budget is spent or `stop` says so; then load the best measured weights.

        The state file is written every `save_every` seconds and at the end, so that a killed run loses little; where
        progress passes `keep_at`, also as `stable_file`, from which a longer run can start.
        """
        self.model.train()
        saved = time.monotonic()
        while not self._told_to(stop) and not self.finished:  # in this order: all must judge by one clock
            started, before = time.monotonic(), self.progress
            self._step()
            if self._measure and self.state.step % self._measure_every == 0:
                self.take_measure()
            self.state.seconds += time.monotonic() - started
            on_step(self.state)
            if self._state_file and self._keep_at is not None and before <= self._keep_at < self.progress:
                self.save(stable_file(self._state_file))
            if self._state_file and time.monotonic() - saved > self._save_every:
                self.save()
                saved = time.monotonic()
        if self._state_file:
            self.save()
        return self.state

    def _told_to(self, stop: Callable[[], bool]) -> bool:
        """Whether the run is to stop; all of a team stop at once, and share one clock."""
        stopped, self.state.seconds = self._team.agree(stop(), self.state.seconds)
        return bool(stopped)

    def _step(self) -> None:
        draw = self.state.drawn + self._team.rank  # no two of a team see the same batch
        batch = self._batches(draw, self.progress).to(self.compute.device, non_blocking=True)
        self.state.loss = self._team.average(self.model.parameters(), float(self._backward(batch)))
        self._optimizer.step(self.progress)
        if not math.isfinite(self.state.loss):
            raise TrainingError(f"the loss became {self.state.loss} at step {self.state.step}; lower the learning rate")
        self.state.losses.append(self.state.loss)
        self.state.step += 1
        self.state.drawn += self._team.size
        self.state.tokens += batch.shape[0] * (batch.shape[1] - 1) * self._team.size

    def _backward(self, batch: Tensor) -> Tensor:
        """The loss, with gradients; falls back to eager when compiling fails at the first step."""
        try:
            with self.compute.autocast():
                loss = self._loss(self.model, batch, self.state.step)
            loss.backward()
        except Exception:
            if self._loss is self._eager_loss:
                raise
            self._loss = self._eager_loss
            return self._backward(batch)
        return loss.detach()

    def take_measure(self) -> float:
        """The validation loss now; remembers the weights when it is the lowest so far."""
        if self._measure is None:
            raise TrainingError("this run has nothing to measure")
        self.model.eval()
        with torch.no_grad(), self.compute.autocast():
            value = self._measure(self.model)
        self.model.train()
        self.state.measured.append((self.state.step, value))
        if value < self.state.best_loss:
            self.state.best_loss, self.state.best_step, self.state.worse = value, self.state.step, 0
            self._best = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
        else:
            self.state.worse += 1
        return value

    def load_best(self) -> None:
        """Put the best measured weights into the model, if any were measured."""
        if self._best is not None:
            self.model.load_state_dict(self._best)

    # --- the state file -------------------------------------------------------------------------------------

    def save(self, path: Path | None = None) -> None:
        """Write everything needed to resume, atomically, to the state file or to `path`. Raises Unwritable."""
        path = path or self._state_file
        if not self._team.leads:
            return
        if path is None:
            raise TrainingError("this run has no state file")
        content = {
            "state": vars(self.state), "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(), "best": self._best,
        }  # fmt: skip
        write_torch(path, content)

    def resume(self) -> bool:
        """Go on from the state file; False when there is none. Raises TrainingError when it does not fit."""
        if self._state_file is None or not self._state_file.exists():
            return False
        try:
            with zipfile.ZipFile(self._state_file) as archive:  # torch does not look at the checksums
                if broken := archive.testzip():
                    raise ValueError(f"the checksum of {broken} is not the recorded one")
            content = torch.load(self._state_file, map_location=self.compute.device, weights_only=True)
            self.model.load_state_dict(content["model"])
            self._optimizer.load_state_dict(content["optimizer"])
            self.state = RunState(**{"drawn": content["state"]["step"], **content["state"]})
            self._best = content["best"]
        except Exception as error:  # torch reports unreadable files by many unrelated types
            raise TrainingError(
                f"{self._state_file}: cannot resume from it ({error}); start without --resume"
            ) from error
        return True
