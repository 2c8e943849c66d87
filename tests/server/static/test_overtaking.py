"""A question that nobody waits for any more is ended, but never in the middle of what must be whole."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import parso.cache
import pytest
from jedi.inference.compiled.subprocess import CompiledSubprocess
from parso.grammar import Grammar

from slm_lsp.server.static.analyst import Analyst
from slm_lsp.server.static.overtaking import AGAIN, GRACE, WHOLE, Overtaking

LONG = 30.0
"""Seconds that an answer takes which nobody waits for."""
SLOW = """
import time
from slm_lsp.server.static import child, listing

def names(self, say, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
    return say

listing.Listing.names = names
child.main()
"""


@pytest.fixture
def overtaking() -> Iterator[Overtaking]:
    handler = signal.getsignal(signal.SIGINT)
    yield Overtaking()
    signal.signal(signal.SIGINT, handler)


def wait(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.001)
    return "answer"


def overtaken(overtaking: Overtaking, number: int, work: Callable[[], Any]) -> Any:
    """What comes of a question that is overtaken as soon as it is being answered."""
    began = threading.Event()

    def answer() -> Any:
        began.set()
        return work()

    def overtake() -> None:
        began.wait()
        overtaking.overtake(number)

    other = threading.Thread(target=overtake)
    other.start()
    result = overtaking.answered(number, answer)
    other.join()
    return result


def test_an_answer_that_takes_long_is_ended(overtaking: Overtaking) -> None:
    began = time.monotonic()
    assert overtaken(overtaking, 1, lambda: wait(LONG)) is None
    assert GRACE <= time.monotonic() - began < LONG / 3
    assert overtaking.answered(2, lambda: wait(0.0)) == "answer"


def test_one_that_is_nearly_there_is_not(overtaking: Overtaking) -> None:
    assert overtaken(overtaking, 1, lambda: wait(GRACE / 5)) == "answer"


def test_one_that_is_overtaken_before_it_begins_is_not_begun(overtaking: Overtaking) -> None:
    overtaking.overtake(1)
    assert overtaking.answered(1, lambda: pytest.fail("it was begun")) is None
    assert overtaking.answered(2, lambda: "answer") == "answer"


@pytest.mark.parametrize("module", WHOLE)
def test_what_must_be_whole_is_finished_first(overtaking: Overtaking, module: str) -> None:
    done: list[str] = []
    inside: dict[str, Any] = {"__name__": module, "wait": lambda: done.append(wait(GRACE + 5 * AGAIN))}
    exec("def exchange():\n    wait()", inside)

    def work() -> str:
        inside["exchange"]()
        return wait(LONG)

    assert overtaken(overtaking, 1, work) is None
    assert done == ["answer"]


def test_what_must_be_whole_is_what_jedi_and_parso_call_so() -> None:
    functions = (
        CompiledSubprocess._send,
        Grammar.parse,  # which may change an earlier tree in place
        parso.cache.try_to_save_module,
        importlib._bootstrap._load,  # type: ignore[attr-defined]
    )
    assert {function.__globals__["__name__"] for function in functions} == set(WHOLE)


def test_a_signal_that_comes_too_late_ends_nothing(overtaking: Overtaking) -> None:
    assert overtaking.answered(1, lambda: "answer") == "answer"
    signal.raise_signal(signal.SIGINT)
    overtaking.overtake(1)
    assert overtaking.answered(2, lambda: wait(3 * AGAIN)) == "answer"


def test_the_next_question_need_not_wait_for_one_that_was_asked_ahead() -> None:
    analyst = Analyst((sys.executable, "-P", "-c", SLOW))
    assert analyst.ask("names", {"do": "names", "say": [0], "seconds": 0}).result(LONG) == [0]
    for urgency in ("ahead", "names"):
        slow = analyst.ask(urgency, {"do": "names", "say": [1], "seconds": LONG})  # type: ignore[arg-type]
        while not slow.running():
            time.sleep(0.01)
        began = time.monotonic()
        assert analyst.ask("names", {"do": "names", "say": [2], "seconds": 0}).result(LONG) == [2]
        assert time.monotonic() - began < LONG / 3
        assert slow.result(LONG) is None
    assert analyst.started == 1
    analyst.stop()
