"""Whole files set aside: what is learned from, what tells when to stop, what judges.

Knows: files and their sizes. Must not know: tokens, models.

A file's part hangs on its path and the seed alone, as far as sizes allow, so that training again after an edit
judges by the same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slm_lsp.model.evaluation import imports_chromadb
from slm_lsp.model.repository import SourceFile

HELD_OUT = 0.12
"""Share of the text that judges."""
VALIDATION = 0.10
"""Share of the text that tells when to stop."""
USABLE = (600, 40_000)
"""Characters of a file that is set aside by preference."""
LARGEST = 0.30
"""Share of the text above which a file is only set aside when there is no other."""
ENOUGH_CHROMA = 3
"""ChromaDB files from which one of them judges."""


@dataclass(frozen=True)
class Parts:
    """A repository's files by use; no file is in two parts."""

    train: tuple[SourceFile, ...]
    """Learned from; never empty."""
    validation: tuple[SourceFile, ...]
    """Their loss tells when to stop; empty where there are fewer than three files."""
    held_out: tuple[SourceFile, ...]
    """The trained model is judged on them; empty where there is one file."""


def split(files: Sequence[SourceFile], seed: int = 0) -> Parts:
    """The files in three parts; at least one file to learn from, then one to judge by, then one to stop by."""
    order = sorted(
        files, key=lambda file: hashlib.sha256(f"{seed} {file.path}".encode("utf-8", "surrogateescape")).digest()
    )
    chroma = [file for file in order if imports_chromadb(file.text)]
    total = sum(len(file.text) for file in files)
    # The first to judge by is a file of the kind that matters here, where that leaves enough to learn from.
    prefer = set(chroma) if len(chroma) >= ENOUGH_CHROMA else set(order)
    held_out = _take(order, HELD_OUT * total, total, prefer.__contains__) if len(order) > 1 else []
    rest = [file for file in order if file not in held_out]
    validation = _take(rest, VALIDATION * total, total, lambda file: True) if len(rest) > 1 else []
    train = [file for file in rest if file not in validation]
    return Parts(*(tuple(sorted(part, key=lambda file: file.path)) for part in (train, validation, held_out)))


def _take(
    order: Sequence[SourceFile], wanted: float, total: int, first: Callable[[SourceFile], bool]
) -> list[SourceFile]:
    """Files of about `wanted` characters in all, at least one, the first of them one that `first` wants."""

    def usable(file: SourceFile) -> bool:
        return USABLE[0] <= len(file.text) <= min(USABLE[1], LARGEST * total)

    candidates = [file for file in order if usable(file)]
    if not candidates:
        # Only files that are tiny or huge: the middling one costs the training least and still says something.
        return [sorted(order, key=lambda file: len(file.text))[(len(order) - 1) // 2]]
    taken = [next((file for file in candidates if first(file)), candidates[0])]
    size = len(taken[0].text)
    for file in candidates:
        # A file that overshoots by more than it was short is left in training, and so is every second one that
        # could be set aside: the next part needs some too.
        if file not in taken and size + len(file.text) / 2 <= wanted and 2 * len(taken) < len(candidates) - 1:
            taken.append(file)
            size += len(file.text)
    return taken
