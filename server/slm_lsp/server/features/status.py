"""`slmLsp/status`: what the status bar shows, and why nothing was suggested.

Knows: where the figures are. Must not know: how they came about.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from slm_lsp.server import __version__
from slm_lsp.server.app import SlmLspServer

METHOD = "slmLsp/status"


def status(ls: SlmLspServer, _: object) -> dict[str, Any]:
    """The server's state, JSON-ready.

    `state` is "ready", "loading" or "no model"; `model` is the one that served last; `why` says what became of the
    latest request for ghost text, and what a person can do about it; `memory` how much of each workspace is known, and
    what is left out; `inline` and `popup` count what became of their requests. Nothing here waits for the worker: the
    answer comes at once.
    """
    choice, errors = ls.choice.last, ls.choice.errors
    return {
        "version": __version__,
        "state": "loading" if ls.choice.is_loading else "ready" if choice else "no model",
        "model": asdict(choice) if choice else None,
        "errors": errors,
        "settings": asdict(ls.settings),
        **ls.word(),
        "accepted": ls.accepted,
        **{kind: tally.report() for kind, tally in ls.tallies.items()},
    }
