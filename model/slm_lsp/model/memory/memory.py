"""The memory: what is open and what the workspace holds, as tokens that can be looked up by what was just written.

Knows: documents, shelves, which version of a file counts. Must not know: LSP, models, which files a workspace has.

Threads: `update` and `forget` may be called anywhere and cost nothing. `learn`, `drop` and `load` are for a thread in
the background, `matcher` for the one that decodes; neither waits for the other, since all that is shared is replaced
whole and never changed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from slm_lsp.model.errors import ConfigError
from slm_lsp.model.memory import store
from slm_lsp.model.memory.document import BREAK, NOTHING, Document, frozen_tokens, unix_newlines
from slm_lsp.model.memory.match import Match
from slm_lsp.model.memory.shelf import REACH, Shelf, folder_of
from slm_lsp.model.memory.sources import (
    AFTER,
    BEFORE,
    ELSEWHERE,
    NEIGHBOR,
    TEXTBOOK,
    Open,
    Part,
    Shelved,
    Source,
)
from slm_lsp.model.memory.store import Learned, Stamp
from slm_lsp.model.runtime.tokenizer import Tokenizer

SLICE = 65_536
"""Tokens that are learned before they can be found."""
LONGEST_OPEN = 400_000
"""Characters of an open document that are looked at, around the cursor."""
_STEP = LONGEST_OPEN // 6
_FULL = 0.95
"""Share of the limit that is left after what does not fit was dropped, so that this is rare."""


@dataclass(frozen=True)
class _Shelves:
    """What can be found of the workspace's files; replaced whole."""

    old: Shelf
    """The bulk."""
    new: Shelf
    """What was learned since `old` was sorted."""
    superseded: frozenset[str]
    """Paths whose text in `old` no longer counts."""
    tokens: int
    """Tokens of the files that count."""


_EMPTY = Shelf.of([])
_NO_STAMP = (0, 0)
_NEVER = (-1, -1)


