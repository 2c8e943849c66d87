"""Exact match and edit similarity, by the rules of the measure, and a completer measured with them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import Scores, choose, measure
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


@dataclass(frozen=True)
class Line:
    text: str


class Oracle:
    """Completes from the text it was told; for None it is silent."""

    def __init__(self, answers: list[str | None]) -> None:
        self._answers = iter(answers)

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Line | None:
        assert path == "program.py"
        answer = next(self._answers)
        return None if answer is None else Line(answer)


def test_scores_are_means_over_all_points_silence_counting_as_wrong() -> None:
    points = choose([("program.py", PROGRAM)], 4)
    answers: list[str | None] = [points[0].target, None, points[2].target + "\nmore", None]
    counted: list[int] = []
    scores = measure(Oracle(answers), points, lambda: counted.append(1))
    assert scores == Scores(4, 0.5, 0.5)
    assert len(counted) == 4
    assert measure(Oracle([]), []) == Scores(0, 0.0, 0.0)


def test_better_is_more_exact_matches_and_then_more_similar() -> None:
    assert Scores(9, 0.3, 0.1).beats(Scores(9, 0.2, 0.9))
    assert Scores(9, 0.3, 0.2).beats(Scores(9, 0.3, 0.1))
    assert not Scores(9, 0.3, 0.1).beats(Scores(9, 0.3, 0.1))


def test_a_model_that_knows_the_file_by_heart_completes_most_of_it() -> None:
    points = choose([("program.py", PROGRAM)], 60)
    scores = measure(Completer.load(TINY), points)
    assert scores.points == len(points)
    assert scores.em > 0.5
    assert scores.es >= scores.em
