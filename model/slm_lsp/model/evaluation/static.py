"""Static analysis where completions are measured: alone, beside the copier, and in the popup that editors are served.

Knows: who lists the names that exist, the popup's ranking. Must not know: how names are found, points, figures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from slm_lsp.model.completion import Completer, Suggestion
from slm_lsp.model.completion.ranking import Ranked, ranked_names
from slm_lsp.model.evaluation.copier import Copier
from slm_lsp.model.evaluation.judging import Completes, Named
from slm_lsp.model.memory import Memory

Lister = Callable[[str, str, str], Collection[str]]
"""The names that exist between a text before and one after a cursor, in a file of this path; in an order of its own."""


@dataclass(frozen=True)
class StaticName:
    """A name that static analysis lists."""

    name: str
    """The identifier."""


class StaticNames:
    """The list in its own order; with a copier, the copier's names that exist first."""

    def __init__(self, lister: Lister, copier: Copier | None = None) -> None:
        self._lister = lister
        self._copier = copier

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> None:
        """Static analysis writes no lines."""

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[StaticName]:
        """The names at the cursor, best first."""
        listed = dict.fromkeys(self._lister(prefix, suffix, path))
        copied = self._copier.identifiers(prefix, suffix, path=path, limit=100) if self._copier else []
        first = [entry.name for entry in copied if entry.name in listed or not listed]
        return [StaticName(name) for name in [*first, *(name for name in listed if name not in first)][:limit]]


class NamesAlone:
    """Something that completes, as far as its popup goes: what it would write is not asked for again."""

    def __init__(self, subject: Completes) -> None:
        self._subject = subject

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> None:
        """Nothing."""

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> Sequence[Named]:
        """The subject's names."""
        return self._subject.identifiers(prefix, suffix, path=path, limit=limit)


class Served:
    """A Completer with the popup that editors are served: what exists, ranked by model and memory."""

    def __init__(self, completer: Completer, memory: Memory | None, lister: Lister) -> None:
        self._completer = completer
        self._memory = memory
        self._lister = lister

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Suggestion | None:
        """The Completer's suggestion."""
        return self._completer.complete(prefix, suffix, path=path, memory=self._memory)

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[Ranked]:
        """The popup's names, best first."""
        existing = self._lister(prefix, suffix, path)
        return ranked_names(
            self._completer, prefix, suffix, existing=existing, path=path, memory=self._memory, limit=limit
        )
