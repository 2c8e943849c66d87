"""Judgements summed up, with intervals over files."""

from __future__ import annotations

import pytest

from slm_lsp.model.evaluation import Judgement, Point
from slm_lsp.model.evaluation.figures import ratio, rows_of


def judgement(path: str, *, right: bool, shown: bool = True, kind: str = "mid_line", chroma: bool = False) -> Judgement:
    point = Point(path, kind, "x = ", "y", "\n", chroma)
    rank = 1 if right else 0
    return Judgement(point, "y" if right else "z", 0.9, shown, right, float(right), (), rank, 1.0)


def test_figures_are_shares_of_what_they_are_about() -> None:
    row = rows_of([judgement("a", right=True), judgement("b", right=False), judgement("c", right=True, shown=False)])[0]
    values = {name: (figure.value, figure.count) for name, figure in row.figures.items()}
    assert row.name, row.points == ("all", 3)
    assert values["em"] == (pytest.approx(2 / 3), 3)
    assert values["precision"] == (pytest.approx(1 / 2), 2)
    assert values["show_rate"] == (pytest.approx(2 / 3), 3)
    assert values["top1"] == (pytest.approx(2 / 3), 3)


def test_groups_are_all_then_chroma_and_other_then_the_kinds_that_occur() -> None:
    some = [judgement("a", right=True, chroma=True), judgement("b", right=False, kind="after_dot")]
    assert [row.name for row in rows_of(some)] == ["all", "chroma", "other", "mid_line", "after_dot"]
    assert [row.name for row in rows_of(some[:1])] == ["all", "mid_line"]


def test_the_interval_widens_with_fewer_files_of_the_same_points() -> None:
    many = ratio((str(index), index % 2, 1) for index in range(100))
    few = ratio((str(index % 4 // 2), index % 4 // 2, 1) for index in range(100))
    assert many
    assert few
    assert many.value == few.value == 0.5
    assert many.high - many.low < few.high - few.low
    assert many.low < many.value < many.high


def test_a_figure_about_nothing_is_left_out() -> None:
    assert ratio([("a", 0.0, 0)]) is None
    assert "precision" not in rows_of([judgement("a", right=True, shown=False)])[0].figures
