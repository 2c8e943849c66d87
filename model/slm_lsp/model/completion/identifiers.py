"""The likeliest identifiers at the cursor, for a popup.

Knows: an engine, a vocabulary, what the memory expects. Must not know: static analysis, prompts, editors.

Shapes: V vocabulary.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from slm_lsp.model.completion.decoding import Decoder, never
from slm_lsp.model.completion.mixture import log_softmax
from slm_lsp.model.completion.vocabulary import WORD_BYTES, Vocabulary
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.memory import Match
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

PASSES = 16
"""Most passes of the engine for one list."""
BRANCHES = 12
"""Tokens that are tried after each beginning."""
UNLIKELY = 1e-3
"""Probability under which a name is noise."""
LONGEST = 64
"""Bytes after which a name is given up."""


@dataclass(frozen=True)
class Candidate:
    """One entry of a popup."""

    name: str
    """The whole identifier, the part already typed included."""
    probability: float
    """The model's probability that it is the next one."""


@dataclass(order=True)
class _Beginning:
    surprise: float
    tokens: tuple[int, ...] = field(compare=False)
    stem: bytes = field(compare=False)
    """What of the stem is still to be decoded."""
    text: bytes = field(compare=False)
    """The identifier so far, without the part already typed."""


class IdentifierSearch:
    """Best-first search over the tokens that can spell an identifier, from an engine that holds the prompt."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, decoder: Decoder) -> None:
        self._engine = engine
        self._vocabulary = vocabulary
        self._decoder = decoder

    def search(
        self, logits: Floats, stem: bytes, typed: str, limit: int, *, match: Match | None = None,
        cancelled: Callable[[], bool] = never,
    ) -> list[Candidate]:  # fmt: skip
        """At most `limit` identifiers that begin with `typed`, best first; `logits` (V,) follow the prompt.

        The cache holds the prompt again afterwards. Raises Cancelled.
        """
        start = len(self._engine.ids)
        queue = [_Beginning(0.0, (), stem, b"")]
        found: dict[str, float] = {}
        try:
            for number in range(PASSES):
                if not queue or _settled(found, limit, queue[0]):
                    break
                if cancelled():
                    raise Cancelled("the request was cancelled")
                beginning = heapq.heappop(queue)
                if number:
                    self._engine.rewind(start)
                    if len(beginning.tokens) > self._engine.free:
                        continue
                    logits = self._engine.append(beginning.tokens, last=1)[0]
                logs = self._decoder.log_probabilities(logits, _advanced(match, beginning.tokens))
                self._expand(beginning, logs, typed, queue, found)
        finally:
            self._engine.rewind(start)
        ranked = sorted(found.items(), key=lambda item: -item[1])
        return [Candidate(name, probability) for name, probability in ranked[:limit]]

    def _expand(
        self, beginning: _Beginning, logs: Floats, typed: str, queue: list[_Beginning], found: dict[str, float]
    ) -> None:
        vocabulary = self._vocabulary
        if beginning.stem:
            allowed = vocabulary.agreeing(beginning.stem)
            logs = log_softmax(logs[allowed])
        else:
            allowed = np.flatnonzero(vocabulary.starts_word)
            if beginning.text or typed:
                ends = float(np.exp(logs[~vocabulary.starts_word]).sum())
                self._finish(beginning, typed, float(np.exp(-beginning.surprise)) * ends, found)
            logs = logs[allowed]
        for index in np.argsort(-logs)[:BRANCHES]:
            token = int(allowed[index])
            piece, left = vocabulary.tokens[token], beginning.stem
            piece, left = piece[len(left) :], left[len(piece) :]
            text = beginning.text + piece
            # A token that covers the stem and goes on with something else than a word spells no identifier.
            if len(text) > LONGEST or (piece and piece[0] not in WORD_BYTES):
                continue
            heapq.heappush(
                queue, _Beginning(beginning.surprise - float(logs[index]), (*beginning.tokens, token), left, text)
            )

    def _finish(self, beginning: _Beginning, typed: str, probability: float, found: dict[str, float]) -> None:
        name = typed + beginning.text.decode("utf-8", "ignore")
        if beginning.text and probability >= UNLIKELY and name.isidentifier():
            found[name] = max(found.get(name, 0.0), probability)


def _advanced(match: Match | None, tokens: Sequence[int]) -> Match | None:
    """The match after some tokens; the one given stays where it is."""
    if match is None or not tokens:
        return match
    further = copy(match)
    for token in tokens:
        further.advance(token)
    return further


def _settled(found: dict[str, float], limit: int, next_best: _Beginning) -> bool:
    """Whether no beginning that is left can lead to a name among the best `limit`."""
    possible = float(np.exp(-next_best.surprise))
    return possible < UNLIKELY or (len(found) >= limit and sorted(found.values())[-limit] >= possible)
