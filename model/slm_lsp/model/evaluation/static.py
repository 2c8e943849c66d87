"""The other baseline: jedi, which knows the names that exist and not which one is wanted.

Knows: jedi. Must not know: models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slm_lsp.model.evaluation.copier import Copier


@dataclass(frozen=True)
class StaticName:
    """A name that static analysis lists."""

    name: str
    """The identifier."""


class StaticNames:
    """jedi's list in jedi's order; with a copier, the copier's names that jedi knows first."""

    def __init__(self, root: Path | None = None, copier: Copier | None = None) -> None:
        """`root` is the project whose modules can be imported; default: none but the installed ones."""
        import jedi

        self._jedi = jedi
        self._project = jedi.Project(root) if root else None
        self._copier = copier

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> None:
        """Static analysis writes no lines."""

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[StaticName]:
        """The names at the cursor, best first."""
        listed = self._listed(prefix, suffix, path)
        copied = self._copier.identifiers(prefix, suffix, path=path, limit=100) if self._copier else []
        first = [entry.name for entry in copied if entry.name in listed or not listed]
        return [StaticName(name) for name in [*first, *(name for name in listed if name not in first)][:limit]]

    def _listed(self, prefix: str, suffix: str, path: str) -> dict[str, None]:
        line, column = prefix.count("\n") + 1, len(prefix) - prefix.rfind("\n") - 1
        place = (Path(str(self._project.path)) / path) if self._project and path else None
        try:
            script = self._jedi.Script(prefix + suffix, path=place, project=self._project)
            return {entry.name.removesuffix("="): None for entry in script.complete(line, column)}
        except Exception:  # jedi fails in many ways on half-written code; no names is what a user would see
            return {}
