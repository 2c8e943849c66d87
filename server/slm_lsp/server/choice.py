"""Which model serves a document, and keeping the few that do in memory.

Knows: the library, the base model, the setting `slmLsp.model`, how to notice that any of them changed on
disk. Must not know: LSP, decoding. Used from the worker's thread; `last` and `errors` may be read from any.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slm_lsp.data import base_in_use
from slm_lsp.model.errors import CheckpointDamaged, CheckpointError, CheckpointMissing
from slm_lsp.model.library import BASE, ModelLibrary

if TYPE_CHECKING:
    from slm_lsp.model.completion import Completer

AUTO = "auto"
"""The value of `slmLsp.model` that leaves the choice to the workspace."""

MOST_LOADED = 2
"""Models kept in memory: the base and a trained one, or two trained ones."""

SECONDS_BETWEEN_LOOKS = 1.0
"""How long a look at the disk stays good."""

Load = Callable[[Path, int], "Completer"]
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Choice:
    """A model, and why it was chosen."""

    name: str
    """A trained model's name, a checkpoint's folder, or "base"."""
    why: str
    """What made it the one, for the user."""


@dataclass(frozen=True)
class _Loaded:
    """A model in memory, or why it cannot be: as of these files, for so many threads."""

    stamp: Stamp
    threads: int
    model: Completer | CheckpointError


def choose(path: Path | None, setting: str, library: ModelLibrary) -> Choice:
    """The model that a file or folder should be completed with; it need not exist or be sound."""
    if setting == BASE:
        return Choice(BASE, "slmLsp.model is set to base")
    if setting != AUTO:
        return Choice(setting, "slmLsp.model names it")
    if path and (name := library.in_use(path)):
        return Choice(name, "in use for this workspace")
    return Choice(BASE, "no trained model is in use here")


def find_model(name: str, library: ModelLibrary) -> Path:
    """The folder of a model called by its name, by its folder, or "base"; raises CheckpointMissing."""
    if name == BASE:
        return base_in_use()
    try:
        folder = Path(name).expanduser()
    except RuntimeError as error:  # ~NAME, where nobody is called so
        raise CheckpointMissing(f"{name}: {error}") from error
    return folder if folder.is_absolute() else library.find(name)


def load_completer(folder: Path, threads: int) -> Completer:
    """Load a model; raises CheckpointError, whatever is wrong with it."""
    # Imported here: numpy and ONNX Runtime take 0.3 s, which `initialize` must not wait for.
    from slm_lsp.model.completion import Completer

    try:
        return Completer.load(folder, threads=threads)
    except CheckpointError:
        raise
    except Exception as error:  # a whole checkpoint of nonsense; the base model must serve all the same
        raise CheckpointDamaged(f"{folder}: does not load ({error}); train the model again") from error


class ModelChoice:
    """The models the server completes with."""

    def __init__(
        self,
        library: ModelLibrary,
        *,
        load: Load = load_completer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.last: Choice | None = None
        """The model that served last; None until one has been loaded, and when none can be."""
        self.errors: dict[str, str] = {}
        """What was wrong, at the last choice, with the models that were wanted first, by name."""
        self._library = library
        self._load = load
        self._clock = clock
        self._models: OrderedDict[str, _Loaded] = OrderedDict()
        self._looked: dict[str, float] = {}
        self._loading = False
        self._chosen: tuple[tuple[Path | None, str], float, Choice] | None = None

    @property
    def is_loading(self) -> bool:
        """Whether a model is being loaded, or the first one has yet to be."""
        return self._loading or (self.last is None and not self.errors)

    def completer_for(self, path: Path | None, setting: str, threads: int) -> Completer:
        """The model for a document, loaded; the base model where the chosen one cannot be used.

        `setting` is the value of `slmLsp.model`. Raises CheckpointError when the base cannot be used either.
        """
        choice, errors = self._choose(path, setting), dict[str, str]()
        for candidate in (choice, Choice(BASE, f"{choice.name} cannot be used")):
            try:
                completer = self._completer(candidate.name, threads)
            except CheckpointError as error:
                errors[candidate.name] = str(error)
            else:
                self.last, self.errors = candidate, errors
                return completer
        self.last, self.errors = None, errors
        raise CheckpointError("; ".join(errors.values()))

    def _choose(self, path: Path | None, setting: str) -> Choice:
        asked = (path, setting)
        if not self._chosen or self._chosen[0] != asked or self._is_stale(self._chosen[1]):
            self._chosen = (asked, self._clock(), choose(path, setting, self._library))
        return self._chosen[2]

    def _completer(self, name: str, threads: int) -> Completer:
        if not self._has(name, threads) or self._is_stale(self._looked[name]):
            self._look(name, threads)
            self._looked[name] = self._clock()
        self._models.move_to_end(name)
        model = self._models[name].model
        if isinstance(model, CheckpointError):
            raise model.with_traceback(None)
        return model

    def _has(self, name: str, threads: int, stamp: Stamp | None = None) -> bool:
        """Whether this model is in memory (or known not to be usable), for so many threads, as of these files."""
        if (loaded := self._models.get(name)) is None:
            return False
        return loaded.threads == threads and stamp in (None, loaded.stamp)

    def _is_stale(self, looked: float) -> bool:
        return self._clock() - looked >= SECONDS_BETWEEN_LOOKS

    def _look(self, name: str, threads: int) -> None:
        """Load the model if its files or threads are not those it was loaded from.

        Nothing here may hold the old model: it must be gone before the new one is loaded.
        """
        stamp: Stamp = ()
        model: Completer | CheckpointError
        try:
            folder = find_model(name, self._library)
            stamp = _stamp(folder)
            if self._has(name, threads, stamp):
                return
            self._make_room(name)
            self._loading = True
            model = self._load(folder, threads)
        except CheckpointError as error:
            model = error
        finally:
            self._loading = False
        self._models[name] = _Loaded(stamp, threads, model)

    def _make_room(self, name: str) -> None:
        """Forget the model of this name, and the ones used longest ago if there are too many."""
        self._models.pop(name, None)
        in_memory = [other for other, loaded in self._models.items() if not isinstance(loaded.model, Exception)]
        for other in in_memory[: len(in_memory) + 1 - MOST_LOADED]:
            del self._models[other]


def _stamp(folder: Path) -> Stamp:
    """Changes whenever a file of the folder does; empty where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries]
    except (OSError, ValueError):  # ValueError: a path that no system takes
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))
