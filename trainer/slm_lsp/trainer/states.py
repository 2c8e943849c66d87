"""Where the state of an unfinished run waits, and whether it still belongs to what it was made from.

Knows: a folder, fingerprints, that one run at a time has it. Must not know: what a state holds.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slm_lsp.model.durable import locked, remove, sweep, write_file
from slm_lsp.model.errors import TrainingError, Unwritable
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.repository import SourceFile


class SavedState:
    """The place on disk for the state of one workspace's runs of one kind."""

    def __init__(self, workspace: Path, kind: str, root: Path | None = None) -> None:
        root = root or ModelLibrary().training
        key = hashlib.sha256(str(workspace).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self.folder = root / f"{workspace.name or 'root'}-{kind}-{key}"
        """Holds the state and its fingerprint."""
        self.file = self.folder / "state.pt"
        """The state itself."""
        self.scratch = self.folder / "scratch"
        """For what a run needs for a while only; deleted with the state, and when the next run starts."""
        self._made_from = self.folder / "made-from.json"
        self._in_use = self.folder / "in-use"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Have the place for one run; raises TrainingError while another run has it, Unwritable."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._in_use.touch()
        except OSError as error:
            raise Unwritable(f"{self.folder} could not be written: {error.strerror}; see that you may") from error
        with locked(self._in_use, patience=0.0) as alone:
            if alone is False:
                raise TrainingError(
                    "this project is being trained already, by another slm-lsp train; wait for it, or stop it"
                )
            shutil.rmtree(self.scratch, ignore_errors=True)
            sweep(self.folder)
            try:
                yield
            finally:
                if not self.file.exists():
                    self.clear()

    def prepare(self, fingerprint: str, *, resume: bool) -> bool:
        """Make ready for a run; whether there is a state to go on from.

        Without `resume` an old state is deleted. Raises TrainingError when it was made from something else, Unwritable.
        """
        if resume and self.file.exists():
            if self._fingerprint() != fingerprint:
                raise TrainingError(
                    "the interrupted run cannot be resumed: files, options or the base model have changed since;"
                    " start again without --resume"
                )
            return True
        remove(self.file)
        write_file(self._made_from, json.dumps({"fingerprint": fingerprint}).encode())
        return False

    def clear(self) -> None:
        """Delete the state: the run is over."""
        # The state goes first: were the run killed here, the rest alone would be nothing to go on from.
        self.file.unlink(missing_ok=True)
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
