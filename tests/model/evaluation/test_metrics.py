"""Exact match and edit similarity, by the rules of the measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.evaluation.metrics import edit_similarity, exact_match


@pytest.mark.parametrize(
    ("suggestion", "target", "expected"),
    [
        ("x = 1", "x = 1", True),
        ("x = 1  # mine", "x = 1 # theirs", True),
        ("x = 1\ny = 2", "x = 1", True),
        ("x = 1\r\ny = 2", "x = 1   ", True),
        ("x = 1 ", "x = 1", True),
        (" x = 1", "x = 1", False),
        ("x = 1,", "x = 1", False),
        ('f("#")', 'f("")', False),
        ("", "x = 1", False),
    ],
)
def test_exact_is_up_to_trailing_space_and_comment(suggestion: str, target: str, expected: bool) -> None:
    assert exact_match(suggestion, target) is expected
    assert (edit_similarity(suggestion, target) == 1.0) is expected


@given(st.text(), st.text(min_size=1))
def test_similarity_is_a_share_and_one_only_for_a_match(suggestion: str, target: str) -> None:
    similarity = edit_similarity(suggestion, target)
    assert 0.0 <= similarity <= 1.0
    assert (similarity == 1.0) == exact_match(suggestion, target)


def test_similarity_is_the_normalized_indel_distance() -> None:
    assert edit_similarity("abcd", "abxd") == pytest.approx(1 - 2 / 8)
    assert edit_similarity("", "abc") == 0.0
