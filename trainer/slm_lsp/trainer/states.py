"""Where the state of an unfinished run waits, and whether it still belongs to what it was made from.

Knows: the cache folder, fingerprints. Must not know: what a state holds.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from slm_lsp.model.errors import TrainingError
from slm_lsp.model.repository import SourceFile


class SavedState:
    """The place on disk for the state of one workspace's runs of one kind."""

    def __init__(self, workspace: Path, kind: str, root: Path | None = None) -> None:
        root = root or platformdirs.user_cache_path("slm-lsp", appauthor=False) / "training"
        key = hashlib.sha256(str(workspace).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self.folder = root / f"{workspace.name or 'root'}-{kind}-{key}"
        """Holds the state and its fingerprint."""
        self.file = self.folder / "state.pt"
        """The state itself."""
        self._made_from = self.folder / "made-from.json"

    def prepare(self, fingerprint: str, *, resume: bool) -> bool:
        """Make ready for a run; whether there is a state to go on from.

        Without `resume` an old state is deleted. Raises TrainingError when it was made from something else.
        """
        if resume and self.file.exists():
            if self._fingerprint() != fingerprint:
                raise TrainingError(
                    "the interrupted run cannot be resumed: files, options or the base model have changed since;"
                    " start again without --resume"
                )
            return True
        self.clear()
        self.folder.mkdir(parents=True)
        self._made_from.write_text(json.dumps({"fingerprint": fingerprint}), encoding="utf-8")
        return False

    def clear(self) -> None:
        """Delete the state: the run is over."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _fingerprint(self) -> str | None:
        try:
            found = json.loads(self._made_from.read_bytes())["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(found)


def fingerprint(files: Iterable[SourceFile], seed: int, recipe: Mapping[str, Any]) -> str:
    """What a run is made from, as a hash."""
    content = [[file.path, hashlib.sha256(file.text.encode("utf-8", "surrogatepass")).hexdigest()] for file in files]
    whole = json.dumps({"files": content, "seed": seed, "recipe": dict(recipe)}, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()