class Memory:
    """Finds what was written before, in the open documents and in the workspace's files, seconds or months ago.

    Paths are names with /: the same file must have the same one whether it is open or learned.
    """

    def __init__(self, tokenizer: Tokenizer, *, limit: int = 2_000_000) -> None:
        """At most `limit` tokens of learned files are kept, of those modified last. Raises ConfigError."""
        if tokenizer.vocab_size >= BREAK:
            raise ConfigError("the memory", [f"a vocabulary of {tokenizer.vocab_size} tokens; at most {BREAK - 1} fit"])
        self._tokenizer = tokenizer
        self._limit = limit
        self._newlines = np.zeros(BREAK + 1, np.uint8)
        counts = [tokenizer.bytes_of(number).count(b"\n") for number in range(tokenizer.vocab_size)]
        self._newlines[: len(counts)] = counts
        self._texts: dict[str, str] = {}
        self._documents: dict[str, Document] = {}
        self._learned: dict[str, Learned] = {}
        self._fresh: set[str] = set()  # learned since the old shelf was sorted
        self._left_out = _NEVER  # the newest of the files that did not fit
        self._shelves = _Shelves(_EMPTY, _EMPTY, frozenset(), 0)
        self._textbook = _EMPTY
        self._writing = threading.Lock()

    @property
    def tokens(self) -> int:
        """Tokens of learned files that can be found."""
        return self._shelves.tokens

    def teach(self, textbook: Shelf) -> None:
        """Know what is true of all projects too; it counts least. Any thread; see `textbook_of`."""
        self._textbook = textbook

    def update(self, path: str, text: str) -> None:
        """An open document's current text, which counts in place of the file's until `forget`."""
        text = unix_newlines(text)
        self._texts.pop(path, None)  # the last one edited stands last
        self._texts[path] = text

    def forget(self, path: str) -> None:
        """A document was closed: the file as it was learned counts again. Nothing for one that was not open."""
        self._texts.pop(path, None)

    def reconcile(self, stamps: Mapping[str, Stamp]) -> list[str]:
        """Drop what is none of these files, which are all of the workspace's; those to `learn`, the newest first.

        These are the files not known with this stamp, without those that would not be kept.
        """
        with self._writing:
            if not self._learned.keys() <= stamps.keys():
                self._learned = {path: learned for path, learned in self._learned.items() if path in stamps}
                self._publish()
            if self.tokens < self._limit // 2:
                self._left_out = _NEVER
            wanted = [(stamp, path) for path, stamp in stamps.items() if self._wants(path, stamp)]
        return [path for _, path in sorted(wanted, reverse=True)]

    def learn(self, files: Iterable[tuple[str, str]], stamps: Mapping[str, Stamp] = MappingProxyType({})) -> None:
        """Know these (path, text) files of the workspace; each replaces the version that was known.

        They can be found as soon as SLICE more tokens are known, and all of them on return. `stamps` are for
        `reconcile`; a file without one is learned in any case, and taken for the oldest.
        """
        pending = 0
        for path, text in files:
            stamp = stamps.get(path, _NO_STAMP)
            if path in stamps and not self._wants(path, stamp):
                continue
            ids = frozen_tokens(self._tokenizer, unix_newlines(text))
            with self._writing:
                self._learned[path] = Learned(stamp, ids)
                self._fresh.add(path)
                pending += len(ids)
                if pending >= SLICE:
                    self._publish()
                    pending = 0
        with self._writing:
            self._publish()

    def save(self, folder: Path) -> None:
        """Keep what was learned in a folder, for `load` in another session. Raises OSError."""
        with self._writing:
            learned = dict(self._learned)
        store.write(folder, self._tokenizer.sha256, learned)

    def load(self, folder: Path) -> None:
        """Know again what was saved there, but for files known by now; nothing where it is damaged or another's."""
        found = store.read(folder, self._tokenizer.sha256)
        with self._writing:
            self._fresh |= found.keys() - self._learned.keys()
            self._learned = {**found, **self._learned}
            self._publish()

    def matcher(self, path: str, before: str, after: str, stem: bytes = b"") -> Match:
        """Where the memory agrees with a cursor between `before` and `after`, the document's text at this moment.

        `before` ends with the stem, the bytes that are decoded again: the match is of what comes before it.
        """
        before, after = unix_newlines(before), unix_newlines(after)
        skipped = _beyond(len(before), 3 * _STEP)
        line = 1 + before.count("\n", 0, skipped)
        before, after = before[skipped:], after[: len(after) - _beyond(len(after), _STEP)]
        texts = self._texts.copy()
        texts.pop(path, None)
        opened = {path: before + after, **{name: text[:LONGEST_OPEN] for name, text in texts.items()}}
        documents = {
            name: self._documents.get(name, NOTHING).edited(self._tokenizer, text) for name, text in opened.items()
        }
        self._documents = documents
        cut = len(before) - len(stem.decode("utf-8", "replace"))
        left, right = documents[path].around(self._tokenizer, cut, len(before))
        folder = folder_of(path)
        parts = [Part(left, path, line, BEFORE), Part(right, path, line + before.count("\n"), AFTER)]
        for name in texts:
            near = NEIGHBOR if folder_of(name) == folder else ELSEWHERE
            parts.append(Part(documents[name].ids, name, 1, near))
        shelves = self._shelves
        sources: list[Source] = [
            Open(parts),
            Shelved.behind(shelves.new, opened.keys(), folder),
            Shelved.behind(shelves.old, shelves.superseded | opened.keys(), folder),
            Shelved.behind(self._textbook, (), folder, TEXTBOOK),
        ]
        return Match(sources, left[-REACH:].tolist(), self._newlines)

    def _wants(self, path: str, stamp: Stamp) -> bool:
        """Whether this version of a file is not known yet and would be kept."""
        known = self._learned.get(path)
        return known.stamp != stamp if known else stamp > self._left_out

    def _publish(self) -> None:
        """Let readers find what is known now. Sorts what is new, and from time to time everything."""
        sizes = {path: len(learned.ids) for path, learned in self._learned.items()}
        total = sum(sizes.values())
        if total > self._limit:
            for path in sorted(sizes, key=lambda path: self._learned[path].stamp):
                self._left_out = max(self._left_out, self._learned.pop(path).stamp)
                total -= sizes[path]
                if total <= _FULL * self._limit:
                    break
        self._fresh &= self._learned.keys()
        old = self._shelves.old
        superseded = {path for path in old.numbers if path in self._fresh or path not in self._learned}
        wasted = sum(old.size_of(path) for path in superseded)
        if wasted + sum(sizes[path] for path in self._fresh) > max(SLICE, len(old.ids) // 4):
            old = self._shelf(self._learned)
            # The shelf has the tokens: what is known refers to it, and its own copies go.
            self._learned = {path: Learned(self._learned[path].stamp, old.tokens_of(path)) for path in old.numbers}
            self._fresh, superseded = set(), set()
        self._shelves = _Shelves(old, self._shelf(self._fresh), frozenset(superseded), total)

    def _shelf(self, paths: Iterable[str]) -> Shelf:
        recent_last = sorted(paths, key=lambda path: (self._learned[path].stamp, path))
        return Shelf.of([(path, self._learned[path].ids) for path in recent_last])


def textbook_of(tokenizer: Tokenizer, files: Mapping[str, str]) -> Shelf:
    """What memories of this vocabulary can be taught: (path, text), by paths that no workspace has."""
    return Shelf.of([(path, frozen_tokens(tokenizer, unix_newlines(text))) for path, text in files.items()])


def _beyond(length: int, kept: int) -> int:
    """How much of a text to leave out so that between `kept` and `kept` + _STEP characters stay, in whole steps."""
    return max((length - kept) // _STEP, 0) * _STEP
