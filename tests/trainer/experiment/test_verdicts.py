"""What rows say of the claims: figures that follow from them, and a document that says nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from slm_lsp.model.errors import TrainingError
from slm_lsp.trainer.experiment.quality import Quality
from slm_lsp.trainer.experiment.study.arms import STEPS
from slm_lsp.trainer.experiment.study.comparing import after, compared, end
from slm_lsp.trainer.experiment.study.document import names, renewed
from slm_lsp.trainer.experiment.study.pictures import draw_rows
from slm_lsp.trainer.experiment.study.rows import Look, Row, read_rows
from slm_lsp.trainer.experiment.study.statistics import mean, ranks, spearman
from slm_lsp.trainer.experiment.study.verdicts import CLAIMS, DATA, data, gap_predicts, golden_rule, memorization

DOCS = Path(__file__).parents[3] / "docs"


def row(arm: str, em: float, *, tokens: int = 1_000, train: float = 1.0, gap: float = 2.0, project: str = "a") -> Row:
    quality = Quality(100, em, em + 0.1, repeated=50, repeated_right=round(80 * em), new_right=round(20 * em))
    return Row(arm, project, 0, 50_000, tokens, (Look(STEPS, 1.0, train, train + gap, 2.0, 1.0, quality),))


def test_ranks_share_what_is_equal() -> None:
    assert list(ranks([10, 30, 20, 20])) == [1, 4, 2.5, 2.5]


def test_spearman_sees_order_and_nothing_else() -> None:
    assert spearman([(1, 1), (2, 4), (3, 9)]) == pytest.approx(1)
    assert spearman([(1, 9), (2, 4), (3, 1)]) == pytest.approx(-1)
    assert spearman([(1, 2), (2, 1), (3, 4), (4, 3)]) == pytest.approx(0.6)
    assert spearman([(1, 1), (2, 1), (3, 1)]) is None
    assert spearman([(1, 1), (2, 2)]) is None


def test_a_mean_of_nothing_is_nothing() -> None:
    assert mean([1.0, None, 3.0]) == 2.0
    assert mean([None]) is None


def test_arms_are_compared_over_what_both_have() -> None:
    rows = [row("base", 0.1), row("base", 0.9, project="b"), row("copier", 0.2)]
    lines = compared(rows, ("one", "base", end), ("two", "copier", after(STEPS)))
    assert [(line.label, line.em, len(line.looks)) for line in lines] == [("one", 0.1, 1), ("two", 0.2, 1)]
    assert compared(rows, ("one", "base", end), ("two", "schedule", end)) == []


def test_the_golden_rule_is_judged_by_quality_within_and_outside() -> None:
    told = golden_rule([row("data-1k", 0.01, tokens=50), row("data-15k", 0.2, tokens=1_000)])
    assert "data-15k has the highest ES, with 50 parameters a token" in told.sentence
    assert "Within the rule EM is 20.0%" in told.sentence
    assert "outside it 1.0%" in told.sentence
    assert golden_rule([row("data-1k", 0.01)]).table == ""


def test_the_gap_predicts_as_far_as_ranks_agree() -> None:
    rows = [row("data-1k", 0.01 * n, gap=n, train=1.0 + n) for n in range(1, 6)]
    told = gap_predicts(rows)
    assert "of the gap is +1.00 with EM and +1.00 with ES" in told.sentence
    assert "| gap | finished models | 5 | +1.00 | +1.00 | +1.00 |" in told.table
    falling = [row("data-1k", 0.01 * n, gap=6.0 - n) for n in range(1, 6)]
    assert "of the gap is -1.00 with EM" in gap_predicts(falling).sentence


def test_five_times_the_data_is_told_as_a_ratio_of_gaps() -> None:
    gaps = {"data-1k": 4.0, "data-2k": 3.0, "data-5k": 2.0, "data-10k": 1.5, "data-15k": 1.2, "data-22k": 1.0}
    told = data([row(arm, 0.1, gap=gap) for arm, gap in gaps.items()])
    assert "the gap 2.0 times smaller (4.00 to 2.00)" in told.sentence
    assert told.table.count("\n") == 7


def test_repeated_lines_are_held_against_a_model_that_did_not_learn_them() -> None:
    told = memorization([row("base", 0.1), row("data-15k", 0.2)])
    assert "| base model, untrained | 1 | 16.0% | 4.0% | +12.0 points |" in told.table
    assert "from scratch, 15K tokens, 32.0% and 8.0%." in told.sentence


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_without_rows_is_not_measured(name: str) -> None:
    assert CLAIMS[name]([]).table == ""


def test_rows_are_drawn_as_far_as_they_go(tmp_path: Path) -> None:
    assert draw_rows([row("base", 0.1)], tmp_path) == []
    rows = [row(arm, 0.1, tokens=tokens) for tokens, arm in enumerate(DATA, start=100)]
    assert [path.name for path in draw_rows(rows, tmp_path)] == ["data.svg", "golden-rule.svg"]
    assert "golden rule: 10-100" in (tmp_path / "golden-rule.svg").read_text()


def test_only_what_is_between_marks_is_made() -> None:
    text = "before <!-- rows: count -->\nold\n<!-- end --> after"
    made = renewed(text, [row("base", 0.1)])
    assert made.startswith("before <!-- rows: count -->\nRows: 1 of 189 that are planned. They have 1 of 21 arms, ")
    assert made.endswith("the projects a, the seeds 0.\n<!-- end --> after")
    assert renewed(made, [row("base", 0.1)]) == made
    with pytest.raises(TrainingError, match="luck"):
        renewed("<!-- rows: luck -->\n<!-- end -->", [])


def test_the_document_says_what_the_committed_rows_say() -> None:
    text = (DOCS / "experiment.md").read_text(encoding="utf-8")
    rows = read_rows(DOCS / "experiment" / "rows.jsonl")
    assert set(names(text)) == {*CLAIMS, "count"}
    assert renewed(text, rows) == text
    assert len({row.key for row in rows}) == len(rows)
