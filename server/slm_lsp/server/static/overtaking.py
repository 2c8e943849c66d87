"""Ends the answering of a question that nobody waits for any more: jedi can take many seconds over a single name.

Knows: signals, what must not be cut in two. Must not know: what is asked, jedi's names.

A signal reaches the main thread wherever it is, also in the middle of jedi's talk with the user's interpreter, whose
answer would then be read by whoever asks next, or of a parse, which may be changing the tree of an earlier text in
place. So the handler looks where it came in between, and leaves it at that there; it is tried again soon after.
"""

from __future__ import annotations

import _thread
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

GRACE = 0.25
"""Seconds that a question is granted which is being answered: what is nearly done may be wanted again."""
AGAIN = 0.02
"""Seconds between two tries."""
WHOLE = ("jedi.inference.compiled.subprocess", "parso.grammar", "parso.cache", "importlib._bootstrap")
"""Modules whose work is done wholly or not at all."""


class Overtaken(BaseException):
    """Raised wherever the main thread is; no Exception, since jedi survives those."""


class Overtaking:
    """Answers questions by number, and lets another thread end that. Made on the main thread."""

    def __init__(self) -> None:
        self._answering: int | None = None
        self._unwanted: int | None = None
        self._began = 0.0
        signal.signal(signal.SIGINT, self._interrupted)

    def answered(self, number: int, work: Callable[[], T]) -> T | None:
        """What `work` gives; None where the question was overtaken. On the main thread."""
        try:
            self._began = time.monotonic()
            self._answering = number
            try:
                return None if self._unwanted == number else work()
            finally:
                self._answering = None
        except Overtaken:
            return None

    def overtake(self, number: int) -> None:
        """Have the answering of a question ended, also before it begins. On another thread, which waits for that."""
        self._unwanted = number
        while self._answering == number and (left := self._began + GRACE - time.monotonic()) > 0:
            time.sleep(min(left, AGAIN))
        while self._answering == number:
            _thread.interrupt_main()
            time.sleep(AGAIN)

    def _interrupted(self, _: int, frame: FrameType | None) -> None:
        if self._answering is None or self._answering != self._unwanted:
            return
        while frame:
            if frame.f_globals.get("__name__") in WHOLE:
                return
            frame = frame.f_back
        self._answering = None  # another signal must not come in between while this one is dealt with
        raise Overtaken
