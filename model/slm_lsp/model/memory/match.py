"""The places of the memory that agree with what was just written, followed token by token.

Knows: places, how far they agree, what comes next there. Must not know: models, text, files, threads.

Shapes: C places, K different tokens, REACH compared tokens, AHEAD tokens that follow.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.memory.document import BREAK, Ids
from slm_lsp.model.memory.shelf import AHEAD, REACH, surroundings
from slm_lsp.model.memory.sources import TEXTBOOK, Source

MOST = 128
"""Places of one source that are followed at a time."""
WEIGHTS = np.array([1.6, 1.2, 0.8, 0.4, 0.2])
"""What a place counts: before the cursor, after it, in a file of the same folder, elsewhere, in the textbook."""
FEW = 4
"""Fewer places than these are not followed alone: all that agree with less are looked up with them."""
LEVELS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Lengths of agreement that are told apart; what agrees longer counts in the shorter ones too."""
DOUBT = 8.0
"""The share of a level that is left to the shorter ones is DOUBT * sqrt(1 / length) * kinds / (weight + the same)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Continuations:
    """What comes next where the memory agrees with the context."""

    ids: NDArray[np.int64]
    """Different tokens (K,), the likeliest first; may be empty."""
    shares: Floats
    """Their probabilities (K,), which sum to 1; smoothed over shorter agreements."""
    trust: float
    """From 0 to 1: what the memory makes of its own knowledge. The probability of a token is trust * share."""
    length: int
    """Tokens on which the longest match agrees with the context, at most REACH; 0 without a match."""
    count: int
    """Places that agree so far."""
    agreement: float
    """The share of these places at which the commonest of their tokens comes next; 0 without a match."""


NOTHING = Continuations(np.zeros(0, np.int64), np.zeros(0), 0.0, 0, 0, 0.0)
"""What a memory expects that agrees nowhere."""


@dataclass(frozen=True)
class _Places:
    """Places that agree with the context, the best one first."""

    window: Ids
    """What followed the context when it was looked up (C, AHEAD)."""
    lengths: NDArray[np.int64]
    """Tokens of agreement then, at most REACH (C,)."""
    nearness: NDArray[np.int64]
    """An index into WEIGHTS (C,)."""
    where: NDArray[np.int64]
    """The number of the source and the index in it of what followed then (C, 2)."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> _Places:
        return _Places(self.window[chosen], self.lengths[chosen], self.nearness[chosen], self.where[chosen])

    @classmethod
    def found(cls, sources: Sequence[Source], context: Sequence[int]) -> _Places:
        """The places of all sources. Where two agree equally far, the nearer one comes first, then the later one.

        The textbook's count only where they agree further than all that is the user's own.
        """
        each = [_lookup(number, source, context) for number, source in enumerate(sources)]
        places = cls(*(np.concatenate(arrays) for arrays in zip(*each, strict=True)))
        own = places.nearness != TEXTBOOK
        places = places[own | (places.lengths > places.lengths.max(initial=0, where=own))]
        return places[np.lexsort((-places.where[:, 1], places.nearness, -places.lengths))]


class Match:
    """The state of one decoding: where the memory agrees longest with the context. For one thread."""

    def __init__(self, sources: Sequence[Source], context: Sequence[int], newlines: NDArray[np.uint8]) -> None:
        """`newlines` (65536,) counts the line breaks in each token."""
        self._sources = sources
        self._newlines = newlines
        self._context = _unbroken(context[-REACH:])
        self._places = _Places.found(sources, self._context)
        self._step = 0  # tokens since the places were looked up

    def again(self) -> Match:
        """A match that goes on from here on its own."""
        return copy.copy(self)  # nothing that they share is ever changed

    def continuations(self) -> Continuations:
        """What comes next, from all places; tokens that cannot follow (a stem's) are the caller's to leave out."""
        places = self._places
        if not len(places):
            return NOTHING
        ids, kinds = np.unique(places.window[:, self._step], return_inverse=True)
        shares, doubt = _smoothed(kinds, len(ids), places.lengths + self._step, WEIGHTS[places.nearness])
        longest = places.lengths == places.lengths[0]
        counts = np.bincount(kinds[longest])
        order = np.argsort(-shares, kind="stable")
        return Continuations(
            ids[order].astype(np.int64),
            shares[order] / shares.sum(),
            1 - doubt,
            min(int(places.lengths[0]) + self._step, REACH),
            int(longest.sum()),
            float(counts.max() / counts.sum()),
        )

    def advance(self, token: int) -> None:
        """Go on with a token that was decoded, whether or not it was among the continuations."""
        self._context = [*self._context[1 - REACH :], token]
        self._step += 1
        going = np.zeros(0, bool)
        if self._step < AHEAD:
            window = self._places.window
            going = (window[:, self._step - 1] == token) & (window[:, self._step] != BREAK)
        if np.count_nonzero(going) >= FEW:
            self._places = self._places[going]
        else:
            self._places = _Places.found(self._sources, self._context)
            self._step = 0

    def draft(self, limit: int) -> list[int]:
        """What follows at the best place: at most `limit` tokens, fewer than AHEAD, [] without a match."""
        if not len(self._places):
            return []
        ahead: list[int] = self._places.window[0, self._step : self._step + limit].tolist()
        return ahead[: ahead.index(BREAK)] if BREAK in ahead else ahead

    def source(self) -> tuple[str, int] | None:
        """Path and line (from 1) of what `draft` begins with; None without a match."""
        if not len(self._places):
            return None
        number, place = map(int, self._places.where[0])
        place += self._step
        source = self._sources[number]
        origin = source.origin(place)
        return origin.path, origin.line + int(self._newlines[source.ids[origin.first : place + 1]].sum())


def _unbroken(context: Sequence[int]) -> list[int]:
    """The tokens after the last BREAK."""
    breaks = [index for index, token in enumerate(context) if token == BREAK]
    return list(context[breaks[-1] + 1 :] if breaks else context)


def _lookup(
    number: int, source: Source, context: Sequence[int]
) -> tuple[Ids, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The arrays of _Places for one source."""
    places = source.find(context, MOST) if context else np.zeros(0, np.int64)
    rows = surroundings(source.ids, places)
    first = REACH - len(context)
    differs = rows[:, first:REACH][:, ::-1] != np.array(context[::-1], np.uint16)
    # The last token agrees everywhere: 0 means that nothing differs.
    lengths = differs.argmax(axis=1) if len(places) else places
    lengths[lengths == 0] = len(context)
    where = np.empty((len(places), 2), np.int64)
    where[:, 0], where[:, 1] = number, places
    return rows[:, REACH:], lengths, source.nearness(places), where


def _smoothed(
    kinds: NDArray[np.int64], count: int, lengths: NDArray[np.int64], weights: Floats
) -> tuple[Floats, float]:
    """The tokens' probabilities (K,) and the rest, which is left to whoever knows better.

    Each level leaves a part to the next shorter one, more where it knows few places and many tokens (Witten and
    Bell's rule, with a doubt that was fitted).
    """
    shares, left = np.zeros(count), 1.0
    for level in reversed(LEVELS):
        within = int(np.searchsorted(-lengths, -level, side="right"))
        if within == 0:
            continue
        seen = np.bincount(kinds[:within], weights[:within], minlength=count)
        doubt = DOUBT * level**-0.5 * np.count_nonzero(seen)
        total = float(seen.sum())
        shares += left * seen / (total + doubt)
        left *= doubt / (total + doubt)
    return shares, left
