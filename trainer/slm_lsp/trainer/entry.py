"""How every command of the trainer ends: well, or with one line and an exit code.

Knows: our errors, exit codes. Must not know: what any command does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from slm_lsp.model.errors import SlmLspError


def ends_well(command: Callable[[], object]) -> None:
    """Run a command; an error of ours is one line and exit code 2, Ctrl-C exit code 130, neither a traceback."""
    try:
        command()
    except (SlmLspError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
