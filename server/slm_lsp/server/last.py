"""A running server's last word, on disk, for `slm-lsp status`: why nothing was shown, what of a workspace is left out.

Knows: one small file, how often it is written. Must not know: LSP, what is in a report.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slm_lsp.model.durable import write_file
from slm_lsp.model.errors import SlmLspError

SECONDS = 1.0
"""How long a word waits for a later one to take its place: nobody turns to a terminal faster."""

Report = Callable[[], Mapping[str, Any]]
"""Says how things are, JSON-ready, when it is called."""


class LastWord:
    """Writes the latest report; of many within SECONDS only the last. For the event loop's thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._timer: asyncio.TimerHandle | None = None

    def note(self, report: Report) -> None:
        """Write what `report` says, in a moment."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._write, report)

    def _write(self, report: Report) -> None:
        self._timer = None
        word = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "pid": os.getpid(), **report()}
        asyncio.get_running_loop().run_in_executor(None, _put, self._file, json.dumps(word, indent=2))


def _put(file: Path, text: str) -> None:
    with contextlib.suppress(OSError, SlmLspError):  # a full disk costs a line of `slm-lsp status`
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, text.encode())


def last_word(file: Path) -> dict[str, Any] | None:
    """What the server that spoke last wrote; None where none did, or the file is damaged."""
    try:
        word = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return word if isinstance(word, dict) and isinstance(word.get("when"), str) else None
