"""What a completer offers at each point, beside what was really written there.

Knows: points, what can be asked of a completer. Must not know: how models work, how judgements are summed up or shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Protocol

from slm_lsp.model.completion import Candidate, Completer, Suggestion
from slm_lsp.model.evaluation.metrics import edit_similarity, exact_match
from slm_lsp.model.evaluation.points import POPUP_KINDS, Point
from slm_lsp.model.memory import Memory, Shelf

LABELS = 20
"""Most names of a popup that are looked at."""

_TYPED = re.compile(r"[^\W\d]\w*$")
_NAME = re.compile(r"\w+")


class Suggested(Protocol):
    """A suggestion, as far as it is judged."""

    @property
    def text(self) -> str:
        """What would be inserted at the cursor."""
        ...

    @property
    def confidence(self) -> float:
        """How sure it is, 0 to 1."""
        ...

    @property
    def shown(self) -> bool:
        """Whether an editor would be given it."""
        ...


class Named(Protocol):
    """An entry of a popup, as far as it is judged."""

    @property
    def name(self) -> str:
        """The whole identifier."""
        ...


class Completes(Protocol):
    """Anything that completes: the Completer, or a baseline."""

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Suggested | None:
        """What to insert between prefix and suffix; None for nothing."""
        ...

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> Sequence[Named]:
        """The likeliest identifiers at the cursor, best first."""
        ...


class Remembering:
    """A Completer with the memory of one workspace, asked like anything else that completes."""

    def __init__(
        self, completer: Completer, known: Mapping[str, str] = MappingProxyType({}), textbook: Shelf | None = None
    ) -> None:
        """`known` are the workspace's files by path; at a point in one of them that one is not looked at."""
        self.completer = completer
        self.memory = Memory(completer.tokenizer)
        if textbook:
            self.memory.teach(textbook)
        self.memory.learn(known.items())

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Suggestion | None:
        """The Completer's suggestion."""
        return self.completer.complete(prefix, suffix, path=path, memory=self.memory)

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[Candidate]:
        """The Completer's names."""
        return self.completer.identifiers(prefix, suffix, path=path, memory=self.memory, limit=limit)


@dataclass(frozen=True)
class Judgement:
    """One point and what a completer made of it."""

    point: Point
    """Where it was asked."""
    text: str
    """What it offered, all lines, whatever its gate says; "" for nothing."""
    confidence: float
    """Its own, 0 to 1; 0 where it offered nothing."""
    shown: bool
    """Whether an editor would have shown it."""
    right: bool
    """Exact match."""
    similarity: float
    """Edit similarity, 0 to 1."""
    names: tuple[str, ...]
    """Its popup, best first; () where it was not asked."""
    rank: int | None
    """Place of the identifier that was really written in the popup, from 1; 0 where it is not in it, None where
    the popup was not asked or no identifier follows."""
    ms: float
    """Milliseconds it took to complete, the popup not included."""


@dataclass(frozen=True)
class Scores:
    """The two figures by which models are compared."""

    points: int
    """How many points."""
    em: float
    """Exact match: share of points at which the suggestion's first line is the rest of the real one; 0 to 1."""
    es: float
    """Edit similarity of the two, averaged; 0 to 1."""

    def beats(self, other: Scores) -> bool:
        """Whether these are better: by exact match, and where that is equal by edit similarity."""
        return (self.em, self.es) > (other.em, other.es)


def judge(completer: Completes, points: Sequence[Point], *, popup: bool = False) -> Iterator[Judgement]:
    """Ask at each point in turn; what the completer's gate would hide is judged too.

    With `popup`, names are asked for at the points of POPUP_KINDS.
    """
    for point in points:
        began = perf_counter()
        offer = completer.complete(point.prefix, point.suffix, path=point.path)
        took = (perf_counter() - began) * 1000
        text, confidence, shown = (offer.text, offer.confidence, offer.shown) if offer else ("", 0.0, False)
        names: tuple[str, ...] = ()
        rank = None
        if popup and point.kind in POPUP_KINDS:
            asked = completer.identifiers(point.prefix, point.suffix, path=point.path, limit=LABELS)
            names = tuple(entry.name for entry in asked)
            rank = rank_of(next_identifier(point), names)
        right, similarity = exact_match(text, point.target), edit_similarity(text, point.target)
        yield Judgement(point, text, confidence, shown, right, similarity, names, rank, took)


def next_identifier(point: Point) -> str:
    """The identifier at the cursor as it was really written, the part before the cursor included; "" for none."""
    typed = _TYPED.search(point.prefix[-200:])
    rest = _NAME.match(point.target)
    name = (typed.group() if typed else "") + (rest.group() if rest else "")
    return name if name.isidentifier() else ""


def rank_of(name: str, names: Sequence[str]) -> int | None:
    """The place of a name among others, from 1; 0 where it is not among them; None for no name."""
    if not name:
        return None
    return names.index(name) + 1 if name in names else 0


def measure(completer: Completes, points: Sequence[Point], on_point: Callable[[], None] = lambda: None) -> Scores:
    """The scores of a completer; what its gate would hide counts too. `on_point` is called after each point."""
    matches = similarity = 0.0
    for judgement in judge(completer, points):
        matches += judgement.right
        similarity += judgement.similarity
        on_point()
    count = max(len(points), 1)
    return Scores(len(points), matches / count, similarity / count)
