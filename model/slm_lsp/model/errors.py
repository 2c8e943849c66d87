"""Every error that slm-lsp raises on purpose, under one root.

Knows: what can go wrong, in words a user can act on. Must not know: who reports it (CLI, editor, log).

    SlmLspError
    ├── ConfigError               a configuration with one or more faults, all of them listed
    ├── CheckpointError           a model that cannot be used
    │   ├── CheckpointMissing     no such folder or file
    │   ├── CheckpointFormat      written by another version of slm-lsp
    │   └── CheckpointDamaged     truncated, altered or inconsistent
    ├── Unwritable                a file that could not be written: no space, no permission (also an OSError)
    ├── ContextOverflow           more tokens than the KV cache holds
    ├── Cancelled                 the caller asked to stop
    ├── WorkspaceError            a path that cannot be completed in or trained on
    ├── PointError                a point that cannot be asked for
    ├── CorpusError               a package of the corpus that cannot be fetched, verified or used
    └── TrainingError             a training run that cannot start or go on
        └── MissingExtra          an optional dependency that is not installed
"""

from __future__ import annotations

from collections.abc import Sequence


class SlmLspError(Exception):
    """Root of every error that slm-lsp raises on purpose; its text is meant for the user."""


class ConfigError(SlmLspError):
    """A configuration with faults; lists all of them, so that one attempt is enough to mend it."""

    def __init__(self, what: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(f"{what}: " + "; ".join(self.faults))


class CheckpointError(SlmLspError):
    """A model that cannot be used."""


class CheckpointMissing(CheckpointError):
    """There is no checkpoint at the path."""


class CheckpointFormat(CheckpointError):
    """The checkpoint was written in a format this version does not read."""


class CheckpointDamaged(CheckpointError):
    """The checkpoint is truncated, altered or inconsistent."""


class Unwritable(SlmLspError, OSError):
    """A file that could not be written: no space, no permission. Also an OSError, for who expects the system's."""


class ContextOverflow(SlmLspError):
    """More tokens than the KV cache holds."""


class Cancelled(SlmLspError):
    """The caller asked to stop."""


class WorkspaceError(SlmLspError):
    """A path that cannot be completed in or trained on."""


class PointError(SlmLspError):
    """A point that cannot be asked for."""


class CorpusError(SlmLspError):
    """A package of the corpus that cannot be fetched, verified or used."""


class TrainingError(SlmLspError):
    """A training run that cannot start or go on."""


class MissingExtra(TrainingError):
    """An optional dependency that is not installed."""
