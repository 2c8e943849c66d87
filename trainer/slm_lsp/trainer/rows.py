"""What a batch of pretraining is made of: rows of the packed corpus, some of them with a hole to fill.

Knows: token ids, where a cursor may stand among them, how prompts with a suffix are laid out. Must not know: files,
networks, schedules.

A hole is cut where the served prompt ends: before a word or a run of signs, since the half-typed end is decoded again
(completion/prompt.py), and at a line's end. Laid out as the prompt: suffix first, so that typing only appends (Bavarian
et al. 2022): fim_suffix S fim_prefix P fim_middle M end.

Shapes: T context, V vocabulary. A row is (T + 1,).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.errors import ConfigError
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.pack import Pack, Tokens

Row = NDArray[np.int64]
MARKS = ("fim_suffix", "fim_prefix", "fim_middle", "end")
"""The special tokens of a row with a hole, in their order."""
MOST_SUFFIX = 0.25
"""Share of a row that the suffix has at most, as in the prompt."""
SEVERAL_LINES = 0.2
"""Share of the holes that span several lines."""
MOST_LINES = 5
"""Lines of such a hole, at most."""


@dataclass(frozen=True)
class Mix:
    """What a batch is made of. Raises ConfigError naming every share that is none."""

    rows: int = 8
    """Sequences in a batch (B)."""
    chroma: float = 0.25
    """Share of rows from files that use ChromaDB, while the learning rate is high."""
    chroma_decay: float = 0.45
    """The same while it falls."""
    holes: float = 0.0
    """Share of rows with a hole, while the learning rate is high."""
    holes_decay: float = 0.0
    """The same while it falls."""
    seed: int = 0
    """Of the order of the data."""

    def __post_init__(self) -> None:
        shares = ("chroma", "chroma_decay", "holes", "holes_decay")
        faults = [
            f"{name} must be in 0..1, not {getattr(self, name)}" for name in shares if not 0 <= getattr(self, name) <= 1
        ]
        if self.rows < 1:
            faults.append(f"rows must be at least 1, not {self.rows}")
        if faults:
            raise ConfigError("the mix of a batch", faults)


class Holes:
    """Cuts holes into rows of one vocabulary's tokens. Raises ConfigError where it lacks a special token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        marks = {name: tokenizer.special(name) for name in MARKS}
        if missing := [name for name, number in marks.items() if number is None]:
            raise ConfigError("vocabulary", [f"it has no special token {name}, which holes need" for name in missing])
        self._marks = [number for number in marks.values() if number is not None]
        texts = [tokenizer.bytes_of(number) for number in range(tokenizer.vocab_size)]
        self._newline = np.array([text.startswith(b"\n") for text in texts])
        self._special = np.array([not text for text in texts])
        self._special[self._marks] = True
        self._first = np.array([_class(text[:1]) for text in texts])
        self._last = np.array([_class(text[-1:]) for text in texts])

    def cut(self, row: Row, rng: np.random.Generator) -> Row:
        """A row (T + 1,) with a hole in its second half, as long as it was; itself where no hole can be."""
        length = len(row) - len(self._marks)
        text = row[:length]
        ends = np.flatnonzero(self._newline[text])
        lasts = np.flatnonzero(ends >= length - max(int(MOST_SUFFIX * len(row)), 1))
        if not len(lasts) or lasts[0] == 0:
            return row
        last = int(rng.choice(lasts))
        lines = int(rng.integers(2, MOST_LINES + 1)) if rng.random() < SEVERAL_LINES else 1
        start, end = int(ends[max(last - lines, 0)]) + 1, int(ends[last])
        if self._special[text[start:]].any() or self._special[text[start - 1]]:
            return row
        first_line = int(ends[ends >= start][0])
        begins = start + np.flatnonzero(self._begins(text[start - 1 : first_line]))
        if not len(begins):
            return row
        at = int(rng.choice(begins))
        suffix, prefix, middle, close = self._marks
        return np.concatenate([[suffix], text[end:], [prefix], text[:at], [middle], text[at:end], [close]])

    def _begins(self, text: Row) -> NDArray[np.bool_]:
        """Of each token but the first, whether a word or a run of signs begins there, its space included."""
        first, before = self._first[text[1:]], self._last[text[:-1]]
        found: NDArray[np.bool_] = (first != before) & ((before != _SPACE) | self._newline[text[:-1]])
        return found


_SPACE, _WORD, _SIGN = range(3)


def _class(byte: bytes) -> int:
    """Of what a token begins or ends with; bytes of other alphabets are words'."""
    if not byte or byte.isspace():
        return _SPACE
    return _WORD if re.match(rb"[\w\x80-\xff]", byte) else _SIGN


def rows_of(
    pack: Pack, tokenizer: Tokenizer, context: int, mix: Mix, decay: float
) -> Callable[[int, float], NDArray[np.int64]]:
    """Batches (B, T + 1) at random places of the pack: a pure function of the step, so that runs can be resumed.

    `decay` is the share of the run, at its end, in which the learning rate falls.
    """
    holes = Holes(tokenizer)

    def batch(step: int, progress: float) -> NDArray[np.int64]:
        draw = np.random.default_rng((mix.seed, step))
        falling = progress > 1 - decay
        chroma, holed = (mix.chroma_decay, mix.holes_decay) if falling else (mix.chroma, mix.holes)
        rows = []
        for _ in range(mix.rows):
            tokens: Tokens = pack.groups["chroma" if draw.random() < chroma else "general"]
            start = int(draw.integers(len(tokens) - context))
            row = tokens[start : start + context + 1].astype(np.int64)
            rows.append(holes.cut(row, draw) if holed and draw.random() < holed else row)
        return np.stack(rows)

    return batch
