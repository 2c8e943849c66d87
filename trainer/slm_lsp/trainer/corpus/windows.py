"""How alike two files are, by the windows of four lines they share.

Knows: line windows, their hashes, a fast exact search for near duplicates. Must not know: splits, packages.

A file's windows are a sorted array of distinct uint64, one for every four consecutive lines (stripped, blank
ones left out); a file of fewer lines has one window.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WINDOW_LINES = 4
"""Lines in a window."""

Windows = NDArray[np.uint64]

_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], dtype=np.uint64)


@lru_cache(maxsize=1 << 20)
def _line_hash(line: str) -> int:
    return int.from_bytes(hashlib.blake2b(line.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def line_windows(text: str) -> Windows:
    """The file's windows; empty for a file without a line that is not blank."""
    hashes = np.array([_line_hash(line) for raw in text.splitlines() if (line := raw.strip())], dtype=np.uint64)
    count = max(len(hashes) - WINDOW_LINES + 1, min(len(hashes), 1))
    windows = np.zeros(count, dtype=np.uint64)
    for offset in range(min(WINDOW_LINES, len(hashes))):
        windows += hashes[offset : offset + count] * _MIX[offset]
    return np.unique(windows)


def shared(one: Windows, other: Windows) -> int:
    """How many windows two files have in common."""
    return len(np.intersect1d(one, other, assume_unique=True))


def near_duplicates(files: Sequence[Windows], threshold: float = 0.7) -> list[int]:
    """Indices of the files whose Jaccard similarity with an earlier, kept file is at least `threshold`.

    Exact: two files that alike must share one of the rarest `1 - threshold` of either one's windows (prefix
    filtering, Chaudhuri et al., 2006), so that only files sharing a rare window are compared.
    """
    if not files:
        return []
    values, counts = np.unique(np.concatenate(files), return_counts=True)
    rare_in: defaultdict[int, list[int]] = defaultdict(list)
    dropped = []
    for index, windows in enumerate(files):
        rarity = counts[np.searchsorted(values, windows)]
        by_rarity = windows[np.lexsort((windows, rarity))]
        prefix = by_rarity[: len(windows) - math.ceil(threshold * len(windows)) + 1].tolist()
        candidates = {candidate for window in prefix for candidate in rare_in[window]}
        if any(_alike(files[candidate], windows, threshold) for candidate in candidates):
            dropped.append(index)
        else:
            for window in prefix:
                rare_in[window].append(index)
    return dropped


def _alike(one: Windows, other: Windows, threshold: float) -> bool:
    """Whether the Jaccard similarity of two files is at least `threshold`."""
    smaller, larger = sorted((len(one), len(other)))
    if not smaller or smaller < threshold * larger:
        return False
    common = shared(one, other)
    return common >= threshold * (smaller + larger - common)


def contaminated(files: Sequence[Windows], held_out: Sequence[Windows], share: float = 0.3) -> dict[int, int]:
    """Files that share at least `share` of their windows with one held-out file: index -> its index."""
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for index, windows in enumerate(held_out):
        for window in windows.tolist():
            holders[window].append(index)
    found = {}
    for index, windows in enumerate(files):
        hits = Counter(holder for window in windows.tolist() for holder in holders.get(window, ()))
        holder, count = max(hits.items(), key=lambda item: item[1], default=(0, 0))
        if count and count >= share * len(windows):
            found[index] = holder
    return found
