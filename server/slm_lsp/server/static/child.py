"""The process in which jedi runs: questions on stdin, answers on stdout, a line of JSON each.

Knows: the lines, when to end. Must not know: what is asked. Ends at once when stdin does, busy or not: nothing is left
behind when the server is killed. A line {"overtaken": N} says that nobody waits for the answer to question N any more;
it still gets one.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import shutil
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from slm_lsp.server.static.overtaking import Overtaking

MOST_DATA = 1_500_000_000
"""Bytes of data after which an allocation fails, where the system has such a limit: a last resort."""


def main() -> None:
    """Answer until stdin ends."""
    answers = _private_stdout()
    _limit_memory()
    questions: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    overtaking = Overtaking()
    threading.Thread(target=_read, args=(sys.stdin.buffer, questions, overtaking), daemon=True).start()
    # Imported here: the thread that notices the end of stdin must run before anything that takes time.
    from slm_lsp.server.static.listing import Listing

    listing = Listing()
    while True:
        question = questions.get()
        number = question.pop("question")
        answer = overtaking.answered(number, partial(_answer, listing, question)) or {"error": "overtaken"}
        answers.write(json.dumps({**answer, "memory": resident()}).encode() + b"\n")
        answers.flush()


def _answer(listing: Any, question: dict[str, Any]) -> dict[str, Any]:
    """What the method of `Listing` that is asked for gives, as `result`, or an `error`."""
    try:
        method = getattr(listing, question.pop("do"))
        try:
            return {"result": method(**question)}
        except (EOFError, pickle.UnpicklingError):
            # A process that was killed left half a file in the cache; jedi would stumble over it for ever.
            _forget_cache()
            return {"result": method(**question)}
    except Exception as error:  # jedi fails in many ways on half-written code
        return {"error": f"{type(error).__name__}: {error}"}


def _forget_cache() -> None:
    """Delete what jedi has kept on disk; it reads again what it needs."""
    import jedi

    shutil.rmtree(jedi.settings.cache_directory, ignore_errors=True)


def _read(source: BinaryIO, questions: queue.SimpleQueue[dict[str, Any]], overtaking: Overtaking) -> None:
    for line in source:
        said = json.loads(line)
        if "overtaken" in said:
            threading.Thread(target=overtaking.overtake, args=(said["overtaken"],), daemon=True).start()
        else:
            questions.put(said)
    os._exit(0)


def _private_stdout() -> BinaryIO:
    """Stdout for answers alone: modules that jedi imports may print."""
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stdout


def resident() -> int:
    """Bytes of memory that this process and its children hold; its peak where that is all the system tells, or 0."""
    with suppress(OSError, ValueError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        return sum(map(_pages, ("self", *children))) * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return 0


def _pages(process: str) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return 0


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or hard > MOST_DATA:
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_DATA, hard))


if __name__ == "__main__":
    main()
