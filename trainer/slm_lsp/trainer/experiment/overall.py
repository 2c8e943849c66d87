"""Progress over the whole experiment: which phase, its step, the time left in all.

Knows: about how much work each phase is beside the others. Must not know: what is trained, what comes after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from slm_lsp.trainer.job import Job
from slm_lsp.trainer.loop import RunState
from slm_lsp.trainer.progress import EVERY, Display, status_line

WORK = {"base": 8.0, "phase0": 70.0, "phase1": 25.0, "phase2": 20.0, "phase3": 75.0, "phase4": 120.0, "adapt": 150.0}
"""Seconds of processor time that each kind took on one project; only their proportions count."""
TRAINING = 0.6
"""Share of a kind's work that is training; the rest is judging."""


class Overall(Display):
    """A display that knows of all kinds to come."""

    def __init__(self, console: Console, kinds: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console)
        self._kinds, self._clock = list(kinds), clock
        self._at, self._within = 0, 0.0
        self._began: tuple[float, float] | None = None

    def begin(self, kind: str) -> str:
        """A kind begins; its name with its place among all."""
        self._at, self._within = self._kinds.index(kind), 0.0
        if self._began is None:  # what was finished before this session tells nothing of its speed
            self._began = self._clock(), self.done
        return f"{kind} ({self._at + 1} of {len(self._kinds)})"

    @property
    def done(self) -> float:
        """How much of the whole is done, from 0 to 1."""
        work = [WORK[kind] for kind in self._kinds]
        return (sum(work[: self._at]) + self._within * work[self._at]) / sum(work)

    def left(self) -> str:
        """The whole's share that is done, and the time left for the rest as far as one can tell."""
        began, before = self._began or (self._clock(), 0.0)
        share, spent = self.done - before, self._clock() - began
        if share <= 0.01 or spent < 2:
            return f"{self.done:.0%} of all"
        seconds = spent / share * (1 - self.done)
        time_left = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
        return f"{self.done:.0%} of all, about {time_left} left"

    @contextmanager
    def training(self, job: Job) -> Iterator[Callable[[RunState], None]]:
        """While inside, the given callback shows every step, and the whole beside it."""
        with self._shown(job.title) as show:

            def on_step(state: RunState) -> None:
                self._within = TRAINING * job.fraction()
                show(job.fraction(), f"{status_line(job)}  ({self.left()})")

            yield on_step
        self._within = TRAINING

    @contextmanager
    def counting(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """While inside, the given callback counts one of `total`, which are the rest of the kind's work."""
        counted, start = 0, self._within
        with self._shown(title) as show:

            def on_one() -> None:
                nonlocal counted
                counted += 1
                self._within = start + (1 - start) * counted / max(total, 1)
                show(counted / max(total, 1), f"{counted} of {total}  ({self.left()})")

            yield on_one

    @contextmanager
    def _shown(self, title: str) -> Iterator[Callable[[float, str], None]]:
        """A live bar on a terminal, a plain line every ten seconds elsewhere."""
        if self._console.is_terminal:
            with self._bar() as bar:
                task = bar.add_task(title, total=1.0, status="")
                yield lambda share, status: bar.update(task, completed=share, status=status)
            return
        self.say(title)
        last = self._clock()

        def line(share: float, status: str) -> None:
            nonlocal last
            if self._clock() - last >= EVERY:
                last = self._clock()
                self.say(f"  {status}")

        yield line
