"""The command `slm-lsp`.

Knows: which command starts what. Must not know: how they do it. An editor waits for `slm-lsp` to answer, so
the way there imports nothing that draws on terminals; everything else goes through typer.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

_SERVING: tuple[list[str], ...] = ([], ["--stdio"], ["serve"], ["serve", "--stdio"])


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line; exits with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in _SERVING:
        from slm_lsp.server.serving import create_server, serve

        sys.exit(serve(create_server()))
    if given[:1] == ["train"]:
        from slm_lsp.server.cli.train import train

        sys.exit(train(given[1:]))
    from slm_lsp.server.cli.commands import run

    sys.exit(run(given))
