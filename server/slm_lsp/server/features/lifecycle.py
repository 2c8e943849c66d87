"""The server's beginning and end: `initialized` and `shutdown`.

Knows: that loading a model takes time that nobody should wait for. Must not know: which model.
"""

from __future__ import annotations

from contextlib import suppress

from lsprotocol import types

from slm_lsp.model.errors import Cancelled, CheckpointError
from slm_lsp.server.app import SlmLspServer


async def initialized(ls: SlmLspServer, _: types.InitializedParams) -> None:
    """Load the workspace's model and warm it up, before the first request, which takes this one's place."""
    with suppress(CheckpointError, Cancelled):
        await ls.compute("inline", None, lambda tools: tools.completer.complete("", "", cancelled=tools.cancelled))
    ls.report_model_errors()


def shutdown(ls: SlmLspServer, _: None) -> None:
    """Stop computing; the process ends with the `exit` that follows."""
    ls.shut_down = True
    ls.reader.stop()
    ls.worker.stop()
    ls.static.stop()
