"""What the server remembers: the files of each workspace, and the open documents.

Knows: where memories are kept, how much of a workspace is remembered. Must not know: LSP, how a memory finds things,
how files are read.

Threads: `of` is called on the thread that computes. Files are learned on the reader's.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slm_lsp.data import textbook
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.reader import Opened, Reader, Stamps

if TYPE_CHECKING:
    from slm_lsp.model.memory import Memory
    from slm_lsp.model.memory.shelf import Shelf
    from slm_lsp.model.runtime.tokenizer import Tokenizer

MOST_TOKENS = 2_000_000
"""Tokens of one workspace that are remembered; the files changed last count first."""
MOST_BYTES = 4 * MOST_TOKENS
"""Bytes that are read at a time: about as many as give so many tokens."""
MOST_NAMED = 3
"""Files that are named of those that are left out."""


class _Workspace:
    """The memory of one root in one vocabulary; follows the root's files."""

    def __init__(self, memory: Memory, kept: Path | None, taught: Callable[[], Shelf]) -> None:
        self.memory = memory
        self._textbook = taught
        self.opened: dict[str, object] = {}
        self._kept = kept
        self._loaded = self._taught = False

    def begin(self) -> None:
        """Know again what the last session knew."""
        if not self._loaded and self._kept:
            self.memory.load(self._kept)
        self._loaded = True

    def wanted(self, stamps: Stamps) -> list[str]:
        """The files that are new or changed, the newest first, and no more than fit."""
        wanted, size = [], 0
        for name in self.memory.reconcile(stamps):
            size += stamps[name][1]
            if size > MOST_BYTES:
                break
            wanted.append(name)
        return wanted

    def learn(self, texts: Sequence[tuple[str, str]], stamps: Stamps) -> None:
        """Remember files."""
        self.memory.learn(texts, stamps)

    def end(self, learned: bool) -> None:
        """Keep what is known for the next session; after the first look, know what every memory is taught."""
        if learned and self._kept:
            with contextlib.suppress(OSError):  # a full disk costs the next session a minute, and nothing else
                self.memory.save(self._kept)
        if not self._taught:
            self._taught = True
            self.memory.teach(self._textbook())


class Memories:
    """One memory for each workspace and vocabulary in use."""

    def __init__(self, library: ModelLibrary, reader: Reader) -> None:
        self._library = library
        self._reader = reader
        self._workspaces: dict[tuple[Path | None, str], _Workspace] = {}
        self._textbooks: dict[str, Shelf] = {}
        self._teaching = threading.Lock()

    def report(self) -> list[dict[str, Any]]:
        """What is remembered of each workspace, and what is left out, JSON-ready; costs nothing."""
        report = []
        for (root, _), workspace in self._workspaces.copy().items():
            if root is not None:
                left_out = self._reader.left_out(root)
                some = [f"{name}: {why}" if name else why for name, why in islice(left_out.items(), MOST_NAMED)]
                tokens = workspace.memory.tokens
                report.append({"root": str(root), "tokens": tokens, "left_out": len(left_out), "such_as": some})
        return report

    def of(self, root: Path | None, tokenizer: Tokenizer, opened: Opened) -> Memory:
        """The memory of a workspace, with the documents that are open now; without a root, of those alone.

        The workspace's files come to be known with the reader's next look at it.
        """
        key = (root, tokenizer.sha256)
        if key not in self._workspaces:
            # Imported here: numpy takes time that `initialize` must not wait for.
            from slm_lsp.model.memory import Memory

            kept = self._library.memory_for(root) / tokenizer.sha256[:8] if root else None
            memory = Memory(tokenizer, limit=MOST_TOKENS)
            self._workspaces[key] = _Workspace(memory, kept, lambda: self._textbook(tokenizer))
            self._reader.follow(root, self._workspaces[key])
        workspace = self._workspaces[key]
        for name in workspace.opened.keys() - opened.keys():
            workspace.memory.forget(name)
        for name, (version, text) in opened.items():
            if name not in workspace.opened or workspace.opened[name] != version:
                workspace.memory.update(name, text())
        workspace.opened = {name: version for name, (version, _) in opened.items()}
        return workspace.memory

    def _textbook(self, tokenizer: Tokenizer) -> Shelf:
        """What every memory of this vocabulary is taught: made once."""
        from slm_lsp.model.memory import textbook_of

        with self._teaching:
            if tokenizer.sha256 not in self._textbooks:
                self._textbooks[tokenizer.sha256] = textbook_of(tokenizer, textbook())
            return self._textbooks[tokenizer.sha256]
