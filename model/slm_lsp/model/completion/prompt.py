"""Which part of the text the model sees, and as which tokens.

Knows: the prompt formats and the window that slides over long files. Must not know: engines, probabilities.

Formats (`end`, `file` ... are special tokens; suffix before prefix, so that typing only appends: Bavarian et al. 2022)
    prefix   [file path newline] prefix
    fim      fim_suffix suffix fim_prefix prefix fim_middle
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.config import ModelConfig

RESERVED = 96
"""Tokens of the context that are kept free for what is decoded."""
_STEM = re.compile(r" ?\w+$|[ \t]+$| ?[^\w\s]+$")
_LONGEST_STEM = 48


@dataclass(frozen=True)
class Prompt:
    """What the engine is given, and what the decoded text must begin with."""

    ids: list[int]
    """The context, which ends before the stem."""
    stem: bytes
    """The end of the prefix that is decoded again under its own bytes ("token healing"), because it need not end
    where a token of the finished text will end: `colle` of `collection`, `(` of `("`, a space before a word."""


def unix_newlines(text: str) -> str:
    """The text with every line ending as the model knows it."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def stem_of(text: str, *, joins_indent: bool) -> str:
    """The end of a text that is decoded again; see Prompt.stem. `joins_indent` is the vocabulary's."""
    line = text[text.rfind("\n") + 1 :]
    found = _STEM.search(line[-_LONGEST_STEM - 1 :])  # from the start of a long line it would take its time
    stem = found.group()[-_LONGEST_STEM:] if found else ""
    if line.strip() != stem.strip():
        return stem
    # The line's first word: its indentation belongs to the newline's token where the vocabulary has such tokens,
    # and else all but the last space, which belongs to the word.
    return stem.lstrip() if joins_indent else stem[-len(stem.lstrip()) - 1 :]


class PromptBuilder:
    """Builds the prompts of one model; the same text gives the same prompt, whatever was asked before."""

    def __init__(self, vocabulary: Vocabulary, config: ModelConfig, style: str, *, healing: bool = True) -> None:
        self._vocabulary = vocabulary
        self._healing = healing
        # Ghost text and popup ask for the same prompt, one after the other.
        self._encode = lru_cache(maxsize=8)(lambda text: tuple(vocabulary.tokenizer.encode(text)))
        self._special = vocabulary.tokenizer.special
        self._style = style
        self._limit = max(config.context - RESERVED, config.context // 2)
        # The window moves in steps, so that most keystrokes leave its start, and with it the KV cache, in place.
        self._stride = max(config.context // 8, 1)
        self._reach = 4 * config.context

    def build(self, prefix: str, suffix: str, path: str = "") -> Prompt:
        """The prompt of a cursor between `prefix` and `suffix`, which may be whole files."""
        text, whole = self._window(prefix)
        stem = stem_of(text, joins_indent=self._vocabulary.joins_indent) if self._healing else ""
        text = text[: len(text) - len(stem)]
        after = unix_newlines(suffix[: self._reach])
        if self._style == "fim" and after.strip():
            ids = self._fim(text, after)
        else:
            ids = self._tail(self._encode(text), self._limit)
            opening = self._opening(path)
            if whole and len(ids) + len(opening) <= self._limit:
                ids = opening + ids
        return Prompt(list(ids or self._opening(path) or self._encode("\n")), stem.encode("utf-8", "replace"))

    def _window(self, prefix: str) -> tuple[str, bool]:
        """The end of the prefix, from the start of a line, and whether that is all of it."""
        skipped = (len(prefix) - self._reach) // self._reach * self._reach
        if skipped <= 0:
            return unix_newlines(prefix), True
        text = unix_newlines(prefix[skipped:])
        return text[text.find("\n") + 1 :], False

    def _tail(self, ids: tuple[int, ...], limit: int) -> tuple[int, ...]:
        """The end of `ids`, at most `limit` of them, cut in whole strides."""
        excess = len(ids) - limit
        return ids[-(-excess // self._stride) * self._stride :] if excess > 0 else ids

    def _opening(self, path: str) -> tuple[int, ...]:
        file = self._special("file")
        if file is None:
            return ()
        name = "/".join(PurePosixPath(path.replace("\\", "/")).parts[-3:]).lstrip("/")
        return (file, *self._encode(name + "\n"))

    def _fim(self, text: str, after: str) -> tuple[int, ...]:
        marks = [self._special(name) for name in ("fim_suffix", "fim_prefix", "fim_middle")]
        suffix_mark, prefix_mark, middle_mark = (mark if mark is not None else 0 for mark in marks)
        suffix = self._encode(after)[: self._limit // 4]
        prefix = self._tail(self._encode(text), self._limit - len(suffix) - 3)
        return (suffix_mark, *suffix, prefix_mark, *prefix, middle_mark)
