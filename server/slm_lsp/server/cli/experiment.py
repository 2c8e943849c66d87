"""`slm-lsp experiment`: hands everything to the trainer, which is a process of its own.

Knows: how the experiment is started. Must not know: its options, or anything it imports.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def experiment(arguments: Sequence[str]) -> int:
    """Become the experiment, so that Ctrl-C, signals and the exit code are its own; returns only on Windows."""
    # -P: a file of the user's project named like a module must not take its place.
    command = [sys.executable, "-P", "-m", "slm_lsp.trainer.experiment.command", *arguments]
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.call(command)
