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


@dataclass(frozen=True)
class Decoded:
    """What was decoded after the stem."""

    text: str
    """The text, with unix newlines."""
    logs: tuple[float, ...]
    """Log-probability of each of its tokens, that of its end included."""
    passes: int
    """Passes of the engine that they took; fewer than tokens where drafts held."""
    ended: bool
    """Whether it came to its end by itself."""
    head: int | None = None
    """Tokens of its first line, the line's end included; None where that is all of them."""

    @property
    def probability(self) -> float:
        """Of exactly its first line, the line's end included."""
        return math.exp(sum(self.logs[: self.head]))


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
        floor: float = 0.0, cancelled: Callable[[], bool] = never,
    ) -> Decoded:  # fmt: skip
        """The likeliest rest of the line, or lines of the block or bracket: what the `shape` says.

        `logits` (V,) follow the prompt; the text begins with the stem, which is not given back. Gives up where the
        first line's probability falls below `floor`. Raises Cancelled.
        """
        vocabulary, ahead = self._vocabulary, Ahead(self._engine)
        limit = LINE_TOKENS if shape.kind == "line" else BLOCK_TOKENS
        expected = match.continuations() if match else NOTHING
        text, ended, head, above = b"", False, 0, 0
        logs: list[float] = []
        while not ended:
            if cancelled():
                ahead.settle()
                raise Cancelled("the request was cancelled")
            token, log_probability = self._choose(self._mixture.log_probabilities(logits, expected), stem)
            logs.append(log_probability)
            piece = vocabulary.tokens[token]
            if stem:
                piece, stem = piece[len(stem) :], stem[len(piece) :]
            text += piece
            ended = bool(vocabulary.is_special[token]) or stops(text.decode("utf-8", "ignore"), shape)
            if b"\n" in piece and shape.kind != "line":
                # The filter judges the first line; each line below it is judged here, as it ends.
                if head and math.exp(sum(logs[above:])) < LINE_SURE:
                    text, ended = text[: text.rstrip().rfind(b"\n") + 1], True
                head, above = head or len(logs), len(logs)
            if len(logs) >= limit or ahead.free == 0 or (not head and math.exp(sum(logs)) < floor):
                break
            if match and not ended:
                match.advance(token)
                expected = match.continuations()
            if not ended:
                logits = ahead.after(token, self._draft(match, expected, shape))
        ahead.settle()
        shown = cut(text.decode("utf-8", "ignore"), shape, complete=ended)
        return Decoded(shown, tuple(logs), ahead.passes, ended, head or None)

    def log_probabilities(self, logits: Floats, match: Match | None) -> Floats:
        """Of the next token (V,), from the model's logits (V,) and the memory."""
        return self._mixture.log_probabilities(logits, match.continuations() if match else NOTHING)

    def _choose(self, logs: Floats, stem: bytes) -> tuple[int, float]:
        """The likeliest token and its log-probability, among those that agree with the stem while there is one."""
        if not stem:
            token = int(logs.argmax())
            return token, float(logs[token])
        allowed = self._vocabulary.agreeing(stem)
        among = log_softmax(logs[allowed])
        best = int(among.argmax())
        return int(allowed[best]), float(among[best])

    def _draft(self, match: Match | None, expected: Continuations, shape: Shape) -> list[int]:
        """What the memory is sure of, at most to the end of the line where that is all that is wanted."""
        if not self._drafts or match is None or not len(expected.ids) or expected.trust * expected.shares[0] < SURE:
            return []
        draft = match.draft(DRAFT)
        if shape.kind == "line":
            ends = (place for place, token in enumerate(draft) if b"\n" in self._vocabulary.tokens[token])
            draft = draft[: next(ends, len(draft))]
        return draft
