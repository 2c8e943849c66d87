"""The library: where trained models lie, and which one each workspace uses.

Knows: folders, names, real paths. Must not know: how a model is made or run. A user's models are theirs
alone: nothing here leaves the machine, and `clean` removes all of it.

    ROOT/models/NAME/            a checkpoint
    ROOT/workspaces/KEY.json     {"workspace": real path, "model": NAME or null for the base model}
    ROOT/memories/KEY/           what the server has read of a workspace, so that it need not read it again
    TRAINING/                    states of trainings that were interrupted: in ROOT where the user chose it, or else in
                                 the system's folder for caches
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from slm_lsp.model.durable import remove, restore, sweep, write_file
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
        chosen = root or _chosen_root()
        self.root = chosen or platformdirs.user_data_path("slm-lsp", appauthor=False)
        """Everything the library owns lies below it, states of interrupted trainings excepted."""
        self.training = (chosen or platformdirs.user_cache_path("slm-lsp", appauthor=False)) / "training"
        """Where these lie."""
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

    @property
    def last_word(self) -> Path:
        """The file in which a running server says how things are; goes with the memories."""
        return self._memories / "last.json"

    def find(self, name: str) -> Path:
        """The folder of a model; raises CheckpointMissing, naming the models there are, and CheckpointError."""
        names = self._names()
        if name not in names:
            there = f"there are: {', '.join(names)}" if names else "none has been trained yet"
            raise CheckpointMissing(f"no model is called {name!r}; {there}")
        return self._models / name

    def models(self) -> list[ModelEntry]:
        """Every trained model, sorted by name; each is opened and verified. Raises CheckpointError."""
        used = {model for _, model in self._choices()}
        return [self._entry(name, name in used) for name in self._names()]

    def use(self, workspace: Path, name: str | None) -> None:
        """From now on complete in this workspace with this model; None or "base" means the base model.

        Raises CheckpointMissing when there is no such model, WorkspaceError when there is no such folder, Unwritable.
        """
        if not workspace.is_dir():
            raise WorkspaceError(f"{workspace} is not a folder")
        if name == BASE:
            name = None
        if name is not None:
            self.find(name)
        real = Path(os.path.realpath(workspace))
        choice = json.dumps({"workspace": str(real), "model": name})
        write_file(self._record(real), choice.encode("utf-8", "surrogatepass"))

    def in_use(self, path: Path) -> str | None:
        """The model of a file or folder: the choice made for it, or for the nearest folder above it."""
        real = Path(os.path.realpath(path))
        for folder in (real, *real.parents):
            record = _read_choice(self._record(folder))
            if record and record[0] == str(folder):
                return record[1]
        return None

    def remove(self, name: str) -> None:
        """Delete a model; workspaces that used it go back to the base. Raises CheckpointMissing, Unwritable."""
        folder = self.find(name)
        for record, model in self._choices():
            if model == name:
                remove(record)
        remove(folder)

    def tidy(self) -> None:
        """Clear away what writers that were killed left behind, and bring back what they had moved aside."""
        for folder in (self._models, self._workspaces):
            sweep(folder)

    def size(self) -> int:
        """Bytes that `clean` would free."""
        return sum(_bytes_below(folder) for folder in self._owned())

    def clean(self) -> int:
        """Delete every model, choice, memory and interrupted training; returns the bytes freed."""
        freed = self.size()
        for folder in self._owned():
            shutil.rmtree(folder, ignore_errors=True)
        return freed - self.size()

    def _owned(self) -> tuple[Path, ...]:
        return self._models, self._workspaces, self._memories, self.training

    def _names(self) -> list[str]:
        try:
            restore(self._models)
            folders = [folder for folder in self._models.iterdir() if not folder.name.startswith(".")]
            return sorted(folder.name for folder in folders if folder.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise CheckpointError(f"{self._models}: {error.strerror}; see that you may read there") from error

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
            Path(workspace) if isinstance(workspace, str) and workspace else None,
            str(created) if created else None,
            in_use,
            None,
        )

    def _record(self, real: Path) -> Path:
        return self._workspaces / f"{_digest(real)[:16]}.json"

    def _choices(self) -> list[tuple[Path, str | None]]:
        records = self._workspaces.glob("*.json")
        return [(record, choice[1]) for record in records if (choice := _read_choice(record))]


def _chosen_root() -> Path | None:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else None


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


def _bytes_below(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # it may be just being deleted
            total += 0 if file.is_dir() else file.lstat().st_size
    return total
