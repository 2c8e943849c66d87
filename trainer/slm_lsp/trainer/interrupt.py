"""Ctrl-C, the polite way: the first one ends the run after the step, the second ends the program.

Knows: signals. Must not know: what is being run.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GO_ON = "To go on: slm-lsp train PATH --resume, with the same options"
"""What to tell whoever interrupted a run."""


@contextmanager
def interruptible(on_first: Callable[[], None] = lambda: None) -> Iterator[Callable[[], bool]]:
    """While inside, `yielded()` tells whether SIGINT or SIGTERM came; `on_first` is called when it does.

    From the second one on they act as before.
    """
    caught: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        restore()
        on_first()

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield lambda: bool(caught)
    finally:
        restore()


@contextmanager
def stoppable(on_stop: Callable[[], None]) -> Iterator[None]:
    """While inside, SIGTERM raises KeyboardInterrupt as Ctrl-C does; `on_stop` is called when either ends it."""
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        on_stop()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
