"""What is seen while a run goes on: a live bar on a terminal, a plain line every ten seconds elsewhere.

Knows: rich, a job's state. Must not know: what is trained, what comes after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from slm_lsp.trainer.job import Job
from slm_lsp.trainer.loop import RunState

EVERY = 10.0
"""Seconds between two plain lines."""
SMOOTH = 20
"""Steps over which the training loss is averaged."""


def status_line(job: Job) -> str:
    """Step, losses, speed and time left of a job, in one line."""
    state = job.run.state
    recent = state.losses[-SMOOTH:]
    parts = [f"step {state.step}"]
    if recent:
        parts.append(f"loss {sum(recent) / len(recent):.2f}")
    if state.measured:
        parts.append(f"validation {state.measured[-1][1]:.2f}")
    if state.seconds:
        parts.append(f"{state.tokens / state.seconds:,.0f} tokens/s")
    return "  ".join([*parts, _time_left(job)])


def _time_left(job: Job) -> str:
    done = job.fraction()
    if not 0 < done < 0.99:
        return "soon done" if done else ""
    seconds = job.run.state.seconds * (1 / done - 1)
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"


class Display:
    """The terminal, or whatever stdout is."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        """One line of plain text."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def training(self, job: Job) -> Iterator[Callable[[RunState], None]]:
        """While inside, the given callback shows every step."""
        if not self._console.is_terminal:
            yield self._plain_lines(job)
            return
        with self._bar() as bar:
            task = bar.add_task(job.title, total=1.0, status="")

            def on_step(state: RunState) -> None:
                bar.update(task, completed=job.fraction(), status=status_line(job))

            yield on_step
            bar.update(task, completed=1.0, status=status_line(job).replace("soon done", ""))

    @contextmanager
    def counting(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """While inside, the given callback counts one of `total`."""
        if not self._console.is_terminal:
            self.say(title)
            yield lambda: None
            return
        with self._bar() as bar:
            task: TaskID = bar.add_task(title, total=total, status="")
            yield lambda: bar.advance(task)

    def _bar(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[status]}"))
        return Progress(*columns, console=self._console)

    def _plain_lines(self, job: Job) -> Callable[[RunState], None]:
        last = time.monotonic()
        self.say(f"{job.title}: {job.tokens:,} tokens")

        def on_step(state: RunState) -> None:
            nonlocal last
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                self.say(f"{job.kind}  {status_line(job)}")

        return on_step
