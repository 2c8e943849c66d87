"""The one reader of workspaces' files: looks at them from time to time, for all who want to know what they hold.

Knows: roots, threads, when a workspace is looked at again. Must not know: LSP, what is made of the texts.

Threads: `follow` and `look` are called on one thread and never wait. Reading has a thread of its own for each root,
which yields to all others.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from slm_lsp.model.errors import WorkspaceError
from slm_lsp.model.repository import MAX_BYTES, python_files, read_text

SECONDS_BETWEEN_LOOKS = 20.0
"""How long a look at a workspace's files stays good."""
BATCH = 250_000
"""Characters after which those who follow are given what was read."""
NICENESS = 10
"""Of the reading threads, where the system has such a thing for threads."""

Stamp = tuple[int, int]
"""Modification time in nanoseconds and size in bytes: a file with the same stamp is taken to be the same."""
Stamps = Mapping[str, Stamp]
"""The files of a workspace by their names in it, with /."""
Opened = Mapping[str, tuple[object, Callable[[], str]]]
"""Open documents: name -> version, and what gives the text of that version."""


class Follower(Protocol):
    """Who wants to know what the files of a workspace hold. All is called on the reading thread, look by look."""

    def begin(self) -> None:
        """A look begins, the files are not known yet."""

    def wanted(self, stamps: Stamps) -> Sequence[str]:
        """The files to read of these, which are all there are; the most urgent first."""

    def learn(self, texts: Sequence[tuple[str, str]], stamps: Stamps) -> None:
        """Texts of files that were wanted, by their names."""

    def end(self, learned: bool) -> None:
        """All that was wanted has been read; whether that was anything."""


class _Watched:
    """A workspace, and who follows it."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self.followers: list[Follower] = []
        self.served = 0
        """How many of them the latest look was for."""
        self.unreadable: dict[str, tuple[Stamp, str]] = {}
        """Files that cannot be known, as of when, and why."""
        self.trouble = ""
        """What went wrong in the latest look with one who follows it."""
        self.thread: threading.Thread | None = None
        self.looked_at = float("-inf")


@contextlib.contextmanager
def _boxed(watched: _Watched) -> Iterator[None]:
    """What goes wrong with one who follows a workspace costs the others nothing, nor the next look."""
    try:
        yield
    except Exception as error:
        watched.trouble = f"{type(error).__name__}: {error}"


class Reader:
    """Walks each workspace once for all who follow it, and reads each changed file once."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, read: Callable[[Path, Path], str] = read_text
    ) -> None:
        self._clock = clock
        self._text_of = read
        self._watched: dict[Path | None, _Watched] = {}
        self._stopped = threading.Event()

    def follow(self, root: Path | None, follower: Follower) -> None:
        """Have looks at a workspace be for this one too; where there is no root, they begin and read nothing."""
        self._watched.setdefault(root, _Watched(root)).followers.append(follower)

    def look(self, root: Path | None) -> None:
        """Look at a workspace in the background, unless that was done a moment ago for all who follow it now."""
        watched = self._watched.get(root)
        if watched is None or self._stopped.is_set() or (watched.thread and watched.thread.is_alive()):
            return
        due = self._clock() - watched.looked_at >= SECONDS_BETWEEN_LOOKS
        if due or watched.served < len(watched.followers):
            watched.looked_at = self._clock()
            watched.served = len(watched.followers)
            arguments = (watched, tuple(watched.followers))
            watched.thread = threading.Thread(target=self._read, args=arguments, name="slm-lsp-reader", daemon=True)
            watched.thread.start()

    def left_out(self, root: Path | None) -> dict[str, str]:
        """The files of a workspace that cannot be known, and why; what went wrong otherwise stands under ""."""
        watched = self._watched.get(root)
        if watched is None:
            return {}
        files = {name: why for name, (_, why) in watched.unreadable.copy().items()}
        return files | ({"": watched.trouble} if watched.trouble else {})

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until what is being read has been read."""
        for watched in list(self._watched.values()):
            if watched.thread:
                watched.thread.join(seconds)

    def stop(self) -> None:
        """Stop reading."""
        self._stopped.set()

    def _read(self, watched: _Watched, followers: Sequence[Follower]) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        watched.trouble = ""
        for follower in followers:
            with _boxed(watched):
                follower.begin()
        learned: list[Follower] = []
        with _boxed(watched):
            if watched.root:
                self._read_files(watched, watched.root, followers, learned)
        for follower in followers:
            if not self._stopped.is_set():
                with _boxed(watched):
                    follower.end(follower in learned)

    def _read_files(
        self, watched: _Watched, root: Path, followers: Sequence[Follower], learned: list[Follower]
    ) -> None:
        """Give the followers the texts that they want; those who got any are added to `learned`."""
        places = dict(self._files(watched, root))
        stamps = {name: stamp for name, (_, stamp) in places.items()}
        wanted: list[tuple[Follower, dict[str, None]]] = []
        for follower in followers:
            with _boxed(watched):
                wanted.append((follower, dict.fromkeys(follower.wanted(stamps))))
        names = dict.fromkeys(name for _, names in wanted for name in names)
        for batch in self._batches(watched, root, names, places):
            for follower, its in wanted:
                if texts := [(name, text) for name, text in batch if name in its]:
                    with _boxed(watched):
                        follower.learn(texts, stamps)
                        learned.append(follower)

    def _files(self, watched: _Watched, root: Path) -> Iterator[tuple[str, tuple[Path, Stamp]]]:
        """The files that can be known, as far as can be told without reading them."""
        found = set()
        for name, file in python_files(root):
            if self._stopped.is_set():
                return
            with contextlib.suppress(OSError):
                stat = file.stat()
                stamp = stat.st_mtime_ns, stat.st_size
                found.add(name)
                if stat.st_size > MAX_BYTES:
                    watched.unreadable[name] = stamp, f"larger than {MAX_BYTES / 1e6:g} MB"
                elif watched.unreadable.get(name, (None, ""))[0] != stamp:
                    watched.unreadable.pop(name, None)
                    yield name, (file, stamp)
        for gone in watched.unreadable.keys() - found:
            del watched.unreadable[gone]

    def _batches(
        self, watched: _Watched, root: Path, names: Mapping[str, None], places: Mapping[str, tuple[Path, Stamp]]
    ) -> Iterator[list[tuple[str, str]]]:
        """The texts of files in batches; without those that could not be read as they are now."""
        batch: list[tuple[str, str]] = []
        size = 0
        for name in names:
            if self._stopped.is_set():
                return
            file, stamp = places[name]
            try:
                batch.append((name, self._text_of(file, root)))
            except WorkspaceError as error:
                watched.unreadable[name] = stamp, str(error)
                continue
            except Exception as error:  # whatever is odd about one file must not cost the others
                watched.unreadable[name] = stamp, f"{type(error).__name__}: {error}"
                continue
            size += len(batch[-1][1])
            if size >= BATCH:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch
