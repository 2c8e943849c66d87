"""A shelf finds the places that follow a context, and knows whose they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.memory.document import BREAK
from slm_lsp.model.memory.shelf import AHEAD, DEPTH, REACH, Shelf, inside, surroundings
from slm_lsp.model.memory.sources import Shelved

TOKENS = st.lists(st.integers(0, 3), max_size=40)
EVERYTHING = 1_000_000


def shelf_of(*texts: list[int]) -> Shelf:
    return Shelf.of([(f"pkg/{n}.py", np.array([*text, BREAK], np.uint16)) for n, text in enumerate(texts)])


def followers(ids: list[int], end: list[int]) -> list[int]:
    """The places of `ids` that follow `end`, found by looking at each."""
    return [p for p in range(len(end), len(ids)) if ids[p] != BREAK and ids[p - len(end) : p] == end]


@given(texts=st.lists(TOKENS, max_size=4), context=st.lists(st.integers(0, 3), min_size=1, max_size=DEPTH))
def test_finds_the_longest_end_that_occurs(texts: list[list[int]], context: list[int]) -> None:
    shelf = shelf_of(*texts)
    ids = shelf.ids.tolist()
    lengths = [length for length in range(1, len(context) + 1) if followers(ids, context[-length:])]
    places, length = shelf.find(context, most=0)
    assert length == max(lengths, default=0)
    places, _ = shelf.find(context, most=EVERYTHING)
    assert sorted(places) == (followers(ids, context[-1:]) if lengths else [])


def test_of_many_places_the_most_recent_are_found() -> None:
    places, length = shelf_of([1, 2, 3, 4, 5] * 10).find([1, 2, 3, 4], most=3)
    assert length == DEPTH
    assert places.tolist() == [REACH + 5 * n + 4 for n in (7, 8, 9)]


def test_an_empty_shelf_finds_nothing() -> None:
    places, length = Shelf.of([]).find([1, 2], most=9)
    assert (len(places), length) == (0, 0)


def test_hidden_texts_are_not_found() -> None:
    shelf = shelf_of([1, 2, 3], [1, 2, 4], [1, 2, 5])
    source = Shelved.behind(shelf, ["pkg/1.py", "gone.py"], folder="")
    assert sorted(shelf.ids[source.find([1, 2], most=9)]) == [3, 5]


def test_places_have_an_origin() -> None:
    shelf = shelf_of([1, 2, 3], [4, 5])
    source = Shelved.behind(shelf, [], folder="")
    assert [source.origin(REACH + place).path for place in (0, 2, 4, 5)] == ["pkg/0.py"] * 2 + ["pkg/1.py"] * 2


@given(texts=st.lists(TOKENS, min_size=1, max_size=4))
def test_a_text_is_kept_as_it_is(texts: list[list[int]]) -> None:
    shelf = shelf_of(*texts)
    assert [shelf.tokens_of(path).tolist() for path in shelf.numbers] == [[*text, BREAK] for text in texts]
    assert sum(map(shelf.size_of, shelf.numbers)) == len(shelf.ids) - REACH - AHEAD


def test_surroundings_reach_into_the_margins() -> None:
    shelf = shelf_of([1, 2, 3])
    rows = surroundings(shelf.ids, np.array([REACH, REACH + 2]))
    assert rows[0, REACH - 1 :].tolist()[:5] == [BREAK, 1, 2, 3, BREAK]
    assert rows[1, REACH - 3 : REACH + 1].tolist() == [BREAK, 1, 2, 3]
    assert rows.shape == (2, REACH + AHEAD)


def test_inside_tells_spans_from_gaps() -> None:
    spans = np.array([2, 4, 4, 6, 9, 10])
    assert inside(spans, np.arange(11)).nonzero()[0].tolist() == [2, 3, 4, 5, 9]
