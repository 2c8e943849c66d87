"""What rows say of the claims: figures that follow from them, and a document that says nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from slm_lsp.model.errors import TrainingError
from slm_lsp.trainer.experiment.quality import Quality
from slm_lsp.trainer.experiment.study.arms import ARMS, STEPS
from slm_lsp.trainer.experiment.study.comparing import after, compared, end
from slm_lsp.trainer.experiment.study.document import BEGUN, count, names, renewed
from slm_lsp.trainer.experiment.study.pictures import draw_rows
from slm_lsp.trainer.experiment.study.rows import Look, Row, read_rows
from slm_lsp.trainer.experiment.study.statistics import mean, ranks, spearman
from slm_lsp.trainer.experiment.study.telling import change
from slm_lsp.trainer.experiment.study.verdicts import (
    CLAIMS,
    DATA,
    data,
    future,
    gap_predicts,
    golden_rule,
    memorization,
    overtraining,
    phases,
    vocabulary,
)

DOCS = Path(__file__).parents[3] / "docs"


def quality(em: float) -> Quality:
    return Quality(100, em, em + 0.1, repeated=50, repeated_right=round(80 * em), new_right=round(20 * em))


def row(
    arm: str, em: float, *, tokens: int = 1_000, train: float = 1.0, gap: float = 2.0, project: str = "a",
    seed: int = 0, memory: float | None = None,
) -> Row:  # fmt: skip
    served = None if memory is None else quality(memory)
    look = Look(STEPS, 1.0, train, train + gap, 2.0, 1.0, quality(em), served=served)
    return Row(arm, project, seed, 50_000, tokens, (look,))


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
    rows = [row("width-32", 0.01, tokens=50), row("width-64", 0.2, tokens=1_000), row("width-128", 0.03, tokens=100)]
    told = golden_rule([*rows, row("data-15k", 0.9, tokens=1_000)])
    assert "Among the 3 arms with our vocabulary (chroma8k)" in told.sentence
    assert "width-64 has the highest ES, with 50 parameters a token" in told.sentence
    assert "Those within the rule on average have EM 20.0%" in told.sentence, "not the arm of another vocabulary"
    assert "those outside it 2.0%" in told.sentence
    assert "with ES: -1.00." in told.sentence
    assert "| data-15k | gpt2 | 50 |" in told.table and "| width-64 | chroma8k | 50 |" in told.table
    assert golden_rule([row("width-32", 0.01), row("data-15k", 0.2)]).table == ""


def test_the_gap_predicts_as_far_as_ranks_agree() -> None:
    rows = [row(arm, 0.01 * n, gap=n, train=1.0 + n) for n, arm in enumerate(DATA, start=1)]
    told = gap_predicts(rows)
    assert "of the gap is +1.00 with EM and +1.00 with ES" in told.sentence
    assert f"| gap | after {STEPS} steps | 6 | +1.00 | +1.00 | +1.00 |" in told.table
    falling = [row(arm, 0.01 * n, gap=7.0 - n) for n, arm in enumerate(DATA, start=1)]
    assert "of the gap is -1.00 with EM" in gap_predicts(falling).sentence


def test_the_gap_is_compared_on_the_same_files_over_the_same_projects_and_seeds() -> None:
    rows = [row(arm, 0.01 * n, gap=n) for n, arm in enumerate(DATA, start=1)]
    told = gap_predicts(rows)
    phase = row("phase1", 0.9, gap=0.1)  # its validation text is its own
    alone = row("data-1k", 0.9, gap=0.1, seed=1)  # the other arms have no such seed
    assert gap_predicts([*rows, phase, alone]) == told


def test_five_times_the_data_is_told_as_a_ratio_of_gaps() -> None:
    gaps = {"data-1k": 4.0, "data-2k": 3.0, "data-5k": 2.0, "data-10k": 1.5, "data-15k": 1.2, "data-22k": 1.0}
    told = data([row(arm, 0.1, gap=gap) for arm, gap in gaps.items()])
    assert "the gap 2.0 times smaller (4.00 to 2.00)" in told.sentence
    assert told.table.count("\n") == 7


def test_repeated_lines_are_held_against_a_model_that_did_not_learn_them() -> None:
    told = memorization([row("base", 0.1), row("data-15k", 0.2)])
    assert "| base model, untrained | 1 | 16.0% | 4.0% | +12.0 points |" in told.table
    assert "from scratch, 15K tokens, 32.0% and 8.0%." in told.sentence


def test_what_adapting_adds_is_told_for_both_kinds_of_lines() -> None:
    rows = [row("base", 0.1), row("data-15k", 0.2)]
    assert "Adapting" not in memorization(rows).sentence
    told = memorization([*rows, row("base-15k", 0.3)]).sentence
    assert "changes it by +32.0 points on repeated lines, by +8.0 points on new ones." in told


def test_phases_are_told_without_a_base_model_too() -> None:
    rows = [row("phase1", 0.3), row("phase2", 0.1)]
    told = phases(rows)
    assert "From phase1 to phase2, published as better: EM -20.0 points (beyond the noise)" in told.sentence
    assert "base model" not in told.sentence + told.table
    assert "The base model, which learned other projects, has EM 40.0%" in phases([*rows, row("base", 0.4)]).sentence


def test_a_difference_is_beyond_the_noise_where_chance_gives_it_seldom() -> None:
    none, few, many = compared(
        [row("data-1k", 0.0), row("data-2k", 0.02), row("data-5k", 0.1)],
        *((name, name, end) for name in ("data-1k", "data-2k", "data-5k")),
    )  # fmt: skip
    assert none.places == 100
    assert many.noise == pytest.approx(0.03)
    assert change(none, few) == "EM +2.0 points (within the noise), ES +0.020"
    assert change(many, none) == "EM -10.0 points (beyond the noise), ES -0.100"


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([3, 2, 1, 2, 3, 4], "lowest after 60 steps, completions are most similar after 480. From step 60 to the last"),
        ([9, 8, 7, 6, 5, 4], "lowest after 480 steps, completions are most similar after as many. Nothing was"),
    ],
)  # fmt: skip
def test_overtraining_is_what_comes_after_the_lowest_loss(losses: list[float], words: str) -> None:
    looks = tuple(
        Look(step, 1.0, 0.5, loss, 2.0, 1.0, quality(step / 1000))
        for step, loss in zip((10, 30, 60, 120, 240, 480), losses, strict=True)
    )
    told = overtraining([Row("data-15k", "a", 0, 50_000, 1_000, looks)])
    assert words in told.sentence
    assert told.sentence.count("after 480") <= 1


def test_processor_time_is_called_provisional_beside_its_figures() -> None:
    looks = tuple(
        Look(STEPS, 1.0, 1.0, 2.0, 2.0, 1.0, quality(0.2), at=why) for why in ("step", "passes", "time")
    )  # fmt: skip
    told = vocabulary([row("data-15k", 0.1), Row("vocabulary-own", "a", 0, 50_000, 1_000, looks)])
    assert "from different runs of the study" in told.sentence
    assert "| our 8,192, as many steps |" in told.table


def test_the_copier_is_held_against_models_of_the_same_runs() -> None:
    rows = [row("data-15k", 0.1, memory=0.2), row("base", 0.1, memory=0.4), row("copier", 0.1, memory=0.3)]
    told = future([*rows, row("base-15k", 0.2), row("copier", 0.1, seed=1, memory=0.9)])
    assert "2 models (base, data-15k) have EM 20.0% to 40.0%; the copier, which has no model, 30.0%." in told.sentence
    assert "| retrieval alone | copier, no model | 1 | 10.0% | 0.200 | 30.0% |" in told.table


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
    assert made.startswith(
        "before <!-- rows: count -->\nRows: 1 of 189 that are planned, of the projects a. Seed 0 has"
    )
    assert made.endswith("and the sentences say so.\n<!-- end --> after")
    assert renewed(made, [row("base", 0.1)]) == made
    with pytest.raises(TrainingError, match="luck"):
        renewed("<!-- rows: luck -->\n<!-- end -->", [])


def test_what_rows_lack_and_how_far_they_are_to_be_trusted_is_counted() -> None:
    rows = [row(arm.name, 0.1, memory=0.1) for arm in ARMS if arm.name not in ("phase0", "phase4")]
    told = count(rows)
    assert "Seed 0 has rows of 19 of 21 arms, none of phase0, phase4. So this is a beginning" in told
    assert "Over 1 run of 100 places each, an EM of 10.0% has a standard error of 3.0 points" in told
    all_of_them = [row(arm.name, 0.1, project=name, seed=seed) for arm in ARMS for name in "abc" for seed in range(3)]
    assert "a beginning" not in count(all_of_them) and "Seed 2 has rows of 21 of 21 arms." in count(all_of_them)
    assert "a standard error of 1.0 points" in count(all_of_them)
    assert count([]) == "Rows: 0 of 189 that are planned, of no project. So this is a beginning; " + BEGUN


def test_the_document_says_what_the_committed_rows_say() -> None:
    text = (DOCS / "experiment.md").read_text(encoding="utf-8")
    rows = read_rows(DOCS / "experiment" / "rows.jsonl")
    assert set(names(text)) == {*CLAIMS, "count"}
    assert renewed(text, rows) == text
    assert len({row.key for row in rows}) == len(rows)
