"""The popup's names in the order in which they are wanted: what exists, ordered by what is expected.

Knows: what a Completer expects of names, which names exist. Must not know: who says so, editors, files.

Static analysis says what exists, the names of the open document are added to that, and model and memory say how likely
each one is. A name that analysis does not know, where it knows others, may still be the right one: it counts less.

The three constants of the order were chosen on the split `tune`, see docs/log.md: near what
`python -m slm_lsp.server.cli.evaluate.ordering` fits on its points, where SEEN hardly matters, and best on more points
of the same files, where it does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slm_lsp.model.completion.decoding import never
from slm_lsp.model.completion.identifiers import Candidate, typed_name

if TYPE_CHECKING:
    from slm_lsp.model.completion.completer import Completer
    from slm_lsp.model.memory import Memory

DEMOTED = 3.0
"""How much less, as a logarithm, a name counts that static analysis does not know where it knows others."""
SPECIAL = 3.0
"""The same for a name with two underscores in front, which hardly anybody calls by name."""
SEEN = 1.0
"""How much more a name counts that stands elsewhere in the document."""
MOST = 200
"""Most names of a popup."""
INVENTED = 10
"""Most names of a popup that neither static analysis nor the open document knows."""
LEAST = 1e-7
"""Added to probabilities: under it nothing is told apart."""
AROUND = 60_000
"""Characters on either side of the cursor whose names are offered."""

_NAME = re.compile(r"[^\W\d]\w*")
_ATTRIBUTE = re.compile(r"\.([^\W\d]\w*)")


@dataclass(frozen=True)
class Ranked:
    """One entry of a popup."""

    name: str
    """The whole identifier, the part already typed included."""
    probability: float
    """The model's and the memory's probability that it is the next one."""
    exists: bool
    """Whether static analysis knows it."""


def ranked_names(
    completer: Completer, prefix: str, suffix: str, *, existing: Collection[str] = (), path: str = "",
    memory: Memory | None = None, limit: int = MOST, cancelled: Callable[[], bool] = never,
) -> list[Ranked]:  # fmt: skip
    """At most `limit` names that could be meant at the cursor, the likeliest first, each with the part already typed.

    `existing` are those that static analysis knows, none where it knows nothing. Raises Cancelled.
    """
    exist, around = fitting(prefix, suffix, existing)
    candidates = completer.identifiers(
        prefix, suffix, path=path, memory=memory, limit=INVENTED, names=exist | around, cancelled=cancelled
    )

    def score(one: Candidate) -> float:
        likely, unknown, special, seen = evidence(one, exist, around)
        return likely - DEMOTED * unknown - SPECIAL * special + SEEN * seen

    ordered = sorted(candidates, key=lambda one: (-score(one), one.name))
    return [Ranked(one.name, one.probability, one.name in exist) for one in ordered[:limit]]


def fitting(prefix: str, suffix: str, existing: Collection[str]) -> tuple[set[str], set[str]]:
    """Of the existing names and of those of the document, the ones that begin with what is typed and go on."""
    typed = typed_name(prefix)
    around = names_around(prefix[: len(prefix) - len(typed)], suffix)
    exist, near = ({name for name in names if name.startswith(typed) and name != typed} for names in (existing, around))
    return exist, near


def evidence(one: Candidate, exist: Collection[str], around: Collection[str]) -> tuple[float, float, float, float]:
    """What the order is made of: the logarithm of the probability, and what DEMOTED, SPECIAL and SEEN weigh."""
    unknown = bool(exist) and one.name not in exist
    return (
        math.log(one.probability + LEAST),
        float(unknown),
        float(one.name.startswith("__")),
        float(one.name in around),
    )


def names_around(before: str, after: str) -> set[str]:
    """The names of a document around a place: after a dot, those that stand after one elsewhere."""
    pattern = _ATTRIBUTE if before.endswith(".") else _NAME
    nearby = (before[-AROUND:], after[:AROUND])
    return {name for text in nearby for name in pattern.findall(text)}
