"""Where a match can be found: the open documents, and the shelves of the workspace's files.

Knows: how to find the places that follow a context, what is near the cursor. Must not know: distributions, decoding.

Shapes: C places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.memory.document import BREAK, Ids, Places
from slm_lsp.model.memory.shelf import DEPTH, REACH, Shelf, inside, with_margins

BEFORE, AFTER, NEIGHBOR, ELSEWHERE, TEXTBOOK = range(5)
"""How near a place is: before or after the cursor in the same document, in a file of its folder, in another one, in
what every memory was taught."""
_FREQUENT = 20_000
"""Most places of one key that are looked at, the most recent ones."""


class Origin(NamedTuple):
    """What a place is a part of."""

    path: str
    first: int
    """The index of the part's first token."""
    line: int
    """The line of the file, from 1, on which that token starts."""


class Source(Protocol):
    """Tokens in which a context can be found."""

    @property
    def ids(self) -> Ids:
        """Tokens, with margins; BREAK stands between parts."""
        ...

    def find(self, context: Sequence[int], most: int) -> Places:
        """Rising places that follow an end of `context`: the shortest end that at most `most` places follow."""
        ...

    def nearness(self, places: Places) -> NDArray[np.int64]:
        """BEFORE, AFTER, NEIGHBOR, ELSEWHERE or TEXTBOOK for each place (C,)."""
        ...

    def origin(self, place: int) -> Origin:
        """The part in which a place is."""
        ...


class Part(NamedTuple):
    """A piece of an open document in which nothing is left out."""

    ids: Ids
    path: str
    line: int
    nearness: int


class Open:
    """The open documents: the one with the cursor in two parts, so that no match runs across the cursor."""

    def __init__(self, parts: Sequence[Part]) -> None:
        stop = np.array([BREAK], np.uint16)
        self._parts = parts
        self.ids = with_margins([array for part in parts for array in (part.ids, stop)])
        self._starts = np.cumsum([REACH, *(len(part.ids) + 1 for part in parts)])[:-1]
        self._nearness = np.array([part.nearness for part in parts], np.int64)

    def find(self, context: Sequence[int], most: int) -> Places:
        """See Source."""
        places = np.flatnonzero(self.ids[:-1] == context[-1]) + 1
        return narrowed(self.ids, places[self.ids[places] != BREAK], context, 1, most)

    def nearness(self, places: Places) -> NDArray[np.int64]:
        """See Source."""
        return self._nearness[np.searchsorted(self._starts, places, side="right") - 1]

    def origin(self, place: int) -> Origin:
        """See Source."""
        number = int(np.searchsorted(self._starts, place, side="right")) - 1
        part = self._parts[number]
        return Origin(part.path, int(self._starts[number]), part.line)


@dataclass(frozen=True)
class Shelved:
    """A shelf, seen from a document: without the texts that are superseded, and knowing which lie in its folder."""

    shelf: Shelf
    hidden: Places
    """Spans of `shelf.ids` that do not count."""
    folder: str
    """The folder of the document."""
    far: int = ELSEWHERE
    """What the places are that are not in it."""

    @classmethod
    def behind(cls, shelf: Shelf, superseded: Iterable[str], folder: str, far: int = ELSEWHERE) -> Shelved:
        """The shelf without the superseded texts, seen from a document of this folder."""
        return cls(shelf, shelf.spans(superseded), folder, far)

    @property
    def ids(self) -> Ids:
        """See Source."""
        return self.shelf.ids

    def find(self, context: Sequence[int], most: int) -> Places:
        """See Source; the places are not in order."""
        places, length = self.shelf.find(context, most)
        if length == DEPTH and len(places) == most:
            places, length = self.shelf.find(context, _FREQUENT)
        if len(self.hidden):
            places = places[~inside(self.hidden, places)]
        return narrowed(self.ids, places, context, length, most)

    def nearness(self, places: Places) -> NDArray[np.int64]:
        """See Source."""
        folder = self.shelf.folder_numbers.get(self.folder, -1)
        return np.where(self.shelf.folders[self.shelf.texts(places)] == folder, NEIGHBOR, self.far)

    def origin(self, place: int) -> Origin:
        """See Source."""
        number = int(self.shelf.texts(np.array([place]))[0])
        return Origin(list(self.shelf.numbers)[number], int(self.shelf.bounds[number]), 1)


def narrowed(ids: Ids, places: Places, context: Sequence[int], length: int, most: int) -> Places:
    """Those of `places`, which follow the last `length` tokens of `context`, that follow more of them.

    As many more as it takes to be at most `most` places; where none would be left, the last `most` of the shorter end.
    """
    while len(places) > most and length < min(len(context), REACH):
        length += 1
        longer = places[ids[places - length] == context[-length]]
        if not len(longer):
            break
        places = longer
    return places[-most:]
