"""The facts of each workspace: its chromadb's and its own, kept up to date in the background.

Knows: roots, environments, which version of a file counts. Must not know: LSP, what facts are for, how files are read.

Threads: `of` and `facts` are called on one thread and never wait. Files are learned on the reader's.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from slm_lsp.server.chroma.facts import Facts, Installed
from slm_lsp.server.chroma.installed import installed_in
from slm_lsp.server.chroma.used import Workspace, used_in
from slm_lsp.server.reader import Opened, Reader, Stamp, Stamps

MOST_FILES = 5_000
"""Files of one workspace that are read."""


class Known:
    """What is known of one workspace and the chromadb of its environment; follows the workspace's files."""

    def __init__(self, environment: Path | None, cache: Path) -> None:
        self._environment = environment
        self._cache = cache
        self._installed: Installed | None = None
        self._workspace = Workspace()
        self._changing = threading.Lock()  # the workspace, its stamps and who is open
        self._stamps: dict[str, Stamp] = {}
        self._opened: dict[str, object] = {}

    def facts(self, opened: Opened, name: str = "", text: str = "") -> Facts | None:
        """What is known; None before anything is.

        What documents hold that are open takes the place of their files. `name` is the one in which somebody writes,
        and `text` what it holds beside the word that is being written; it may be among those that are open.
        """
        if self._installed is None:
            return None
        with self._changing:
            for closed in self._opened.keys() - opened.keys() - {name}:
                self._workspace.forget(closed)
                self._stamps.pop(closed, None)  # so that its file is read again
            for other, (version, text_of) in opened.items():
                if other != name and (other not in self._opened or self._opened[other] != version):
                    self._workspace.update(other, text_of())
            self._opened = {other: version for other, (version, _) in opened.items()}
            if name:
                # What it exports is asked for by other documents alone, and is found when one of them is written in.
                self._workspace.know(name, used_in(text, exports=False))
                self._opened[name] = None
            return Facts(self._installed, self._workspace.used())

    def begin(self) -> None:
        """Look at the environment, which may have got another chromadb."""
        self._installed = installed_in(self._environment, self._cache)

    def wanted(self, stamps: Stamps) -> list[str]:
        """The files that are new or changed; those that are gone are forgotten."""
        files = dict(islice(stamps.items(), MOST_FILES))
        with self._changing:
            for name in self._stamps.keys() - files.keys():
                del self._stamps[name]
                if name not in self._opened:
                    self._workspace.forget(name)
            return [name for name, stamp in files.items() if self._stamps.get(name) != stamp]

    def learn(self, texts: Sequence[tuple[str, str]], stamps: Stamps) -> None:
        """Know what files hold."""
        for name, text in texts:
            found = used_in(text)
            with self._changing:
                self._stamps[name] = stamps[name]
                if name not in self._opened:
                    self._workspace.know(name, found)

    def end(self, learned: bool) -> None:
        """Nothing is kept: it is soon read again."""


class Knowledge:
    """The facts of every workspace in use."""

    def __init__(self, cache: Path, reader: Reader) -> None:
        """Facts of installed versions are kept in the folder `cache`."""
        self._cache = cache
        self._reader = reader
        self._known: dict[tuple[Path | None, Path | None], Known] = {}

    def of(self, root: Path | None, environment: Path | None) -> Known:
        """What is known of a workspace and of the chromadb that an interpreter, or an environment's folder, has.

        Both come to be known with the reader's next look at the workspace.
        """
        key = (root, environment)
        if key not in self._known:
            self._known[key] = Known(environment, self._cache)
            self._reader.follow(root, self._known[key])
        return self._known[key]
