"""The library: where trained models lie, and which one each workspace uses.

Knows: folders, names, real paths. Must not know: how a model is made or run. A user's models are theirs
alone: nothing here leaves the machine, and `clean` removes all of it.

    ROOT/models/NAME/            a checkpoint
    ROOT/workspaces/KEY.json     {"workspace": real path, "model": NAME or null for the base model}
    ROOT/memories/KEY/           what the server has read of a workspace, so that it need not read it again
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from slm_lsp.model.errors import CheckpointError, CheckpointMissing, WorkspaceError

HOME_VARIABLE = "SLM_LSP_HOME"
"""Environment variable that moves the library elsewhere."""

BASE = "base"
"""What the model that ships with slm-lsp is called wherever a model's name is asked for."""


@dataclass(frozen=True)
class ModelEntry:
    """A trained model of the library."""

    name: str
    """What people call it: the name of its folder."""
    folder: Path
    """The checkpoint."""
    workspace: Path | None
    """The project it learned, if the checkpoint says so."""
    created: str | None
    """When it was made (ISO 8601), if the checkpoint says so."""
    in_use: bool
    """Whether a workspace uses it."""
    damaged: str | None
    """Why it cannot be used, if it cannot."""


class ModelLibrary:
    """The models trained on this machine."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or _default_root()
        """Everything the library owns lies below it."""
        self._models = self.root / "models"
        self._workspaces = self.root / "workspaces"
        self._memories = self.root / "memories"

    def folder_for(self, workspace: Path, kind: str) -> Path:
        """Where a model of this kind ("adapt", "phase3") for this workspace belongs; creates nothing.

        A leading dot of the workspace's name is left out: hidden folders of the library are drafts.
        """
        real = Path(os.path.realpath(workspace))
        return self._models / f"{real.name.lstrip('.') or 'root'}-{kind}-{_digest(real)[:4]}"

    def memory_for(self, workspace: Path) -> Path:
        """Where the memory of a workspace is kept; creates nothing."""
        return self._memories / _digest(Path(os.path.realpath(workspace)))[:16]

    def find(self, name: str) -> Path:
        """The folder of a model; raises CheckpointMissing, naming the models there are."""
        names = self._names()
        if name not in names:
            there = f"there are: {', '.join(names)}" if names else "none has been trained yet"
            raise CheckpointMissing(f"no model is called {name!r}; {there}")
        return self._models / name

    def models(self) -> list[ModelEntry]:
        """Every trained model, sorted by name; each is opened and verified."""
        used = {model for _, model in self._choices()}
        return [self._entry(name, name in used) for name in self._names()]

    def use(self, workspace: Path, name: str | None) -> None:
        """From now on complete in this workspace with this model; None or "base" means the base model.

        Raises CheckpointMissing when there is no such model, WorkspaceError when there is no such folder.
        """
        if not workspace.is_dir():
            raise WorkspaceError(f"{workspace} is not a folder")
        if name == BASE:
            name = None
        if name is not None:
            self.find(name)
        real = Path(os.path.realpath(workspace))
        _write_json(self._record(real), {"workspace": str(real), "model": name})

    def in_use(self, path: Path) -> str | None:
        """The model of a file or folder: the choice made for it, or for the nearest folder above it."""
        real = Path(os.path.realpath(path))
        for folder in (real, *real.parents):
            record = _read_choice(self._record(folder))
            if record and record[0] == str(folder):
                return record[1]
        return None

    def remove(self, name: str) -> None:
        """Delete a model; workspaces that used it go back to the base. Raises CheckpointMissing."""
        folder = self.find(name)
        for record, model in self._choices():
            if model == name:
                record.unlink(missing_ok=True)
        shutil.rmtree(folder)

    def size(self) -> int:
        """Bytes that `clean` would free."""
        return sum(_bytes_below(folder) for folder in (self._models, self._workspaces, self._memories))

    def clean(self) -> int:
        """Delete every model, every choice and every memory; returns the bytes freed."""
        freed = self.size()
        for folder in (self._models, self._workspaces, self._memories):
            shutil.rmtree(folder, ignore_errors=True)
        return freed - self.size()

    def _names(self) -> list[str]:
        if not self._models.is_dir():
            return []
        return sorted(
            folder.name for folder in self._models.iterdir() if folder.is_dir() and not folder.name.startswith(".")
        )

    def _entry(self, name: str, in_use: bool) -> ModelEntry:
        # Imported here: the server asks which model is in use before it has had time to import numpy.
        from slm_lsp.model.runtime.checkpoint import Checkpoint

        folder = self._models / name
        try:
            metrics = Checkpoint.open(folder).metrics
        except CheckpointError as error:
            return ModelEntry(name, folder, None, None, in_use, str(error))
        workspace, created = metrics.get("workspace"), metrics.get("created")
        return ModelEntry(
            name,
            folder,
            Path(workspace) if workspace else None,
            str(created) if created else None,
            in_use,
            None,
        )

    def _record(self, real: Path) -> Path:
        return self._workspaces / f"{_digest(real)[:16]}.json"

    def _choices(self) -> list[tuple[Path, str | None]]:
        records = self._workspaces.glob("*.json")
        return [(record, choice[1]) for record in records if (choice := _read_choice(record))]


def _default_root() -> Path:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else platformdirs.user_data_path("slm-lsp", appauthor=False)


def _digest(real: Path) -> str:
    return hashlib.sha256(os.fsencode(real)).hexdigest()


def _read_choice(record: Path) -> tuple[str, str | None] | None:
    """Workspace and model of a record; None where there is none that can be read."""
    try:
        choice = json.loads(record.read_bytes())
        workspace, model = choice["workspace"], choice["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    readable = isinstance(workspace, str) and isinstance(model, str | None)
    return (workspace, model) if readable else None


def _write_json(path: Path, value: dict[str, str | None]) -> None:
    """Write a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _bytes_below(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())
