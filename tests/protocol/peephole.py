"""The real server with a hole to look through; run as a program.

`test/text` tells the text it holds of a document. With `--patient`, ghost text is computed by a model that
goes on until it is told to stop, and `test/begun` and `test/stopped` tell how often it did.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from slm_lsp.model.completion import Completer
from slm_lsp.model.completion.filter import Level
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.memory import Memory
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.choice import ModelChoice
from slm_lsp.server.serving import create_server, serve


class PatientCompleter(Completer):
    """Never comes to the end of a suggestion; lists identifiers as always."""

    begun = 0
    stopped = 0

    def complete(
        self,
        prefix: str,
        suffix: str,
        *,
        path: str = "",
        memory: Memory | None = None,
        suggest: Level = "balanced",
        hasty: bool = False,
        begun: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> NoReturn:
        PatientCompleter.begun += 1
        while not cancelled():
            time.sleep(0.001)
        PatientCompleter.stopped += 1
        raise Cancelled("was told to stop")


def load_patient(folder: Path, threads: int) -> Completer:
    return PatientCompleter(Checkpoint.open(folder), threads=threads)


def text(ls: SlmLspServer, params: Any) -> str | None:
    document = ls.documents.opened(params.uri)
    return document.source if document else None


if __name__ == "__main__":
    server = create_server()
    if "--patient" in sys.argv:
        server.choice = ModelChoice(ModelLibrary(), load=load_patient)
    server.feature("test/text")(text)
    server.feature("test/begun")(lambda _: PatientCompleter.begun)
    server.feature("test/stopped")(lambda _: PatientCompleter.stopped)
    sys.exit(serve(server))
