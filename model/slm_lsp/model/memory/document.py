"""One text as tokens, which an edit changes in place: only the lines it touches are tokenized again.

Knows: where a text may be cut without changing its tokens. Must not know: other documents, how places are found.

Tokens are those of the whole text. They can be had piece by piece, because no vocabulary of ours has a token that
ends in white space but does not begin with it: a piece begins where white space that holds a line break begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.runtime.tokenizer import Tokenizer

Ids = NDArray[np.uint16]
"""Token ids, as they are kept."""
Places = NDArray[np.int64]
"""Indices into an array of tokens."""

BREAK = 0xFFFF
"""Stands where tokens are left out or a document ends: no token, so that nothing is matched across it."""
LONGEST_PIECE = 2_000
"""Characters of a line that are kept; a longer one is data, and would cost its length at every keystroke."""
_FEW = 8


def unix_newlines(text: str) -> str:
    """The text with every line ending as the vocabulary knows it."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def tokens_of(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Ids]:
    """The tokens of each text; of many at once without the GIL, of a few without waking other threads for them."""
    few = len(texts) <= _FEW
    return [_array(ids) for ids in (map(tokenizer.encode, texts) if few else tokenizer.encode_batch(texts))]


def frozen_tokens(tokenizer: Tokenizer, text: str) -> Ids:
    """The tokens of a text that will not be edited, as a document has them, and a BREAK at their end."""
    cuts = _cuts(text) if len(text) > LONGEST_PIECE else [0]
    if all(end - start <= LONGEST_PIECE for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)):
        parts = [_array(ids) for ids in tokenizer.encode_batch([text])]
    else:
        parts = _encoded(tokenizer, _pieces(text, cuts))
    return np.concatenate([*parts, _array([BREAK])])


@dataclass(frozen=True)
class Document:
    """A text and its tokens; never changes, so that any thread may read it."""

    text: str
    """With unix newlines."""
    ids: Ids
    """Its tokens (N,)."""
    starts: Places
    """The character at which each piece starts (P,), the first 0; every text has at least one piece."""
    firsts: Places
    """The index of each piece's first token (P,)."""

    @classmethod
    def of(cls, tokenizer: Tokenizer, text: str) -> Document:
        """The document of a text with unix newlines."""
        return NOTHING.edited(tokenizer, text)

    def edited(self, tokenizer: Tokenizer, text: str) -> Document:
        """The document of another text, at the cost of the part between their common beginning and end."""
        if text == self.text:
            return self
        begin, end = self._unchanged(text)
        grown = len(text) - len(self.text)
        start = int(self.starts[begin])
        stop = int(self.starts[end]) + grown if end < len(self.starts) else len(text)
        cuts = _cuts(text[start:stop])
        parts = _encoded(tokenizer, _pieces(text[start:stop], cuts))
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        first = int(self.firsts[begin])
        last = int(self.firsts[end]) if end < len(self.firsts) else len(self.ids)
        new_last = first + int(lengths.sum())
        return Document(
            text,
            np.concatenate([self.ids[:first], *parts, self.ids[last:]]),
            np.concatenate([self.starts[:begin], start + np.array(cuts, np.int64), self.starts[end:] + grown]),
            np.concatenate(
                [self.firsts[:begin], first + np.cumsum(lengths) - lengths, self.firsts[end:] + (new_last - last)]
            ),
        )

    def around(self, tokenizer: Tokenizer, before: int, after: int) -> tuple[Ids, Ids]:
        """The tokens of the text up to the character `before`, and of that from `after` on, each as a text of its own.

        Not parts of `ids`: where the cursor stands in a line, the tokens around it depend on what is cut off.
        """
        left = int(np.searchsorted(self.starts, before, side="right")) - 1
        right = int(np.searchsorted(self.starts, after, side="right")) - 1
        rest = int(self.starts[right + 1]) if right + 1 < len(self.starts) else len(self.text)
        start = max(int(self.starts[left]), before - LONGEST_PIECE)
        head, tail = _encoded(tokenizer, [self.text[start:before], self.text[after:rest]])
        follow = self.ids[int(self.firsts[right + 1]) :] if right + 1 < len(self.firsts) else self.ids[:0]
        return np.concatenate([self.ids[: int(self.firsts[left])], head]), np.concatenate([tail, follow])

    def _unchanged(self, text: str) -> tuple[int, int]:
        """`begin` and `end`: the pieces before and from these on are the same in `text`."""
        head = _common(self.text, text)
        tail = _common_end(self.text, text, min(len(text), len(self.text)) - head)
        # A cut is decided by the character before it and by the white space after it: one piece more is taken.
        begin = max(int(np.searchsorted(self.starts, head, side="right")) - 2, 0)
        end = int(np.searchsorted(self.starts, len(self.text) - tail, side="right"))
        return begin, end


NOTHING = Document("", np.zeros(0, np.uint16), np.zeros(1, np.int64), np.zeros(1, np.int64))
"""The document of the empty text."""


def _array(ids: Sequence[int]) -> Ids:
    return np.array(ids, dtype=np.uint16)


def _cuts(text: str) -> list[int]:
    """Where the pieces of a text start: at 0, and where white space that holds a line break starts."""
    cuts, position = [0], 0
    for line in text.split("\n")[:-1]:
        # Python's white space has four control characters more than the vocabularies': no token joins those either.
        code = len(line.rstrip())
        if code:
            cuts.append(position + code)
        position += len(line) + 1
    return cuts


def _pieces(text: str, cuts: Sequence[int]) -> list[str]:
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _encoded(tokenizer: Tokenizer, pieces: Sequence[str]) -> list[Ids]:
    parts = tokens_of(tokenizer, [piece[:LONGEST_PIECE] for piece in pieces])
    for number, piece in enumerate(pieces):
        if len(piece) > LONGEST_PIECE:
            parts[number] = np.append(parts[number], np.uint16(BREAK))
    return parts


def _common(one: str, other: str) -> int:
    """Characters that both texts begin with: by halves, since comparing strings is what the machine is good at."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _common_end(one: str, other: str, most: int) -> int:
    """Characters, at most `most`, that both texts end with."""
    low, high = 0, most
    if one[len(one) - high :] == other[len(other) - high :]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle
    return low
