"""`slm-lsp train` as it is, but that it saves after every step, and can die when it touches its files.

`python mortal.py MOMENT TOUCHES train ...`: kills itself when it opens, renames or deletes something below
SLM_LSP_HOME for the MOMENT-th time (-1: never), and writes into the file TOUCHES how often it did.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path


def die_at(moment: int, touches: Path) -> None:
    """Count what this process does below its home, and kill it in the middle."""
    home, count = os.environ["SLM_LSP_HOME"], 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event.startswith(("open", "os.", "shutil.")) and any(str(one).startswith(home) for one in arguments):
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.addaudithook(watch)
    atexit.register(lambda: touches.write_text(str(count)))


if __name__ == "__main__":
    die_at(int(sys.argv[1]), Path(sys.argv[2]))
    sys.argv[:] = ["slm-lsp", *sys.argv[3:]]
    from slm_lsp.trainer import loop
    from slm_lsp.trainer.cli import main

    saving = loop.Run.__init__.__kwdefaults__
    assert saving and "save_every" in saving
    saving["save_every"] = 0.0  # these runs last seconds, and would never come to their first minute
    main()
