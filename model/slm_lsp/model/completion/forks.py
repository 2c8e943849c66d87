"""Other texts than the likeliest one: where that cannot be meant, the next likely ways are gone instead.

Knows: decoded texts and what their tokens were chosen from. Must not know: engines, Python, what is wrong with a text.

A best-first search (Hart et al. 1968) over the places at which a decoded line could have gone on differently: each of
the ways not taken there is worth the probability of what leads to it and of its own first token.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from slm_lsp.model.completion.decoding import Decoded, Taken, probability

TRIES = 6
"""Texts that are tried in place of the likeliest one, at most."""
LEAST = 0.1
"""Probability below which another text than the likeliest one is not shown, whatever is asked for."""
WAYS = 3
"""Tokens beside the likeliest that are thought of at each place."""


@dataclass(frozen=True)
class Found:
    """The text that was settled for."""

    text: str
    """What would be offered; "" for nothing."""
    wrong: bool
    """Whether something tells that it is not what is meant: nothing better was found."""
    probability: float
    """Of exactly its first line, those texts left out that it stands for."""
    likely: bool
    """Whether it, and the likeliest text of all, is as probable as was asked."""
    tokens: int
    """Tokens that were decoded for it."""
    passes: int
    """Passes of the engine, those for other texts included."""

    @property
    def rank(self) -> tuple[bool, bool, bool, float]:
        """Greater for what is better: something rather than nothing, not wrong, as probable as asked, more probable."""
        return bool(self.text), not self.wrong, self.likely, self.probability


def likeliest(
    decode: Callable[[Sequence[Taken], float], Decoded], offer: Callable[[str], str],
    is_wrong: Callable[[str, str], bool], *, floor: float, tries: int, hasty: bool, room: int,
) -> Found:  # fmt: skip
    """The likeliest text that may be meant, found by decoding the likeliest one and at most so many others.

    `decode` goes on from the tokens it is given, less than `room`, and may give up below a probability; `offer` says
    what of a text would be offered, `is_wrong` of both whether something speaks against it. What is shown must be as
    probable as `floor`, another text than the likeliest one as LEAST too; with `hasty`, nothing is decoded that is sure
    not to be shown, and the text may then be unfinished.
    """
    decoded = decode((), floor if hasty else 0.0)
    text, likely = offer(decoded.text), decoded.probability >= floor
    wrong = bool(text) and (likely or not hasty) and is_wrong(decoded.text, text)
    first = best = Found(text, wrong, decoded.probability, likely, len(decoded.taken), decoded.passes)
    if (text and not wrong) or (hasty and not likely):
        return first
    ways, passes = _Ways(room), decoded.passes
    ways.leave(decoded)
    # That nothing follows may well be meant, but cannot be offered: it leaves its probability to no other text.
    ruled_out = decoded.probability if wrong and likely else 0.0
    for _ in range(tries):
        least = max(floor, LEAST) * (1 - ruled_out)
        enough = best.probability if best.text and not best.wrong else 0.0
        if hasty:
            enough = max(enough, least)
        elif not best.likely:
            enough = min(enough, least)
        if ways.likeliest <= enough:
            break
        decoded = decode(ways.take(), least if hasty else 0.0)
        passes += decoded.passes + 1
        likely = decoded.probability >= least
        if hasty and not likely:
            continue
        ways.leave(decoded)
        text = offer(decoded.text)
        wrong = bool(text) and is_wrong(decoded.text, text)
        found = Found(text, wrong, decoded.probability, likely, len(decoded.taken), passes)
        best = max(best, found, key=lambda one: one.rank)
        ruled_out += decoded.probability if wrong and likely else 0.0
    share = 1 - ruled_out + (best.probability if best.wrong and best.likely else 0.0)
    return replace(
        best, probability=min(best.probability / share, 1.0), likely=first.likely and best.likely, passes=passes
    )


class _Ways:
    """The ways not taken so far, of less than `room` tokens."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._ways: list[tuple[float, list[Taken]]] = []

    def leave(self, decoded: Decoded) -> None:
        """Remember the ways that a decoded text did not take in its first line."""
        line = decoded.taken[: decoded.head]
        given = len(decoded.taken) - len(decoded.choices)
        most = max(min(len(line), self._room - 1) - given, 0)
        for place, choice in enumerate(decoded.choices[:most], start=given):
            for other in choice.others(WAYS):
                way = [*line[:place], other]
                heapq.heappush(self._ways, (-probability(way), way))

    @property
    def likeliest(self) -> float:
        """The most that a text can be worth that goes one of these ways."""
        return -self._ways[0][0] if self._ways else 0.0

    def take(self) -> list[Taken]:
        """The tokens that lead into the likeliest of them, which is none any more."""
        return heapq.heappop(self._ways)[1]
