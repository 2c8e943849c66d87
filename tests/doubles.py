"""Small real things for tests: a model that knows one program by heart."""

from __future__ import annotations

import shutil
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
TINY = GOLDEN / "tiny"
"""A committed format-1 checkpoint: two layers, a vocabulary of 480, prefix prompts. See golden/make.py."""
PROGRAM = (GOLDEN / "program.py").read_text()
"""The program that it knows by heart."""


def tiny_checkpoint(folder: Path) -> Path:
    """A copy of the tiny checkpoint at `folder`, for tests that change or damage it."""
    shutil.copytree(TINY, folder)
    return folder
