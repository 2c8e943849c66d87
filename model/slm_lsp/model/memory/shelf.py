"""Many texts that do not change, indexed by the tokens before every place.

Knows: tokens, sorted keys. Must not know: open documents, cursors, what a match is used for.

Shapes: N tokens of all texts together, M places at which one could go on, D texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.memory.document import BREAK, Ids, Places

DEPTH = 4
"""Tokens in a key."""
REACH = 32
"""Tokens of the context that are compared: what agrees on so many is the same place of the same text."""
AHEAD = 64
"""Tokens that follow a place and are had with it."""
_BITS = 16


@dataclass(frozen=True)
class Shelf:
    """The tokens of texts, one after the other, and their places in the order of the tokens before them."""

    numbers: dict[str, int]
    """The texts' names, in the order in which they stand."""
    folders: NDArray[np.int64]
    """A number for the folder of each text (D,)."""
    folder_numbers: dict[str, int]
    """The number of each folder."""
    bounds: Places
    """Where each text starts in `ids`, and after them where the last one ends (D + 1,)."""
    ids: Ids
    """The tokens (N,): the texts, each with a BREAK at its end, between margins."""
    keys: NDArray[np.uint64]
    """The last DEPTH tokens before a place, the nearest in the highest bits; sorted (M,)."""
    places: NDArray[np.int32]
    """The index of the token that follows a key (M,); rising where keys are equal."""

    @classmethod
    def of(cls, texts: Sequence[tuple[str, Ids]]) -> Shelf:
        """The shelf of (path, tokens with a BREAK at the end), the least recent first; no path twice."""
        ids = with_margins([tokens for _, tokens in texts])
        bounds = np.cumsum([REACH, *(len(tokens) for _, tokens in texts)])
        numbers = {path: number for number, (path, _) in enumerate(texts)}
        folder_numbers: dict[str, int] = {}
        folders = [folder_numbers.setdefault(folder_of(path), len(folder_numbers)) for path in numbers]
        keys, places = _index(ids)
        return cls(numbers, np.array(folders, np.int64), folder_numbers, bounds, ids, keys, places)

    def find(self, context: Sequence[int], most: int) -> tuple[Places, int]:
        """The places that follow the shortest end of `context` that at most `most` places follow, and its length.

        Where the last DEPTH tokens have more, the most recent of them. Where no end has so few and one token more
        has none, some of those that follow it. Length 0 and no places where the last token does not occur.
        """
        depth, prefix = min(DEPTH, len(context)), 0
        ends = np.empty((depth, 2), np.uint64)
        for length in range(1, depth + 1):
            prefix = prefix << _BITS | context[-length]
            shift = _BITS * (DEPTH - length)
            ends[length - 1] = prefix << shift, prefix + 1 << shift
        low, high, found = 0, 0, 0
        for left, right in self.keys.searchsorted(ends).tolist():
            if left == right:
                break
            low, high, found = left, right, found + 1
            if high - low <= most:
                break
        return self.places[max(low, high - most) : high].astype(np.int64), found

    def spans(self, paths: Iterable[str]) -> Places:
        """The bounds of these texts' tokens, rising: `inside` says which places are in one of them."""
        numbers = np.array(sorted(self.numbers[path] for path in paths if path in self.numbers), np.int64)
        return np.stack([self.bounds[numbers], self.bounds[numbers + 1]], axis=1).ravel()

    def size_of(self, path: str) -> int:
        """The number of a text's tokens, its BREAK included."""
        number = self.numbers[path]
        return int(self.bounds[number + 1] - self.bounds[number])

    def tokens_of(self, path: str) -> Ids:
        """A text's tokens, its BREAK included: a view of `ids`."""
        number = self.numbers[path]
        return self.ids[self.bounds[number] : self.bounds[number + 1]]

    def texts(self, places: Places) -> NDArray[np.int64]:
        """The number of the text in which each place is."""
        return np.searchsorted(self.bounds, places, side="right") - 1


def with_margins(parts: Sequence[Ids]) -> Ids:
    """The parts one after the other, with REACH times BREAK before and AHEAD times BREAK after them."""
    return np.concatenate([np.full(REACH, BREAK, np.uint16), *parts, np.full(AHEAD, BREAK, np.uint16)])


def surroundings(ids: Ids, places: Places) -> Ids:
    """The REACH tokens before and the AHEAD tokens from each place on (C, REACH + AHEAD); `ids` has margins."""
    width = REACH + AHEAD
    # A view of every window: rows of it are copied whole, which is ten times faster than token by token.
    windows: Ids = np.ndarray((len(ids) - width + 1, width), ids.dtype, ids, strides=(ids.itemsize, ids.itemsize))
    rows: Ids = windows[places - REACH]
    return rows


def folder_of(path: str) -> str:
    """The folder of a path with /."""
    return path.rpartition("/")[0]


def inside(spans: Places, places: Places) -> NDArray[np.bool_]:
    """Whether each place is in one of the spans (start, end, start, end ...)."""
    within: NDArray[np.bool_] = np.searchsorted(spans, places, side="right") % 2 == 1
    return within


def _index(ids: Ids) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The sorted keys and their places: wherever a token follows a token."""
    places = (np.flatnonzero((ids[1:] != BREAK) & (ids[:-1] != BREAK)) + 1).astype(np.int32)
    keys = np.zeros(len(places), np.uint64)
    for back in range(1, DEPTH + 1):  # in place: a million tokens are 8 MB of keys
        keys <<= np.uint64(_BITS)
        keys |= ids[places - np.int32(back)]
    order = np.argsort(keys, kind="stable").astype(np.int32)
    return keys[order], places[order]
