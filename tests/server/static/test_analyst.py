"""The process that analyses: dying, hanging, growing, ending."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from slm_lsp.server.static.analyst import HEALTHY, LONGEST_PAUSE, Analyst, Urgency

PUPPET = (sys.executable, "-P", str(Path(__file__).with_name("puppet.py")))
PATIENCE = 60.0
"""Seconds for what takes a fraction of one."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def analyst(clock: Clock) -> Iterator[Analyst]:
    analyst = Analyst(PUPPET, most_memory=1000, clock=clock)
    yield analyst
    analyst.stop()


def said(analyst: Analyst, say: int, **question: object) -> Any:
    """What the puppet answers: what it was told to say and its pid; None where there is no answer."""
    return analyst.ask("names", {"say": say, **question}).result(PATIENCE)


def test_nothing_is_started_before_it_is_wanted(analyst: Analyst) -> None:
    assert (analyst.pid, analyst.started) == (None, 0)
    assert said(analyst, 7) == [7, analyst.pid]
    assert said(analyst, 8) == [8, analyst.pid]
    assert analyst.started == 1


def test_one_that_dies_is_replaced_after_a_pause(analyst: Analyst, clock: Clock) -> None:
    assert said(analyst, 1, die=True) is None
    assert said(analyst, 2) is None
    clock.now += 2
    assert said(analyst, 3)[0] == 3
    assert analyst.started == 2


def test_the_pauses_grow_but_not_without_end(analyst: Analyst, clock: Clock) -> None:
    pauses = []
    for _ in range(9):
        assert said(analyst, 1, die=True) is None
        began = clock.now
        while said(analyst, 2) is None:
            clock.now += 1
        pauses.append(clock.now - began)
    assert pauses == sorted(pauses)
    assert pauses[0] <= 2 < pauses[3] < LONGEST_PAUSE == pauses[-1]


def test_who_served_well_is_replaced_at_once_at_first(analyst: Analyst, clock: Clock) -> None:
    for _ in range(6):
        assert said(analyst, 1)[0] == 1
        clock.now += HEALTHY
        assert said(analyst, 1, die=True) is None
        clock.now += 1
        assert said(analyst, 2)[0] == 2


def test_one_that_grows_gives_its_answer_and_is_replaced(analyst: Analyst, clock: Clock) -> None:
    first = said(analyst, 1)[1]
    clock.now += HEALTHY
    assert said(analyst, 2, memory=1001) == [2, first]
    assert said(analyst, 3, memory=1001)[1] != first
    # The second one grew at once: that is no way to go on.
    assert said(analyst, 4) is None
    assert analyst.started == 2


def test_one_that_hangs_is_ended(clock: Clock) -> None:
    analyst = Analyst(PUPPET, patience=1.0, clock=clock)
    assert said(analyst, 1, sleep=PATIENCE * 10) is None
    clock.now += 2
    # It has a second to start and answer, which a busy machine may not grant at once.
    while said(analyst, 2) is None:
        clock.now += LONGEST_PAUSE
    assert analyst.started > 1
    analyst.stop()


def test_nonsense_is_no_answer_and_no_end(analyst: Analyst) -> None:
    assert said(analyst, 1, raw="what?") is None
    assert said(analyst, 1, raw="[]") is None
    assert said(analyst, 2)[0] == 2


def test_what_cannot_be_started_is_not_tried_all_the_time(clock: Clock) -> None:
    analyst = Analyst(("/nowhere/to/be/found",), clock=clock)
    assert said(analyst, 1) is None
    assert (analyst.pid, analyst.started) == (None, 0)
    analyst.stop()


def test_of_each_kind_only_the_newest_waits_and_the_urgent_goes_first(analyst: Analyst) -> None:
    order: list[int] = []
    busy = analyst.ask("names", {"say": 0, "sleep": 1})
    while busy.running() is False and not busy.done():
        threading.Event().wait(0.01)
    futures = [
        analyst.ask(urgency, {"say": number})
        for number, urgency in enumerate(("warm", "names", "names", "describe"), start=1)  # type: ignore[arg-type]
    ]
    for number, future in enumerate(futures, start=1):
        future.add_done_callback(lambda _, number=number: order.append(number))
    answers = [future.result(PATIENCE) for future in futures]
    assert answers[1] is None
    assert order == [2, 4, 3, 1]


def test_stopping_ends_everything(analyst: Analyst) -> None:
    assert said(analyst, 1)
    slow = analyst.ask("names", {"say": 0, "sleep": PATIENCE * 10})
    waiting = analyst.ask("warm", {"say": 0})
    process = analyst._process
    assert process
    analyst.stop()
    assert slow.result(PATIENCE) is None
    assert waiting.result(PATIENCE) is None
    assert process.wait(PATIENCE) is not None
    assert said(analyst, 2) is None
    assert analyst.pid is None


def test_what_was_asked_ahead_is_hurried_when_it_is_wanted(analyst: Analyst) -> None:
    running = analyst.ask("describe", {"say": 0, "sleep": 0.5})
    ahead = analyst.ask("ahead", {"say": 1})
    waiting = analyst.ask("names", {"say": 2})
    analyst.hurry(ahead)
    assert waiting.result(PATIENCE) is None, "another one is wanted now"
    newer = analyst.ask("ahead", {"say": 3})
    for one, said_ in ((ahead, 1), (newer, 3)):
        assert one.result(PATIENCE)[0] == said_, "the newer one does not push aside what is wanted"
    analyst.hurry(running)
    analyst.hurry(ahead)
    assert said(analyst, 4)[0] == 4


def test_who_is_overtaken_is_told_once(analyst: Analyst) -> None:
    def running(urgency: Urgency, say: int) -> Future[Any]:
        slow = analyst.ask(urgency, {"say": say, "sleep": 1.0})
        while not slow.running() and not slow.done():
            threading.Event().wait(0.01)
        return slow

    slow = running("ahead", 1)
    assert analyst.ask("ahead", {"say": 2}).result(PATIENCE)[2:] == []
    slow = running("ahead", 3)
    analyst.hurry(slow)
    assert analyst.ask("describe", {"say": 4}).result(PATIENCE)[2:] == [], "it is wanted"
    slow = running("warm", 5)
    assert said(analyst, 6)[2:] == [], "warming serves whoever comes next"
    slow = running("ahead", 7)
    assert analyst.ask("describe", {"say": 8}).result(PATIENCE)[2:] == [], "it may be wanted next"
    slow = running("ahead", 9)
    first, named = analyst.ask("names", {"say": 10}), analyst.ask("names", {"say": 11})
    assert slow.result(PATIENCE)[2:] == []
    assert first.result(PATIENCE) is None
    assert named.result(PATIENCE)[2:] == [9]
    running("ahead", 12)
    ahead = analyst.ask("ahead", {"say": 13})
    analyst.hurry(ahead)
    assert ahead.result(PATIENCE)[2:] == [9, 12], "what was asked ahead and is wanted overtakes too"
