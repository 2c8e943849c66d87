"""What ships with slm-lsp: vocabularies, the corpus manifest, point files, the base checkpoint, the cookbook.

Knows: where these things lie. Must not know: what is inside them; imports nothing of ours.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parent
"""The folder of the shipped data."""

VocabularyName = Literal["gpt2", "chroma8k"]

BASE_VARIABLE = "SLM_LSP_BASE"
"""Environment variable with the folder of another base model than the one that ships."""


def base_checkpoint() -> Path:
    """The folder of the base model that ships, ready to complete with."""
    return ROOT / "base"


def base_in_use() -> Path:
    """The folder of the base model that is to be used: the one that ships, unless BASE_VARIABLE names another."""
    override = os.environ.get(BASE_VARIABLE)
    return Path(override) if override else base_checkpoint()


def vocabulary(name: VocabularyName) -> Path:
    """The folder of a vocabulary: "chroma8k" (8,192 tokens, ours) or "gpt2" (50,257 tokens)."""
    return ROOT / "vocabularies" / name


def corpus_manifest() -> Path:
    """The table (tab-separated) of the packages that the base model's corpus is made of."""
    return ROOT / "corpus" / "packages.tsv"


def point_file(split: str) -> Path:
    """Where the points of a held-out split ("tune", "test") stand: positions only, no text."""
    return ROOT / "points" / f"{split}.tsv"


def textbook() -> dict[str, str]:
    """The cookbook's programs, by names that no workspace has: what every live memory is taught."""
    folder = ROOT / "cookbook"
    return {
        f"<cookbook>/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py"))
    }


def api_benchmark() -> Path:
    """The folder of the programs whose ChromaDB calls are the API benchmark; never trained on."""
    return ROOT / "api_benchmark"
