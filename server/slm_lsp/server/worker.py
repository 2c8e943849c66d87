"""The one thread that computes: newest first, cancellable, never on the event loop.

Knows: threads, futures, which piece of work a newer one replaces. Must not know: LSP, models.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from slm_lsp.model.errors import Cancelled

T = TypeVar("T")
Work = Callable[[Callable[[], bool]], T]
"""A piece of work: it is given `cancelled()`, polls it often, and raises Cancelled once it is true."""

_STOP_SECONDS = 2.0


class _Job:
    def __init__(self, kind: str, work: Work[Any], *, meanwhile: bool, urgent: bool) -> None:
        self.kind = kind
        self.work = work
        self.meanwhile = meanwhile
        self.urgent = urgent
        self.future: Future[Any] = Future()
        self.cancelled = threading.Event()
        self.yields = False
        """Whether it is to stop now and begin anew later."""

    def run(self) -> bool:
        """Do the work; False where it had to yield, and is to be run again."""
        if not self.future.running() and not self.future.set_running_or_notify_cancel():
            return True
        try:
            if self.cancelled.is_set():
                raise Cancelled("a newer request took this one's place")
            self.future.set_result(self.work(lambda: self.yields or self.cancelled.is_set()))
        except BaseException as error:  # a panic in a library's Rust is no Exception, and must not end the thread
            if isinstance(error, Cancelled) and self.yields and not self.cancelled.is_set():
                return False
            self.future.set_exception(error)
        return True


class Worker:
    """Runs one piece of work at a time, the urgent first, then the newest; of each kind only the newest matters."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[_Job] = []
        self._running: _Job | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="slm-lsp-worker", daemon=True)
        self._thread.start()

    async def run(self, kind: str, work: Work[T], *, meanwhile: bool = False, urgent: bool = False) -> T:
        """Run the work on the thread and return what it returns; raises what it raises.

        Earlier work of the same kind is told to stop, or never begins: its callers get Cancelled. Cancelling
        the awaiting task tells this work to stop. What is done `meanwhile` begins when nobody else wants anything,
        and is told to stop as soon as somebody does. What is `urgent` does not wait for other work, not for what is
        under way either: that stops, and begins anew afterwards.
        """
        job = _Job(kind, work, meanwhile=meanwhile, urgent=urgent)
        with self._changed:
            superseded = [older for older in self._waiting if older.kind == kind]
            self._waiting = [older for older in self._waiting if older.kind != kind]
            if self._running and (self._running.kind == kind or (self._running.meanwhile and not meanwhile)):
                self._running.cancelled.set()
            elif self._running and urgent and not self._running.urgent:
                self._running.yields = True
            (superseded if self._stopped else self._waiting).append(job)
            self._changed.notify()
        _give_up(superseded)
        try:
            result: T = await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            job.cancelled.set()
            raise
        return result

    def stop(self) -> None:
        """Tell everything to stop and wait for the thread, two seconds at most; later work gets Cancelled."""
        with self._changed:
            self._stopped = True
            waiting, self._waiting = self._waiting, []
            if self._running:
                self._running.cancelled.set()
            self._changed.notify()
        _give_up(waiting)
        self._thread.join(_STOP_SECONDS)

    def _loop(self) -> None:
        while job := self._next():
            if not job.run():
                self._put_back(job)

    def _put_back(self, job: _Job) -> None:
        with self._changed:
            gone = job.cancelled.is_set() or self._stopped
            if not gone:
                self._waiting.insert(0, job)  # whatever waits is newer
        if gone:
            _give_up([job])

    def _next(self) -> _Job | None:
        with self._changed:
            self._running = None
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._waiting:
                self._running = max(reversed(self._waiting), key=lambda job: (job.urgent, not job.meanwhile))
                self._running.yields = False
                self._waiting.remove(self._running)
            return self._running


def _give_up(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        job.cancelled.set()
        job.run()
