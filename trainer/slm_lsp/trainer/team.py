"""Processes that train one network together: each takes batches of its own, and their gradients are averaged.

Knows: processes, how numbers are shared between them. Must not know: networks, data, schedules.

On a processor, two processes of one thread each train faster than one of two threads: they wait for each other once a
step and not in every operation.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slm_lsp.model.errors import TrainingError

WAIT = timedelta(minutes=10)
"""How long one waits for the others: the first step of each compiles."""
_ENDING = 5.0
_GLANCE = 0.05


@dataclass(frozen=True)
class Team:
    """One process's view of all; alone, it has nobody to ask."""

    rank: int = 0
    """Which of them this is; the first one keeps the state and speaks."""
    size: int = 1
    """How many there are."""

    @property
    def leads(self) -> bool:
        """Whether this is the first one."""
        return self.rank == 0

    def average(self, parameters: Iterable[Tensor], loss: float) -> float:
        """Replace the gradients by their mean over all, in place; the mean of the loss. Raises TrainingError."""
        if self.size == 1:
            return loss
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([*(one.flatten() for one in gradients), torch.tensor([loss])])
        _shared(lambda: torch.distributed.all_reduce(flat))
        flat /= self.size
        for gradient, mean in zip(gradients, flat.split([*(one.numel() for one in gradients), 1]), strict=False):
            gradient.copy_(mean.view_as(gradient))
        return float(flat[-1])

    def agree(self, *values: float) -> list[float]:
        """The first one's values, for all. Raises TrainingError."""
        if self.size == 1:
            return list(values)
        told = torch.tensor(values, dtype=torch.float64)
        _shared(lambda: torch.distributed.broadcast(told, 0))
        return told.tolist()


ALONE = Team()
"""One process without others."""


def _shared(exchange: Callable[[], object]) -> None:
    try:
        exchange()
    except RuntimeError as error:  # the connection broke: a process was killed, or failed and has said why
        raise TrainingError(
            f"another process of the training ended ({str(error)[:100]}); the same command goes on from the last save"
        ) from error


@contextmanager
def gathered(size: int, work: Callable[..., Any], *arguments: object) -> Iterator[Team]:
    """A team of so many processes; the others call `work(team, *arguments)`, which must be importable, and then end."""
    if size == 1:
        yield ALONE
        return
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        context = multiprocessing.get_context("spawn")
        others = [
            context.Process(target=_join, args=(meeting, rank, size, work, arguments), daemon=True)
            for rank in range(1, size)
        ]
        for other in others:
            other.start()
        try:
            yield _meet(meeting, 0, size, others)
        finally:
            torch.set_num_threads(threads)
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
            for other in others:
                other.join(_ENDING)
                other.kill()


def _join(meeting: str, rank: int, size: int, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    work(_meet(meeting, rank, size), *arguments)


def _meet(meeting: str, rank: int, size: int, others: Sequence[BaseProcess] = ()) -> Team:
    torch.set_num_threads(max((os.cpu_count() or 1) // size, 1))
    store = torch.distributed.FileStore(meeting, size)  # type: ignore[attr-defined]
    store.set(f"here {rank}", "")
    while others and not store.check([f"here {other}" for other in range(1, size)]):
        if any(other.exitcode is not None for other in others):  # it would be waited for in vain
            raise TrainingError("another process of the training ended before it began; it has said why above")
        time.sleep(_GLANCE)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=WAIT)
    return Team(rank, size)
