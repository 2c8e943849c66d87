"""What the memory costs, measured on the standard library.

Knows: the memory, a clock. Must not know: models, servers.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from slm_lsp.model.memory.memory import Memory

TOKENS = 1_000_000
"""Of the workspace that is learned."""
CHARACTERS_PER_TOKEN = 3.8
"""Of Python code in our vocabulary, about."""
TYPED = 400
"""Characters that are typed into an open document of that workspace's language."""


@dataclass(frozen=True)
class Costs:
    """What was measured."""

    tokens: int
    """Tokens learned."""
    learned_s: float
    """Seconds in which they were learned."""
    lines: int
    """Lines of the document that is typed into."""
    edit_p50_ms: float
    """Milliseconds from an edit to what is expected after it: the index updated and asked, the median."""
    edit_p95_ms: float
    """The same, all but the slowest twentieth."""


def standard_library(characters: int) -> Iterator[tuple[str, str]]:
    """Path and text of its modules, about so many characters of them."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if {"test", "tests", "site-packages", "idlelib"} & set(path.parts):
            continue
        text = path.read_text("utf-8", "replace")
        yield path.relative_to(root).as_posix(), text
        characters -= len(text)
        if characters < 0:
            return


def measure(memory: Memory, tokens: int = TOKENS) -> Costs:
    """Learn so many tokens, then type into a long module of them that is open."""
    files = dict(standard_library(int(tokens * CHARACTERS_PER_TOKEN)))
    began = perf_counter()
    memory.learn(files.items())
    learned = perf_counter() - began
    path, text = max(
        ((path, text) for path, text in files.items() if len(text) < 100_000), key=lambda file: len(file[1])
    )
    start = text.index("\n", len(text) // 2) + 1
    before, typed, after = text[:start], text[start : start + TYPED], text[start + TYPED :]
    memory.matcher(path, before, after)
    times = []
    for end in range(1, len(typed) + 1):
        began = perf_counter()
        memory.update(path, before + typed[:end] + after)
        memory.matcher(path, before + typed[:end], after).continuations()
        times.append((perf_counter() - began) * 1000)
    times.sort()
    return Costs(memory.tokens, learned, text.count("\n"), median(times), times[len(times) * 95 // 100])
