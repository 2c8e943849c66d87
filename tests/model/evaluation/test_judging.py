"""What a completer offers at points, judged; and the two scores by which models are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import Point, Scores, choose, judge, measure
from slm_lsp.model.evaluation.judging import next_identifier, rank_of
from slm_lsp.model.evaluation.points import POPUP_KINDS


@dataclass(frozen=True)
class Line:
    text: str
    confidence: float = 0.5
    shown: bool = True


@dataclass(frozen=True)
class Name:
    name: str


class Oracle:
    """Completes from the texts it was told; for None it is silent."""

    def __init__(self, answers: list[str | None], names: tuple[str, ...] = ()) -> None:
        self._answers: Iterator[str | None] = iter(answers)
        self._names = names

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Line | None:
        assert path == "program.py"
        answer = next(self._answers)
        return None if answer is None else Line(answer)

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[Name]:
        return [Name(name) for name in self._names[:limit]]


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


def test_a_judgement_says_what_was_offered_and_where_the_right_name_stood() -> None:
    point = Point("program.py", "after_dot", "shelf.", "count_notes()", "\n", chroma=False)
    oracle = Oracle(["count_notes()", None], ("add_note", "count_notes"))
    first, second = judge(oracle, [point, point], popup=True)
    assert (first.right, first.similarity, first.shown, first.rank) == (True, 1.0, True, 2)
    assert (second.right, second.text, second.shown, second.confidence) == (False, "", False, 0.0)
    assert next(judge(Oracle([None]), [point])).rank is None


def test_the_next_identifier_includes_what_was_typed_and_is_none_before_a_bracket() -> None:
    def point(prefix: str, target: str) -> Point:
        return Point("a.py", "mid_word", prefix, target, "\n", chroma=False)

    assert next_identifier(point("x = coll", "ection.add()")) == "collection"
    assert next_identifier(point("x.", "add(1)")) == "add"
    assert next_identifier(point("f(", "[1, 2]")) == ""
    assert rank_of("", ["a"]) is None
    assert rank_of("b", ["a"]) == 0
    assert rank_of("a", ["b", "a"]) == 2


def test_the_popup_of_a_model_that_knows_the_file_ranks_the_right_name_first() -> None:
    points = [point for point in choose([("program.py", PROGRAM)], 60) if point.kind in POPUP_KINDS]
    ranks = [one.rank for one in judge(Completer.load(TINY), points, popup=True) if one.rank is not None]
    assert len(ranks) > 5
    assert ranks.count(1) / len(ranks) > 0.5
