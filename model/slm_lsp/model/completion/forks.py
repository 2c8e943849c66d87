"""Other texts than the likeliest one: where it can be no other, the next likely ways are gone instead.

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
    def rank(self) -> tuple[bool, bool, float]:
        """Greater for what is better: something rather than nothing, not wrong, probable."""
        return bool(self.text), not self.wrong, self.probability


def likeliest(
    decode: Callable[[Sequence[Taken], float], Decoded], offer: Callable[[str], str],
    is_wrong: Callable[[str, str], bool], *, floor: float, tries: int, hasty: bool,
) -> Found:  # fmt: skip
    """The likeliest text that may be meant, found by decoding the likeliest one and at most so many others.

    `decode` goes on from the tokens it is given and may give up below a probability; `offer` says what of a text would
    be offered, `is_wrong` of both whether something speaks against it. What is shown must be as probable as `floor`;
    with `hasty`, nothing is decoded that is sure not to be shown, and the text may then be unfinished.
    """
    ways = _Ways()
    given: list[Taken] = []
    ruled_out, passes = 0.0, 0
    first: Found | None = None
    for _ in range(tries + 1):
        least = floor * (1 - ruled_out)
        decoded = decode(given, least if hasty else 0.0)
        passes += decoded.passes
        likely = decoded.probability >= least
        unfinished = hasty and not likely
        text = offer(decoded.text)
        wrong = bool(text) and not unfinished and is_wrong(decoded.text, text)
        found = Found(text, wrong, decoded.probability, likely, len(decoded.taken), passes)
        if first is None:
            first = best = found
            if unfinished or (text and not wrong):
                break
        best = max(best, found, key=lambda one: one.rank)
        if wrong and likely:  # that nothing follows may well be meant, but cannot be offered
            ruled_out += decoded.probability
        ways.leave(decoded)
        enough = best.probability if best.text and not best.wrong else 0.0
        if ways.likeliest <= max(enough, floor * (1 - ruled_out) if hasty else 0.0):
            break
        given = ways.take()
    assert first is not None
    share = 1 - ruled_out + (best.probability if best.wrong and best.likely else 0.0)
    return replace(
        best, probability=min(best.probability / share, 1.0), likely=first.likely and best.likely, passes=passes
    )


class _Ways:
    """The ways not taken so far."""

    def __init__(self) -> None:
        self._ways: list[tuple[float, list[Taken]]] = []

    def leave(self, decoded: Decoded) -> None:
        """Remember the ways that a decoded text did not take in its first line."""
        line = decoded.taken[: decoded.head]
        given = len(decoded.taken) - len(decoded.choices)
        for place, choice in enumerate(decoded.choices[: len(line) - given], start=given):
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
