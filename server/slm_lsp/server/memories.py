"""What the server remembers: the files of each workspace, and the open documents.

Knows: where memories are kept, how much of a workspace is remembered. Must not know: LSP, how a memory finds things,
how files are read.

Threads: `of` is called on the thread that computes. Files are learned on the reader's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slm_lsp.data import textbook
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.reader import Opened, Reader, Stamps

if TYPE_CHECKING:
    from slm_lsp.model.memory import Memory
    from slm_lsp.model.runtime.tokenizer import Tokenizer

MOST_TOKENS = 2_000_000
"""Tokens of one workspace that are remembered; the files changed last count first."""
MOST_BYTES = 4 * MOST_TOKENS
"""Bytes that are read at a time: about as many as give so many tokens."""


class _Workspace:
    """The memory of one root in one vocabulary; follows the root's files."""

    def __init__(self, memory: Memory, tokenizer: Tokenizer, kept: Path | None) -> None:
        self.memory = memory
        self._tokenizer = tokenizer
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
            from slm_lsp.model.memory import textbook_of

            self.memory.teach(textbook_of(self._tokenizer, textbook()))


class Memories:
    """One memory for each workspace and vocabulary in use."""

    def __init__(self, library: ModelLibrary, reader: Reader) -> None:
        self._library = library
        self._reader = reader
        self._workspaces: dict[tuple[Path | None, str], _Workspace] = {}

    def of(self, root: Path | None, tokenizer: Tokenizer, opened: Opened) -> Memory:
        """The memory of a workspace, with the documents that are open now; without a root, of those alone.

        The workspace's files come to be known with the reader's next look at it.
        """
        key = (root, tokenizer.sha256)
        if key not in self._workspaces:
            # Imported here: numpy takes time that `initialize` must not wait for.
            from slm_lsp.model.memory import Memory

            kept = self._library.memory_for(root) if root else None
            self._workspaces[key] = _Workspace(Memory(tokenizer, limit=MOST_TOKENS), tokenizer, kept)
            self._reader.follow(root, self._workspaces[key])
        workspace = self._workspaces[key]
        for name in workspace.opened.keys() - opened.keys():
            workspace.memory.forget(name)
        for name, (version, text) in opened.items():
            if name not in workspace.opened or workspace.opened[name] != version:
                workspace.memory.update(name, text())
        workspace.opened = {name: version for name, (version, _) in opened.items()}
        return workspace.memory
