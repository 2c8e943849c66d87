"""The process that analyses: started when it is wanted, asked one question at a time, ended when it grows or hangs.

Knows: processes, lines of JSON, threads. Must not know: what the questions mean.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

COMMAND = (sys.executable, "-P", "-m", "slm_lsp.server.static.child")
MOST_MEMORY = 300_000_000
"""Bytes that the process may hold after an answer; then another takes its place."""
PATIENCE = 10.0
"""Seconds after which a question has hung."""
HEALTHY = 60.0
"""Seconds that a process must have served for its end to be no sign of trouble."""
LONGEST_PAUSE = 60.0
"""Most seconds between the end of a process in trouble and the next one."""
ENDING = 2.0
"""Seconds that the process, and the thread, have to end."""

Urgency = Literal["describe", "names", "ahead", "warm"]
"""What a question is for, the most urgent first; of each only the newest waits."""
_ORDER: tuple[Urgency, ...] = ("describe", "names", "ahead", "warm")
_OVERTAKEN: tuple[Urgency, ...] = ("names", "ahead")
"""What ends where it is being answered and names are wanted: lists for another place, or for one that may be next."""
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass
class _Job:
    urgency: Urgency
    question: dict[str, Any]
    number: int
    overtaken: bool = False
    """Whether the process was told so."""
    future: Future[Any] = field(default_factory=Future)


class Analyst:
    """Answers questions, or says None where it cannot. Nothing here waits for the process but its own thread."""

    def __init__(
        self, command: Sequence[str] = COMMAND, *, most_memory: int = MOST_MEMORY, patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.started = 0
        """Processes started so far."""
        self._command = command
        self._most_memory = most_memory
        self._patience = patience
        self._clock = clock
        self._changed = threading.Condition()
        self._asked = 0
        self._waiting: dict[Urgency, _Job] = {}
        self._answering: _Job | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._born = 0.0
        self._troubles = 0
        self._not_before = float("-inf")

    @property
    def pid(self) -> int | None:
        """Of the process; None while there is none."""
        process = self._process
        return process.pid if process else None

    def ask(self, urgency: Urgency, question: Mapping[str, Any]) -> Future[Any]:
        """The answer to come: JSON, or None where it failed, was overtaken by a newer one, or cannot be had."""
        overtaken = None
        with self._changed:
            self._asked += 1
            job = _Job(urgency, {**question, "question": self._asked}, self._asked)
            older = self._waiting.pop(urgency, None)
            if self._stopped:
                older = job
            else:
                self._waiting[urgency] = job
                overtaken = self._overtaken() if urgency == "names" else None
                self._thread = self._thread or self._start_thread()
                self._changed.notify()
        if older:
            _settle(older, None)
        self._tell(overtaken)
        return job.future

    def hurry(self, answer: Future[Any]) -> None:
        """Have a question that was asked ahead answered as one for names."""
        older = overtaken = None
        with self._changed:
            if self._answering and self._answering.future is answer:
                self._answering.urgency = "names"
            ahead = self._waiting.get("ahead")
            if ahead and ahead.future is answer:
                older = self._waiting.pop("names", None)
                self._waiting["names"] = self._waiting.pop("ahead")
                ahead.urgency = "names"
                overtaken = self._overtaken()
        if older:
            _settle(older, None)
        self._tell(overtaken)

    def stop(self) -> None:
        """End the process and the thread; what waits is answered with None."""
        with self._changed:
            self._stopped = True
            waiting, self._waiting = list(self._waiting.values()), {}
            self._changed.notify()
        for job in waiting:
            _settle(job, None)
        if process := self._process:
            _kill(process)
        if self._thread:
            self._thread.join(ENDING)

    def _overtaken(self) -> _Job | None:
        """What is being answered though other names are wanted now, once."""
        job = self._answering
        if job is None or job.overtaken or job.urgency not in _OVERTAKEN or self._process is None:
            return None
        job.overtaken = True
        return job

    def _tell(self, overtaken: _Job | None) -> None:
        """Have the process told which question was overtaken; on a thread, since it may not read yet."""
        if overtaken and (process := self._process):
            line = json.dumps({"overtaken": overtaken.number}).encode() + b"\n"
            threading.Thread(target=_send, args=(process, line), daemon=True).start()

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._loop, name="slm-lsp-static", daemon=True)
        thread.start()
        return thread

    def _loop(self) -> None:
        while job := self._next():
            if job.future.set_running_or_notify_cancel():
                answer = None
                with suppress(Exception):  # whatever goes wrong, the thread lives on, and nobody waits in vain
                    answer = self._answer(job.question)
                job.future.set_result(answer)
        self._end()

    def _next(self) -> _Job | None:
        with self._changed:
            self._answering = None
            while not self._waiting and not self._stopped:
                self._changed.wait()
            urgency = next((one for one in _ORDER if one in self._waiting), None)
            self._answering = self._waiting.pop(urgency) if urgency else None
            return self._answering

    def _answer(self, question: Mapping[str, Any]) -> Any:
        process = self._running()
        if process is None:
            return None
        hung = threading.Timer(self._patience, _kill, (process,))
        hung.daemon = True
        hung.start()
        try:
            raw = _exchange(process, json.dumps(question).encode() + b"\n")
        finally:
            hung.cancel()
        if not raw:
            self._end(trouble=True)
            return None
        answer = json.loads(raw)
        if answer["memory"] > self._most_memory:
            # One that grows at once would be restarted all the time: that is trouble too.
            self._end(trouble=self._clock() - self._born < HEALTHY)
        return answer.get("result")

    def _running(self) -> subprocess.Popen[bytes] | None:
        """The process, started if there is none; None while a pause after trouble lasts, and after `stop`."""
        if self._process and self._process.poll() is not None:
            self._end(trouble=True)
        if self._process is None and not self._stopped and self._clock() >= self._not_before:
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env={**os.environ, **_THREADS}, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )  # fmt: skip
            except OSError:
                self._pause()
                return None
            self.started += 1
            self._born = self._clock()
            if self._stopped:  # meanwhile, by a thread that did not see this process
                self._end()
        return self._process

    def _end(self, *, trouble: bool = False) -> None:
        """End the process; the next one starts at the next question, or after a pause."""
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream:
                    stream.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING)
        if self._clock() - self._born >= HEALTHY:
            self._troubles = 0
        if trouble:
            self._pause()

    def _pause(self) -> None:
        self._troubles += 1
        self._not_before = self._clock() + min(0.5 * 2**self._troubles, LONGEST_PAUSE)


def _send(process: subprocess.Popen[bytes], line: bytes) -> None:
    """Send a line that has no answer, unless the process has ended."""
    with suppress(OSError, ValueError):
        if process.stdin:
            process.stdin.write(line)
            process.stdin.flush()


def _exchange(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    """Send a line and read one; b"" where the process has ended."""
    assert process.stdin and process.stdout
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:
        return b""


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        process.kill()


def _settle(job: _Job, answer: Any) -> None:
    if job.future.set_running_or_notify_cancel():
        job.future.set_result(answer)
