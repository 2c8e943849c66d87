"""`slm-lsp bench FILE`: how fast and how big the real server is, over stdio, while a real file is typed.

Knows: a client, a clock, the process table. Must not know: how the server works inside.

    initialize    from starting the process to the answer of `initialize`
    cold          a request after the cursor jumped to a random place: nothing in the KV cache helps
    typing        a request after each keystroke, typed into the middle of the file
    after a dot   the popup, asked for with ghost text after each dot of the code, as editors do
    in a word     the same after each character of a name

The popup is measured with all that fills it: model, memory, jedi and what is known of ChromaDB.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import WorkspaceError
from slm_lsp.server.client import Client, Place
from slm_lsp.server.documents import split_lines
from slm_lsp.server.tally import percentile

if TYPE_CHECKING:
    from slm_lsp.model.memory.costs import Costs

JUMPS = 50
"""Requests of the cold measurement."""

PAUSE = 0.02
"""Seconds between an answer and the next keystroke."""

TYPIST = 0.1
"""Seconds between keystrokes where popups are asked for, unless an answer takes longer: a fast typist's."""

UNASKED = 0.004
"""Seconds after a keystroke after which nothing is asked: the server is to have read it before the next one."""

FEWEST_LINES = 10
"""A file shorter than this is not worth typing in."""

_END: Place = (2**31 - 1, 0)
"""Behind every document."""
_KEYSTROKE = re.compile(r"\A[ \t]+|\n[ \t]*|.")
"""A newline brings the next line's indentation along, as in any editor."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from a request on the wire to its answer on the wire."""

    p50: float
    p95: float
    p99: float
    requests: int
    """How many were measured."""
    answered: float
    """Share of them that were answered with a suggestion, or with names."""


@dataclass(frozen=True)
class Bench:
    """What was measured."""

    file: str
    lines: int
    initialize_ms: float
    first_ms: float
    """From `initialized` to the first answer: the model is loaded in between."""
    cold: Latency
    typing: Latency
    after_dot: Latency
    """Of the popup."""
    in_word: Latency
    """Of the popup."""
    memory_mb: float
    """Resident set of the server at the end."""


