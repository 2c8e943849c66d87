"""The vocabulary as decoding sees it: bytes, prefixes, word characters.

Knows: which token ids agree with bytes that must come. Must not know: probabilities, prompts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.runtime.tokenizer import Tokenizer

Ids = NDArray[np.int64]

WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") | frozenset(range(128, 256))
"""Bytes that stand inside identifiers; every byte of a non-ASCII letter counts."""
SPECIALS = ("end", "fim_prefix", "fim_suffix", "fim_middle", "file", "repo")


class Vocabulary:
    """Look-ups over a tokenizer's tokens, computed once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.tokens = [tokenizer.bytes_of(token) for token in range(tokenizer.vocab_size)]
        self._sorted = sorted((token, index) for index, token in enumerate(self.tokens) if token)
        self._keys = [token for token, _ in self._sorted]
        self._ids = np.array([index for _, index in self._sorted], dtype=np.int64)
        self._id_of = dict(self._sorted)
        # Special tokens have no bytes: they end a suggestion and are never part of one.
        self.is_special = np.array([not token for token in self.tokens])
        self.starts_word = np.array([bool(token) and token[0] in WORD_BYTES for token in self.tokens])
        self.joins_indent = tokenizer.encode("\n    x")[:1] == tokenizer.encode("\n    ")
        """Whether a newline and the indentation after it are one token, so that a line starts with its word."""

    def covering(self, stem: bytes) -> Ids:
        """Ids of the tokens that begin with `stem`."""
        low = bisect_left(self._keys, stem)
        high = bisect_left(self._keys, stem + b"\xff" * 8)
        return self._ids[low:high]

    def agreeing(self, stem: bytes) -> Ids:
        """Ids of the tokens that begin with `stem` or that `stem` begins with."""
        shorter = [self._id_of[stem[:cut]] for cut in range(1, len(stem)) if stem[:cut] in self._id_of]
        return np.concatenate([np.array(shorter, dtype=np.int64), self.covering(stem)])

    def text_of(self, ids: Sequence[int]) -> str:
        """The text that token ids spell; what is no UTF-8 is left out."""
        return b"".join(self.tokens[token] for token in ids).decode("utf-8", "ignore")
