"""In how many programs of the cookbook each method and keyword of chromadb's API appears.

Knows: counting. Must not know: where the API and the calls come from.

A keyword appears where it is passed by name in a call of that method; see `calls` for what is a call of chromadb's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from slm_lsp.model.evaluation.calls import Owner, chroma_calls
from slm_lsp.trainer.cookbook.api import Api

ENOUGH = 5
"""Programs in which every method and every keyword should appear."""


@dataclass(frozen=True)
class Row:
    """A method and the number of programs that call it, in all and with each of its keywords."""

    owner: Owner
    method: str
    programs: int
    keywords: dict[str, int]

    @property
    def name(self) -> str:
        """How reports name it."""
        return f"{self.owner}.{self.method}"

    def missing(self, enough: int) -> list[str]:
        """The method and the keywords of it that appear in fewer than `enough` programs, each with its count."""
        counts = {self.name: self.programs} | {f"{self.name}({key}=)": count for key, count in self.keywords.items()}
        return [f"{name}: {count}" for name, count in counts.items() if count < enough]


def count_coverage(texts: Iterable[str], api: Api) -> list[Row]:
    """A row for each method of the API, counted over the programs' texts."""
    methods: Counter[tuple[Owner, str]] = Counter()
    keywords: Counter[tuple[Owner, str, str]] = Counter()
    for text in texts:
        calls = chroma_calls(text)
        methods.update({(call.owner, call.method) for call in calls})
        keywords.update({(call.owner, call.method, keyword) for call in calls for keyword in call.keywords})
    return [
        Row(owner, method, methods[owner, method], {name: keywords[owner, method, name] for name in names})
        for owner, its_methods in api.items()
        for method, names in its_methods.items()
    ]