def measure(file: Path, requests: int, settings: dict[str, object]) -> Bench:
    """Start a server, type into a file, measure; raises WorkspaceError when the file will not do."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{file}: {error}") from error
    lines = split_lines(text)
    if sum(bool(line.strip()) for line in lines) < FEWEST_LINES:
        raise WorkspaceError(f"{file}: fewer than {FEWEST_LINES} lines to type")
    began = perf_counter()
    with Client() as client:
        client.initialize(file.parent, settings)
        initialize_ms = _ms_since(began)
        client.open(file, text)
        began = perf_counter()
        client.ghost_text(file, (0, 0))
        first_ms = _ms_since(began)
        cold = _latency(_jump(client, file, lines))
        typing = _latency(_asked(client, file, at) for at in islice(_type(client, file, lines), requests))
        popups = list(islice(_popups(client, file, lines), requests))
        bench = Bench(
            str(file),
            len(lines),
            initialize_ms,
            first_ms,
            cold,
            typing,
            _latency((ms, answered) for dot, ms, answered in popups if dot),
            _latency((ms, answered) for dot, ms, answered in popups if not dot),
            round(resident_set(client.pid) / 1e6, 1),
        )
        client.close()
    return bench


def _jump(client: Client, file: Path, lines: list[str]) -> Iterator[tuple[float, bool]]:
    places = [(number, len(line.rstrip())) for number, line in enumerate(lines) if line.strip()]
    for number, length in random.Random(0).choices(places, k=JUMPS):
        yield _asked(client, file, (number, length // 2))


def _type(client: Client, file: Path, lines: list[str]) -> Iterator[Place]:
    """Take out the middle third of the file and type it again and again; where the cursor is after each keystroke."""
    first, last = len(lines) // 3, len(lines) * 2 // 3
    head, text = "".join(lines[:first]), "".join(lines[first : last + 1]).rstrip("\n")
    rest = "".join(lines)[len(head) + len(text) :]
    while True:
        client.replace(file, (0, 0), _END, head + rest)
        at = (first, 0)
        for keys in _KEYSTROKE.findall(text):
            client.replace(file, at, at, keys)
            at = (at[0] + 1, len(keys) - 1) if keys[0] == "\n" else (at[0], at[1] + len(keys))
            yield at


def _asked(client: Client, file: Path, at: Place) -> tuple[float, bool]:
    began = perf_counter()
    # Invoked, so that each is computed: an automatic one is answered at once in comments and strings.
    suggestion = client.ghost_text(file, at, invoked=True)
    spent = _ms_since(began)
    sleep(PAUSE)
    return spent, suggestion is not None


def _popups(client: Client, file: Path, lines: list[str]) -> Iterator[tuple[bool, float, bool]]:
    """Type on, asking for popups; for each whether it follows a dot, its milliseconds, and whether it has names.

    Forever; nothing where the middle of the file has neither dots nor names.
    """
    dots, words = _names("".join(lines))
    first, last = len(lines) // 3, len(lines) * 2 // 3
    if not any(first <= line < last for line, _ in dots | words):
        return
    for at in _type(client, file, lines):
        if at not in dots | words:
            sleep(UNASKED)
        else:
            began = perf_counter()
            ghost, popup = client.ask_ghost_text(file, at), client.ask_popup(file, at)
            items, spent = client.answer(popup)["items"], _ms_since(began)
            client.answer(ghost)
            sleep(max(TYPIST - (perf_counter() - began), PAUSE))
            yield at in dots, spent, bool(items)


def _names(text: str) -> tuple[set[Place], set[Place]]:
    """The places behind dots, and those in and behind names, of code that can be read."""
    dots, words = set[Place](), set[Place]()
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(StringIO(text).readline):
            line, start = token.start[0] - 1, token.start[1]
            if token.string == ".":
                dots.add((line, start + 1))
            elif token.type == tokenize.NAME:
                words |= {(line, column) for column in range(start + 1, token.end[1] + 1)}
    return dots, words


def _latency(asked: Iterable[tuple[float, bool]]) -> Latency:
    measured = list(asked)
    p50, p95, p99 = (percentile([ms for ms, _ in measured], percent) or 0.0 for percent in (50, 95, 99))
    share = sum(answered for _, answered in measured) / max(len(measured), 1)
    return Latency(p50, p95, p99, len(measured), round(share, 3))


def resident_set(pid: int) -> int:
    """Bytes of memory that a process occupies; raises WorkspaceError where the system does not tell."""
    linux = Path(f"/proc/{pid}/statm")
    try:
        if linux.exists():
            return int(linux.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)])) * 1024
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise WorkspaceError(f"cannot tell the memory of process {pid}: {error}") from error


def measure_memory() -> Costs:
    """What the live memory costs by itself: a large workspace learned, edits followed."""
    # Imported here: they bring numpy, which other commands must not wait for.
    from slm_lsp.model.memory import Memory
    from slm_lsp.model.memory.costs import measure as measure_costs
    from slm_lsp.model.runtime.tokenizer import Tokenizer

    return measure_costs(Memory(Tokenizer.from_file(vocabulary("chroma8k"))))


def print_bench(file: Path, requests: int, settings: dict[str, object], as_json: bool) -> None:
    """Measure and print."""
    bench, learning = measure(file, requests, settings), measure_memory()
    if as_json:
        print(json.dumps({**asdict(bench), "learning": asdict(learning)}, indent=2))
        return
    print(f"initialize    {bench.initialize_ms:7.1f} ms")
    print(f"first answer  {bench.first_ms:7.1f} ms after that, the model loaded meanwhile")
    for name, latency, what in (
        ("cold", bench.cold, "a suggestion"),
        ("typing", bench.typing, "a suggestion"),
        ("after a dot", bench.after_dot, "a popup"),
        ("in a word", bench.in_word, "a popup"),
    ):
        print(
            f"{name:12}  p50 {latency.p50:.1f} ms  p95 {latency.p95:.1f} ms  p99 {latency.p99:.1f} ms"
            f"   ({latency.requests} requests, {latency.answered:.0%} with {what})"
        )
    print(f"memory        {bench.memory_mb:7.1f} MB resident")
    print(
        f"learning      {learning.tokens:,} tokens in {learning.learned_s:.1f} s; an edit of {learning.lines:,} lines"
        f"  p50 {learning.edit_p50_ms:.1f} ms  p95 {learning.edit_p95_ms:.1f} ms"
    )


def _ms_since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 2)
