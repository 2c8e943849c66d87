"""Greedy decoding of one suggestion, and where it stops.

Knows: an engine, a vocabulary, what the memory expects. Must not know: prompts, Python, what stands after the cursor.

Where the memory is sure how the text goes on, its tokens are a draft: the engine computes all of them in one pass, and
those that would have been chosen anyway are taken (Leviathan et al. 2023; greedy, so nothing changes but the time).

Shapes: V vocabulary, K tokens of a draft.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.completion.mixture import Mixture, log_softmax
from slm_lsp.model.completion.shape import LINE, Shape, cut, stops
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.memory import NOTHING, Continuations, Match
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

LINE_TOKENS = 40
"""Most tokens of a suggestion of one line."""
BLOCK_TOKENS = 90
"""Most tokens of a suggestion of several lines."""
LINE_SURE = 0.3
"""Least probability, those above it given, of a line below the first one that is still offered."""
DRAFT = 7
"""Most tokens of a draft: with the one before it, a pass of 8 costs twice a pass of one."""
SURE = 0.5
"""Probability that the memory must give to its next token before it drafts."""


def never() -> bool:
    """The `cancelled` of a caller who never cancels."""
    return False


class Taken(NamedTuple):
    """A token that a text is made of."""

    token: int
    log: float
    """Its log-probability."""


@dataclass(frozen=True)
class Choice:
    """What a token was chosen from."""

    ids: NDArray[np.int64] | None
    """The tokens that were allowed (K,); None where all were."""
    logs: Floats
    """Their log-probabilities (K,) or (V,)."""

    def best(self) -> Taken:
        """The likeliest."""
        return self._taken(int(self.logs.argmax()))

    def others(self, count: int) -> list[Taken]:
        """The likeliest but for the best, at most so many."""
        most = min(count + 1, len(self.logs))
        found = self.logs.argpartition(-most)[-most:]
        return [self._taken(int(at)) for at in found[np.argsort(-self.logs[found], kind="stable")][1:]]

    def _taken(self, at: int) -> Taken:
        return Taken(int(at if self.ids is None else self.ids[at]), float(self.logs[at]))


@dataclass(frozen=True)
class Decoded:
    """What was decoded after the stem."""

    text: str
    """The text, with unix newlines."""
    taken: tuple[Taken, ...]
    """Its tokens, that of its end included."""
    choices: tuple[Choice, ...]
    """What each of those was chosen from that were not given."""
    passes: int
    """Passes of the engine that they took; fewer than tokens where drafts held."""
    ended: bool
    """Whether it came to its end by itself."""
    head: int | None = None
    """Tokens of its first line, the line's end included; None where that is all of them."""

    @property
    def probability(self) -> float:
        """Of exactly its first line, the line's end included."""
        return probability(self.taken[: self.head])


def probability(taken: Sequence[Taken]) -> float:
    """Of these tokens, one after the other."""
    return math.exp(sum(one.log for one in taken))


class Ahead:
    """An engine that runs ahead on drafts, and goes back where a draft does not hold."""

    def __init__(self, engine: Engine) -> None:
        self.passes = 0
        """Passes of the engine so far."""
        self._engine = engine
        self._length = len(engine.ids)  # of what is certain
        self._draft: list[int] = []
        self._rows: list[Floats] = []  # the logits after each token of the draft

    def after(self, token: int, draft: Sequence[int] = ()) -> Floats:
        """The logits (V,) after one more token; `draft` are the tokens that may follow it."""
        if self._draft and self._draft[0] == token:
            self._length += 1
            self._draft.pop(0)
            return self._rows.pop(0)
        self.settle()
        self._draft = list(draft[: self._engine.free - 1])
        self._rows = list(self._engine.append([token, *self._draft]))
        self._length += 1
        self.passes += 1
        return self._rows.pop(0)

    def settle(self) -> None:
        """Take back what was only a draft."""
        self._engine.rewind(self._length)
        self._draft, self._rows = [], []

    @property
    def free(self) -> int:
        """Tokens that can still follow."""
        return self._engine.config.context - self._length


class Decoder:
    """Decodes from an engine whose cache holds the prompt."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, mixture: Mixture, *, drafts: bool = True) -> None:
        self._engine = engine
        self._vocabulary = vocabulary
        self._mixture = mixture
        self._drafts = drafts

    def decode(
        self, logits: Floats, stem: bytes, shape: Shape = LINE, *, match: Match | None = None,
        given: Sequence[Taken] = (), floor: float = 0.0, cancelled: Callable[[], bool] = never,
    ) -> Decoded:  # fmt: skip
        """The likeliest rest of the line, or lines of the block or bracket: what the `shape` says.

        `logits` (V,) follow the prompt and the tokens of its first line that are `given`; the text begins with the
        stem, which is not given back. Gives up where the first line's probability falls below `floor`. Raises
        Cancelled.
        """
        vocabulary, ahead = self._vocabulary, Ahead(self._engine)
        limit = LINE_TOKENS if shape.kind == "line" else BLOCK_TOKENS
        text, ended, head, above = b"", False, 0, 0
        taken: list[Taken] = []
        choices: list[Choice] = []
        while not ended:
            if cancelled():
                ahead.settle()
                raise Cancelled("the request was cancelled")
            if len(taken) < len(given):
                chosen = given[len(taken)]
            else:
                expected = match.continuations() if match else NOTHING
                if choices:
                    logits = ahead.after(taken[-1].token, self._draft(match, expected, shape))
                choices.append(self._choice(self._mixture.log_probabilities(logits, expected), stem))
                chosen = choices[-1].best()
            taken.append(chosen)
            piece = vocabulary.tokens[chosen.token]
            if stem:
                piece, stem = piece[len(stem) :], stem[len(piece) :]
            text += piece
            ended = bool(vocabulary.is_special[chosen.token]) or stops(text.decode("utf-8", "ignore"), shape)
            if b"\n" in piece and shape.kind != "line":
                # The filter judges the first line; each line below it is judged here, as it ends.
                if head and probability(taken[above:]) < LINE_SURE:
                    text, ended = text[: text.rstrip().rfind(b"\n") + 1], True
                head, above = head or len(taken), len(taken)
            if len(taken) >= limit or ahead.free == 0 or (not head and probability(taken) < floor):
                break
            if match and not ended:
                match.advance(chosen.token)
        ahead.settle()
        shown = cut(text.decode("utf-8", "ignore"), shape, complete=ended)
        return Decoded(shown, tuple(taken), tuple(choices), ahead.passes, ended, head or None)

    def log_probabilities(self, logits: Floats, match: Match | None) -> Floats:
        """Of the next token (V,), from the model's logits (V,) and the memory."""
        return self._mixture.log_probabilities(logits, match.continuations() if match else NOTHING)

    def _choice(self, logs: Floats, stem: bytes) -> Choice:
        """What the next token is chosen from: all, or those that agree with the stem while there is one."""
        if not stem:
            return Choice(None, logs)
        allowed = self._vocabulary.agreeing(stem)
        return Choice(allowed, log_softmax(logs[allowed]))

    def _draft(self, match: Match | None, expected: Continuations, shape: Shape) -> list[int]:
        """What the memory is sure of, at most to the end of the line where that is all that is wanted."""
        if not self._drafts or match is None or not len(expected.ids) or expected.trust * expected.shares[0] < SURE:
            return []
        draft = match.draft(DRAFT)
        if shape.kind == "line":
            ends = (place for place, token in enumerate(draft) if b"\n" in self._vocabulary.tokens[token])
            draft = draft[: next(ends, len(draft))]
        return draft
