"""What static analysis knows of a place, kept for as long as the word there is typed.

Knows: places in source texts, the analyst. Must not know: LSP, ranking, how names are found.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slm_lsp.server.static.analyst import Analyst, Urgency
from slm_lsp.server.static.interpreter import find_interpreter

LONGEST = 1_000_000
"""Characters of a source text beyond which it is not analyzed."""
KEPT = 32
"""Places of which the names are kept."""
SECONDS = 10.0
"""For how long after it was last asked for: the files that were read for it may have changed."""


@dataclass(frozen=True)
class Listed:
    """A name that exists at a place."""

    name: str
    """The identifier."""
    kind: str
    """What jedi calls it: "module", "class", "instance", "function", "param", "path", "keyword", "property" or
    "statement"; "" where that is not known."""
    keyword: bool = False
    """Whether it is a parameter that the call takes by keyword."""


@dataclass(frozen=True)
class Names:
    """The names at a place."""

    number: int
    """By which `describe` knows the list."""
    listed: tuple[Listed, ...]
    """In jedi's order; a name may be there twice, as a variable and as a keyword argument."""


@dataclass(frozen=True)
class Source:
    """A text, and what it is called."""

    path: Path | None
    """Where it lies; None for one that lies nowhere."""
    root: Path | None
    """The workspace's folder."""
    python: str = ""
    """The interpreter that is set for it, see `find_interpreter`."""
    text: str = field(default="", repr=False)
    """The text, with any line ends."""
    trusted: bool = True
    """Whether an interpreter that lies in the workspace may be run."""


@dataclass
class _Kept:
    """The names of a place, there or to come."""

    number: int
    names: Future[Names | None]
    asked: float
    """When they were last asked for."""
    answer: Future[Any] | None = None
    """What the analyst says of them."""


class StaticAnalysis:
    """The names that exist at places. Not for two threads at once, but for `stop`."""

    def __init__(self, analyst: Analyst | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.analyst = analyst or Analyst()
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()
        self._number = 0
        self._interpreters: dict[tuple[Path | None, str, bool], str | None] = {}
        self._changing = threading.Lock()  # futures end on the analyst's thread

    def names(self, source: Source, offset: int, end: int) -> Future[Names | None]:
        """The names at `offset`, where the word begins that is being typed and now ends at `end`.

        While nothing but this word changes, the answer is kept, also one that came too late. None where nothing is
        known: the text is too long, the analyst failed or pauses, names at another place were wanted meanwhile.
        """
        return self._listed("names", source, source.text[:offset], source.text[end:])

    def foresee(self, source: Source, offset: int, typed: str = "") -> None:
        """Have the names listed for a word that may begin at `offset`, once something is `typed` there.

        Whoever asks for them then has them sooner.
        """
        self._listed("ahead", source, source.text[:offset] + typed, source.text[offset:])

    def _listed(self, urgency: Urgency, source: Source, text_before: str, text_after: str) -> Future[Names | None]:
        """The names between two texts, which may not be the source's own."""
        before, after = _unix(text_before), _unix(text_after)
        if len(before) + len(after) > LONGEST:
            return _nothing()
        where = self._where(source)
        key = (source.path, source.root, source.python, len(before), hash(before), hash(after))
        with self._changing:
            now, kept = self._clock(), self._kept.get(key)
            is_there = kept is not None and now - kept.asked < SECONDS
            if kept is None or not is_there:
                self._number += 1
                kept = self._kept[key] = _Kept(self._number, Future(), now)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            kept.asked = now
            self._kept.move_to_end(key)
        number, names = kept.number, kept.names
        if is_there:
            if urgency == "names" and kept.answer:
                self.analyst.hurry(kept.answer)
            return names
        lines = before.split("\n")
        question = {
            "do": "names", "number": number, "source": before + after, "line": len(lines), "column": len(lines[-1]),
            **where,
        }  # fmt: skip

        def answered(answer: Future[Any]) -> None:
            result = _names_of(number, answer.result())
            if result is None:
                self._forget(number)
            names.set_result(result)

        kept.answer = self.analyst.ask(urgency, question)
        kept.answer.add_done_callback(answered)
        return names

    def warm(self, source: Source) -> None:
        """Have read what the text imports, so that the first names come soon."""
        self.forget()
        self._interpreters.clear()  # an environment may have been made meanwhile
        if len(source.text) <= LONGEST:
            self.analyst.ask("warm", {"do": "warm", "source": _unix(source.text), **self._where(source)})

    def describe(self, number: int, name: str) -> Future[Any]:
        """Signature and documentation of a name of a list, as a pair of strings; None where they cannot be had."""
        described = self.analyst.ask("describe", {"do": "describe", "number": number, "name": name})
        # The process may no longer know the list; then the next keystroke is to bring a new one.
        described.add_done_callback(lambda answer: None if any(answer.result() or ()) else self._forget(number))
        return described

    def forget(self) -> None:
        """Ask anew for every place: a file was saved."""
        with self._changing:
            self._kept.clear()

    def _forget(self, number: int) -> None:
        with self._changing:
            for key in [key for key, kept in self._kept.items() if kept.number == number]:
                del self._kept[key]

    def stop(self) -> None:
        """End the process."""
        self.analyst.stop()

    def _where(self, source: Source) -> dict[str, str | None]:
        key = (source.root, source.python, source.trusted)
        if key not in self._interpreters:
            python = find_interpreter(source.root, source.python, trusted=source.trusted)
            self._interpreters[key] = str(python) if python else None
        return {
            "path": str(source.path) if source.path else None,
            "root": str(source.root) if source.root else None,
            "python": self._interpreters[key],
        }


async def within(seconds: float, future: Future[Any]) -> Any:
    """What a future gives within so many seconds, else None; it goes on."""
    waiting = asyncio.wrap_future(future)
    await asyncio.wait({waiting}, timeout=seconds)
    return waiting.result() if waiting.done() and not waiting.cancelled() else None


def _names_of(number: int, answer: Any) -> Names | None:
    if not isinstance(answer, list):
        return None
    pairs = [(name.removesuffix("="), str(kind), name.endswith("=")) for name, kind in answer]
    return Names(number, tuple(Listed(*pair) for pair in pairs if pair[0].isidentifier()))


def _unix(text: str) -> str:
    """The text with the line ends that jedi and we count alike."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _nothing() -> Future[Names | None]:
    future: Future[Names | None] = Future()
    future.set_result(None)
    return future
