"""The facts of each workspace: its chromadb's and its own, kept up to date in the background.

Knows: roots, environments, when a workspace is looked at again. Must not know: LSP, what facts are for.

Threads: `of` may be called from any one thread at a time and never waits. Reading has threads of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from slm_lsp.model.errors import WorkspaceError
from slm_lsp.model.repository import python_files, read_text
from slm_lsp.server.chroma.facts import Facts, Installed
from slm_lsp.server.chroma.installed import installed_in
from slm_lsp.server.chroma.used import Workspace

SECONDS_BETWEEN_READINGS = 20.0
"""How long a look at the workspace's files, and at its environment, stays good."""
MOST_FILES = 5_000
"""Files of one workspace that are read."""

Opened = Mapping[str, tuple[object, Callable[[], str]]]
"""Open documents by their paths in the workspace: version, and what gives the text of that version."""


class _Known:
    """What is known of one workspace."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.lock = threading.Lock()
        """Held while the workspace's files change."""
        self.installed: Installed | None = None
        self.opened: dict[str, object] = {}
        self.stamps: dict[str, tuple[int, int]] = {}
        self.reading: threading.Thread | None = None
        self.read_at = float("-inf")


class Knowledge:
    """The facts of every workspace in use."""

    def __init__(self, cache: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._known: dict[tuple[Path | None, Path | None], _Known] = {}
        self._stopped = threading.Event()

    def of(self, root: Path | None, environment: Path | None, opened: Opened) -> Facts | None:
        """What is known of a workspace and the chromadb of its environment; None before anything is.

        `environment` is an interpreter or an environment's folder. What documents hold that are open takes the place
        of their files.
        """
        known = self._known.setdefault((root, environment), _Known())
        self._read(known, root, environment)
        if known.installed is None:
            return None
        with known.lock:
            for name in known.opened.keys() - opened.keys():
                known.workspace.forget(name)
                known.stamps.pop(name, None)  # so that its file is read again
            for name, (version, text) in opened.items():
                if name not in known.opened or known.opened[name] != version:
                    known.workspace.update(name, text())
            known.opened = {name: version for name, (version, _) in opened.items()}
            return Facts(known.installed, known.workspace.used())

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until what is being read has been read."""
        for known in list(self._known.values()):
            if known.reading:
                known.reading.join(seconds)

    def stop(self) -> None:
        """Stop reading."""
        self._stopped.set()

    def _read(self, known: _Known, root: Path | None, environment: Path | None) -> None:
        busy = known.reading is not None and known.reading.is_alive()
        due = self._clock() - known.read_at >= SECONDS_BETWEEN_READINGS
        if busy or not due or self._stopped.is_set():
            return
        known.read_at = self._clock()
        arguments = (known, root, environment)
        known.reading = threading.Thread(target=self._learn, args=arguments, name="slm-lsp-chroma", daemon=True)
        known.reading.start()

    def _learn(self, known: _Known, root: Path | None, environment: Path | None) -> None:
        known.installed = installed_in(environment, self._cache)
        if root is not None:
            with suppress(OSError, WorkspaceError):
                self._learn_files(known, root)

    def _learn_files(self, known: _Known, root: Path) -> None:
        """Read the files that are new or changed, and forget those that are gone."""
        seen: set[str] = set()
        for name, path in _first(python_files(root)):
            if self._stopped.is_set():
                return
            seen.add(name)
            with suppress(OSError, WorkspaceError):
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                if known.stamps.get(name) != stamp:
                    text = read_text(path, root)
                    with known.lock:
                        known.stamps[name] = stamp
                        if name not in known.opened:
                            known.workspace.update(name, text)
        with known.lock:
            for name in known.stamps.keys() - seen:
                del known.stamps[name]
                if name not in known.opened:
                    known.workspace.forget(name)


def _first(files: Iterable[tuple[str, Path]]) -> Iterable[tuple[str, Path]]:
    return (each for _, each in zip(range(MOST_FILES), files, strict=False))
