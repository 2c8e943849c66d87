"""Greedy decoding of one suggestion, and where it stops.

Knows: an engine, a vocabulary, Python's indentation. Must not know: prompts, what stands after the cursor.

Shapes: V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

LINE_TOKENS = 40
"""Most tokens of a suggestion of one line."""
BLOCK_TOKENS = 90
"""Most tokens of a suggestion of several lines."""
BLOCK_LINES = 6
"""Most lines of a suggestion."""


def never() -> bool:
    """The `cancelled` of a caller who never cancels."""
    return False


@dataclass(frozen=True)
class Decoded:
    """What was decoded after the stem."""

    text: str
    """The text, with unix newlines."""
    probability: float
    """The model's probability of exactly this text, its end included."""
    tokens: int
    """Passes of the engine that it took."""


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities (V,) of logits (V,)."""
    shifted: Floats = logits - logits.max()
    normalized: Floats = shifted - np.log(np.exp(shifted).sum())
    return normalized


class Decoder:
    """Decodes from an engine whose cache holds the prompt."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary) -> None:
        self._engine = engine
        self._vocabulary = vocabulary

    def line(self, logits: Floats, stem: bytes, floor: float = 0.0, cancelled: Callable[[], bool] = never) -> Decoded:
        """The likeliest rest of the line; `logits` (V,) follow the prompt.

        Gives up where its probability falls below `floor`. Raises Cancelled.
        """
        return self._decode(logits, stem, None, LINE_TOKENS, floor, cancelled)

    def block(self, logits: Floats, indent: str, floor: float = 0.0, cancelled: Callable[[], bool] = never) -> Decoded:
        """The likeliest lines until one is indented less than `indent`; as `line` otherwise."""
        return self._decode(logits, b"", indent, BLOCK_TOKENS, floor, cancelled)

    def _decode(
        self,
        logits: Floats,
        stem: bytes,
        indent: str | None,
        limit: int,
        floor: float,
        cancelled: Callable[[], bool],
    ) -> Decoded:
        vocabulary, engine = self._vocabulary, self._engine
        text, surprise, passes = b"", 0.0, 0
        ended = False
        while not ended:
            if cancelled():
                raise Cancelled("the request was cancelled")
            token, log_probability = self._choose(logits, stem)
            surprise -= log_probability
            piece = vocabulary.tokens[token]
            if stem:
                piece, stem = piece[len(stem) :], stem[len(piece) :]
            text += piece
            passes += 1
            ended = vocabulary.is_special[token] or _stops(text, indent)
            if passes >= limit or engine.free == 0 or np.exp(-surprise) < floor:
                break
            if not ended:
                logits = engine.append([token], last=1)[0]
        return Decoded(_cut(text, indent, complete=ended), float(np.exp(-surprise)), passes)

    def _choose(self, logits: Floats, stem: bytes) -> tuple[int, float]:
        """The likeliest token and its log-probability, among those that agree with the stem while there is one."""
        if not stem:
            token = int(logits.argmax())
            return token, float(log_softmax(logits)[token])
        allowed = self._vocabulary.agreeing(stem)
        among = logits[allowed]
        best = int(among.argmax())
        return int(allowed[best]), float(log_softmax(among)[best])


def _stops(text: bytes, indent: str | None) -> bool:
    """Whether the text has come to its end: the line's, or the first line that leaves the block."""
    newline = text.rfind(b"\n")
    if newline < 0:
        return False
    if indent is None:
        return True
    if text.count(b"\n") >= BLOCK_LINES:
        return True
    last = text[newline + 1 :]
    return bool(last.strip()) and _width(last) < len(indent)


def _width(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))


def _cut(raw: bytes, indent: str | None, *, complete: bool) -> str:
    """The part of the decoded bytes that is worth showing: whole lines of the block, or the line.

    A block that was not brought to its end loses its last, unfinished line, unless that is all there is.
    """
    text = raw.decode("utf-8", "ignore")
    if indent is None:
        return text.split("\n", 1)[0].rstrip()
    first, *rest = text.split("\n")
    lines = [first]
    for number, line in enumerate(rest):
        unfinished = number == len(rest) - 1 and not complete
        if unfinished or (line.strip() and len(line) - len(line.lstrip(" \t")) < len(indent)):
            break
        lines.append(line)
    return "\n".join(lines).rstrip()
