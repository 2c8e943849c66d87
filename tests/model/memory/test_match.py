"""A match agrees as long as any place of the memory does, and follows it while tokens are decoded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.memory import Match
from slm_lsp.model.memory.document import BREAK
from slm_lsp.model.memory.match import MOST
from slm_lsp.model.memory.shelf import AHEAD, REACH, Shelf
from slm_lsp.model.memory.sources import AFTER, BEFORE, ELSEWHERE, NEIGHBOR, Open, Part, Shelved

NEWLINES = np.zeros(BREAK + 1, np.uint8)
NEWLINES[10] = 1
TOKENS = st.lists(st.integers(1, 3), max_size=30)


def part(ids: list[int], path: str = "a.py", nearness: int = BEFORE, line: int = 1) -> Part:
    return Part(np.array(ids, np.uint16), path, line, nearness)


def match_of(context: list[int], *parts: Part, learned: list[list[int]] | None = None) -> Match:
    texts = [(f"pkg/{n}.py", np.array([*text, BREAK], np.uint16)) for n, text in enumerate(learned or [])]
    return Match([Open(parts), Shelved.behind(Shelf.of(texts), [], "pkg")], context, NEWLINES)


def longest(texts: list[list[int]], context: list[int]) -> tuple[int, list[int]]:
    """The longest agreement, and what follows there, found by comparing every place."""
    best, following = 0, list[int]()
    for text in texts:
        for place in range(1, len(text)):
            length = 0
            while length < min(place, len(context), REACH) and text[place - 1 - length] == context[-1 - length]:
                length += 1
            if length > best:
                best, following = length, []
            if length == best > 0:
                following.append(text[place])
    return best, following


@given(opened=st.lists(TOKENS, max_size=3), learned=st.lists(TOKENS, max_size=3), context=TOKENS, typed=TOKENS)
def test_agrees_as_long_as_any_place(
    opened: list[list[int]], learned: list[list[int]], context: list[int], typed: list[int]
) -> None:
    match = match_of(context, *map(part, opened), learned=learned)
    for number in range(len(typed) + 1):
        length, following = longest([*opened, *learned], [*context, *typed[:number]])
        found = match.continuations()
        assert (found.length, found.count) == (length, len(following))
        assert set(following) <= set(found.ids.tolist())
        if following:
            assert found.agreement == pytest.approx(max(map(following.count, following)) / len(following))
        if number < len(typed):
            match.advance(typed[number])


@given(opened=TOKENS, context=TOKENS)
def test_shares_are_a_distribution(opened: list[int], context: list[int]) -> None:
    found = match_of(context, part(opened)).continuations()
    assert len(found.ids) == len(set(found.ids.tolist())) == len(found.shares)
    assert 0 <= found.trust < 1
    if len(found.ids):
        assert found.shares.sum() == pytest.approx(1)
        assert (np.diff(found.shares) <= 0).all()


def test_a_longer_agreement_is_trusted_more() -> None:
    text = part([5, 6, 7, 8, 9, 1, 2, 3])
    trusts = [match_of(context, text).continuations().trust for context in ([9], [8, 9], [5, 6, 7, 8, 9])]
    assert trusts == sorted(trusts)
    assert trusts[0] < trusts[-1]


def test_more_places_of_one_mind_are_trusted_more() -> None:
    once, often = part([1, 2, 3, 9]), part([1, 2, 3, 9] * 20)
    assert match_of([1, 2], once).continuations().trust < match_of([1, 2], often).continuations().trust


def test_the_draft_is_what_followed_the_longest_agreement() -> None:
    match = match_of([1, 2, 3], part([1, 2, 3, 4, 5, 6]), part([9, 2, 3, 7, 7, 7]))
    assert match.draft(2) == [4, 5]
    assert match.draft(9) == [4, 5, 6]
    match.advance(4)
    assert match.draft(9) == [5, 6]


def test_of_equal_agreements_the_nearest_is_drafted() -> None:
    parts = [part([1, 2, 30 + near], nearness=near) for near in (ELSEWHERE, NEIGHBOR, AFTER, BEFORE)]
    assert match_of([1, 2], *parts).draft(1) == [30 + BEFORE]
    assert match_of([1, 2], *parts[:2]).draft(1) == [30 + NEIGHBOR]
    assert match_of([1, 2], part([1, 2, 5, 1, 2, 6])).draft(1) == [6]


def test_another_token_than_the_drafted_one_leads_elsewhere() -> None:
    match = match_of([1, 2], part([1, 2, 3, 4]), part([7, 2, 8, 9]))
    match.advance(8)
    assert match.draft(5) == [9]
    match.advance(1000)
    assert match.draft(5) == []
    assert match.continuations().length == 0


def test_nothing_is_matched_across_parts_or_files() -> None:
    match = match_of([1, 2], part([8, 1, 2]), part([3, 4]), learned=[[5, 1, 2], [6]])
    assert match.continuations().ids.tolist() == []


def test_a_break_in_the_context_ends_it() -> None:
    match = match_of([1, BREAK, 2], part([1, 2, 3]))
    assert match.continuations().length == 1


def test_a_draft_may_be_followed_to_its_end() -> None:
    text = list(range(20, 20 + 3 * AHEAD))
    match = match_of(text[:3], part(text))
    for token in text[3:-1]:
        assert match.draft(1) == [token]
        match.advance(token)
    assert match.draft(9) == text[-1:]


def test_the_source_is_a_line_of_a_file() -> None:
    match = match_of([1, 2], part([9, 9], "own.py"), part([5, 10, 5, 10, 1, 2, 3, 10, 4], "other.py", line=40))
    assert match.source() == ("other.py", 42)
    match.advance(3)
    assert match.source() == ("other.py", 43)
    match.advance(10)
    assert match.source() == ("other.py", 43)
    assert match_of([77], part([1])).source() is None


def test_a_learned_source_counts_from_its_own_beginning() -> None:
    match = match_of([1, 2], learned=[[10, 10, 10], [10, 1, 2, 3]])
    assert match.source() == ("pkg/1.py", 2)


def test_so_many_places_are_bounded_and_the_longest_agreement_is_among_them() -> None:
    common = [1, 2] * 5_000
    match = match_of([7, 8, 1, 2], part([7, 8, 1, 2, 55]), part(common), learned=[common, common])
    assert match.draft(1) == [55]
    assert match.continuations().length == 4
    many = match_of([1, 2, 1, 2], part(common), learned=[common]).continuations()
    assert many.count <= 2 * MOST
