"""What the server remembers: the files of each workspace, read in the background, and the open documents.

Knows: roots, when a workspace is read again, where memories are kept. Must not know: LSP, how a memory finds things.

Threads: `of` is called on the thread that computes. Reading has a thread of its own, which yields to all others.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slm_lsp.model.errors import WorkspaceError
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.repository import python_files, read_text

if TYPE_CHECKING:
    from slm_lsp.model.memory import Memory, Stamp
    from slm_lsp.model.runtime.tokenizer import Tokenizer

SECONDS_BETWEEN_READINGS = 20.0
"""How long a look at the workspace's files stays good."""
MOST_TOKENS = 2_000_000
"""Tokens of one workspace that are remembered; the files changed last count first."""
MOST_BYTES = 4 * MOST_TOKENS
"""Bytes that are read at a time: about as many as give so many tokens."""
NICENESS = 10
"""Of the reading thread, where the system has such a thing for threads."""

Opened = Mapping[str, tuple[object, Callable[[], str]]]
"""Open documents: name -> version, and what gives the text of that version."""


class _Workspace:
    """The memory of one root in one vocabulary."""

    def __init__(self, memory: Memory, root: Path | None) -> None:
        self.memory = memory
        self.root = root
        self.reading: threading.Thread | None = None
        self.read_at = float("-inf")
        self.opened: dict[str, object] = {}


class Memories:
    """One memory for each workspace and vocabulary in use."""

    def __init__(self, library: ModelLibrary, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._clock = clock
        self._workspaces: dict[tuple[Path | None, str], _Workspace] = {}
        self._stopped = threading.Event()

    def of(self, root: Path | None, tokenizer: Tokenizer, opened: Opened) -> Memory:
        """The memory of a workspace, with the documents that are open now; without a root, of those alone.

        The workspace's files come to be known in the background.
        """
        key = (root, tokenizer.sha256)
        if key not in self._workspaces:
            # Imported here: numpy takes time that `initialize` must not wait for.
            from slm_lsp.model.memory import Memory

            self._workspaces[key] = _Workspace(Memory(tokenizer, limit=MOST_TOKENS), root)
        workspace = self._workspaces[key]
        for name in workspace.opened.keys() - opened.keys():
            workspace.memory.forget(name)
        for name, (version, text) in opened.items():
            if name not in workspace.opened or workspace.opened[name] != version:
                workspace.memory.update(name, text())
        workspace.opened = {name: version for name, (version, _) in opened.items()}
        self._read(workspace)
        return workspace.memory

    @property
    def tokens(self) -> int:
        """Tokens of workspaces' files that are remembered."""
        return sum(workspace.memory.tokens for workspace in self._workspaces.values())

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until what is being read has been read."""
        for workspace in list(self._workspaces.values()):
            if workspace.reading:
                workspace.reading.join(seconds)

    def stop(self) -> None:
        """Stop reading."""
        self._stopped.set()

    def _read(self, workspace: _Workspace) -> None:
        """Look at the workspace's files in the background, unless that was done a moment ago."""
        busy = workspace.reading and workspace.reading.is_alive()
        due = self._clock() - workspace.read_at >= SECONDS_BETWEEN_READINGS
        if workspace.root is None or busy or not due or self._stopped.is_set():
            return
        first = workspace.reading is None
        workspace.read_at = self._clock()
        arguments = (workspace.memory, workspace.root, first)
        workspace.reading = threading.Thread(target=self._learn, args=arguments, name="slm-lsp-reader", daemon=True)
        workspace.reading.start()

    def _learn(self, memory: Memory, root: Path, first: bool) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        kept = self._library.memory_for(root)
        if first:
            memory.load(kept)
        stamps: dict[str, Stamp] = {}
        places: dict[str, Path] = {}
        for name, file in python_files(root):
            if self._stopped.is_set():
                return
            with contextlib.suppress(OSError):
                stat = file.stat()
                stamps[name], places[name] = (stat.st_mtime_ns, stat.st_size), file
        wanted = memory.reconcile(stamps)
        if not wanted:
            return
        memory.learn(self._texts(wanted, stamps, places, root), stamps)
        with contextlib.suppress(OSError):  # a full disk costs the next session a minute, and nothing else
            memory.save(kept)

    def _texts(
        self, wanted: list[str], stamps: Mapping[str, Stamp], places: Mapping[str, Path], root: Path
    ) -> Iterator[tuple[str, str]]:
        size = 0
        for name in wanted:
            size += stamps[name][1]
            if size > MOST_BYTES or self._stopped.is_set():
                return
            with contextlib.suppress(WorkspaceError):
                yield name, read_text(places[name], root)
