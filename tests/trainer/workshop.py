"""What the trainer's tests work with: a small real project, the tiny base model, a home of their own."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from doubles import TINY
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.repository import read_repository
from slm_lsp.trainer.progress import Display
from slm_lsp.trainer.train import Request

BOOKSHOP = Path(__file__).parent / "bookshop"
"""A ChromaDB project of six files."""


@dataclass
class Workshop:
    """A project to train on, and where everything goes."""

    root: Path

    def __post_init__(self) -> None:
        self.project = self.root / "bookshop"
        shutil.copytree(BOOKSHOP, self.project, ignore=shutil.ignore_patterns("__pycache__"))
        self.library = ModelLibrary(self.root / "home")
        self.printed = io.StringIO()

    def environment(self) -> dict[str, str]:
        """The variables that keep a run inside the workshop."""
        return {
            "SLM_LSP_BASE": str(TINY),
            "SLM_LSP_HOME": str(self.root / "home"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "100",
        }

    def request(self, **options: object) -> Request:
        return Request(read_repository(self.project), **options)  # type: ignore[arg-type]

    def display(self, *, terminal: bool = False) -> Display:
        return Display(Console(file=self.printed, force_terminal=terminal, width=100))
