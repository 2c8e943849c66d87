"""The worker: newest first, superseding, cancelling, stopping."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from slm_lsp.model.errors import Cancelled
from slm_lsp.server.worker import Worker

TIMEOUT = 10.0


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


class Decode:
    """Work that goes on, step by step, until it is cancelled or released."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.steps_after_cancel = 0

    def __call__(self, cancelled: Callable[[], bool]) -> str:
        self.begun.set()
        while not self.released.wait(0.001):
            if cancelled():
                self.steps_after_cancel += 1
                raise Cancelled("asked to stop")
        return "done"


async def begun(decode: Decode) -> None:
    assert await asyncio.to_thread(decode.begun.wait, TIMEOUT)


async def test_returns_what_the_work_returns(worker: Worker) -> None:
    thread = await worker.run("inline", lambda _: threading.current_thread().name)
    assert thread == "slm-lsp-worker"


async def test_raises_what_the_work_raises_and_goes_on(worker: Worker) -> None:
    with pytest.raises(ZeroDivisionError):
        await worker.run("inline", lambda _: 1 / 0)
    assert await worker.run("inline", lambda _: "alive") == "alive"


async def test_newer_work_of_the_same_kind_stops_the_running_one(worker: Worker) -> None:
    old = Decode()
    first = asyncio.create_task(worker.run("inline", old))
    await begun(old)
    assert await worker.run("inline", lambda _: "new") == "new"
    with pytest.raises(Cancelled):
        await first
    assert old.steps_after_cancel == 1


async def test_work_of_another_kind_is_left_alone_and_waits(worker: Worker) -> None:
    decode = Decode()
    first = asyncio.create_task(worker.run("inline", decode))
    await begun(decode)
    second = asyncio.create_task(worker.run("popup", lambda _: "popup"))
    await asyncio.sleep(0.01)
    assert not second.done()
    decode.released.set()
    assert await first == "done"
    assert await second == "popup"


async def test_urgent_work_goes_before_what_is_under_way_which_begins_anew(worker: Worker) -> None:
    decode = Decode()
    ghost = asyncio.create_task(worker.run("inline", decode))
    for answer in ("first", "second"):
        await begun(decode)
        decode.begun.clear()
        assert await worker.run("popup", lambda _, answer=answer: answer, urgent=True) == answer
    await begun(decode)
    assert not ghost.done()
    decode.released.set()
    assert await ghost == "done"
    assert decode.steps_after_cancel == 2


async def test_urgent_work_goes_before_newer_work_that_is_not(worker: Worker) -> None:
    ran: list[str] = []
    decode = Decode()
    first = asyncio.create_task(worker.run("inline", decode))
    await begun(decode)
    popup = asyncio.create_task(worker.run("popup", lambda _: ran.append("popup"), urgent=True))
    newer = asyncio.create_task(worker.run("inline", lambda _: ran.append("newer")))
    await asyncio.gather(popup, newer, return_exceptions=True)
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], Cancelled)
    assert ran == ["popup", "newer"]


async def test_what_yields_is_still_replaced_by_newer_work_of_its_kind(worker: Worker) -> None:
    decode, popup = Decode(), Decode()
    ghost = asyncio.create_task(worker.run("inline", decode))
    await begun(decode)
    urgent = asyncio.create_task(worker.run("popup", popup, urgent=True))
    await begun(popup)
    newer = asyncio.create_task(worker.run("inline", lambda _: "newer"))
    with pytest.raises(Cancelled):
        await ghost
    popup.released.set()
    assert (await urgent, await newer) == ("done", "newer")


async def test_what_yields_is_still_cancelled_by_who_waits_for_it(worker: Worker) -> None:
    decode, popup = Decode(), Decode()
    ghost = asyncio.create_task(worker.run("inline", decode))
    await begun(decode)
    urgent = asyncio.create_task(worker.run("popup", popup, urgent=True))
    await begun(popup)
    decode.begun.clear()
    ghost.cancel()
    popup.released.set()
    assert await urgent == "done"
    assert await worker.run("inline", lambda _: "next") == "next"
    assert not decode.begun.is_set()


async def test_urgent_work_leaves_urgent_work_alone(worker: Worker) -> None:
    first = Decode()
    popup = asyncio.create_task(worker.run("popup", first, urgent=True))
    await begun(first)
    other = asyncio.create_task(worker.run("other", lambda _: "other", urgent=True))
    await asyncio.sleep(0.01)
    first.released.set()
    assert (await popup, await other) == ("done", "other")
    assert first.steps_after_cancel == 0


async def test_only_the_newest_waiting_of_each_kind_runs_newest_first(worker: Worker) -> None:
    ran: list[str] = []
    blocker = Decode()
    first = asyncio.create_task(worker.run("load", blocker))
    await begun(blocker)
    waiting = []
    for name in ("inline 1", "popup 1", "popup 2", "inline 2"):
        kind = name.split()[0]
        waiting.append(asyncio.create_task(worker.run(kind, lambda _, name=name: ran.append(name))))
        await asyncio.sleep(0)
    blocker.released.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert ran == ["inline 2", "popup 2"]
    assert [type(result) for result in results] == [str, Cancelled, Cancelled, type(None), type(None)]


async def test_cancelling_the_task_stops_the_work_within_a_step(worker: Worker) -> None:
    decode = Decode()
    task = asyncio.create_task(worker.run("inline", decode))
    await begun(decode)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await worker.run("popup", lambda _: "next") == "next"
    assert decode.steps_after_cancel == 1


async def test_cancelled_before_it_begins_it_never_begins(worker: Worker) -> None:
    blocker, never = Decode(), Decode()
    first = asyncio.create_task(worker.run("load", blocker))
    await begun(blocker)
    task = asyncio.create_task(worker.run("inline", never))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    blocker.released.set()
    await first
    await worker.run("popup", lambda _: None)
    assert not never.begun.is_set()


async def test_what_is_done_meanwhile_stops_when_somebody_wants_something(worker: Worker) -> None:
    ahead = Decode()
    first = asyncio.create_task(worker.run("popup ahead", ahead, meanwhile=True))
    await begun(ahead)
    assert await worker.run("inline", lambda _: "wanted") == "wanted"
    with pytest.raises(Cancelled):
        await first
    assert ahead.steps_after_cancel == 1


async def test_what_is_done_meanwhile_waits_for_all_else(worker: Worker) -> None:
    ran: list[str] = []
    blocker = Decode()
    first = asyncio.create_task(worker.run("load", blocker))
    await begun(blocker)
    tasks = [asyncio.create_task(worker.run("inline", lambda _: ran.append("inline")))]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(worker.run("popup ahead", lambda _: ran.append("ahead"), meanwhile=True)))
    await asyncio.sleep(0)
    blocker.released.set()
    await asyncio.gather(first, *tasks)
    assert ran == ["inline", "ahead"]


async def test_the_event_loop_is_never_blocked(worker: Worker) -> None:
    task = asyncio.create_task(worker.run("inline", lambda _: time.sleep(1.0)))
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks >= 10


async def test_stop_ends_running_and_waiting_work_and_refuses_more() -> None:
    worker = Worker()
    running, waiting = Decode(), Decode()
    tasks = [asyncio.create_task(worker.run("inline", running))]
    await begun(running)
    tasks.append(asyncio.create_task(worker.run("popup", waiting)))
    await asyncio.sleep(0)
    await asyncio.to_thread(worker.stop)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [Cancelled, Cancelled]
    assert not waiting.begun.is_set()
    with pytest.raises(Cancelled):
        await worker.run("inline", lambda _: "late")
    worker.stop()
