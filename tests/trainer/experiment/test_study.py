"""The study: arms that differ in one thing, rows that survive a crash, trainings that are looked at on their way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from workshop import Workshop

from slm_lsp.data import base_in_use
from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.repository import SourceFile
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.experiment.quality import Quality
from slm_lsp.trainer.experiment.study.arms import ARMS, OWN_EQUAL, STEPS, Arm, arm
from slm_lsp.trainer.experiment.study.material import Material, first_text
from slm_lsp.trainer.experiment.study.rows import Look, Row, append_row, drop_stale, find, read_rows
from slm_lsp.trainer.experiment.study.run import study
from slm_lsp.trainer.experiment.study.training import row_of
from slm_lsp.trainer.phases import MICRO

SMALL = ModelConfig(8_192, context=128, layers=1, width=32, heads=1, hidden=32, fim=False)
QUALITY = Quality(10, 0.2, 0.5, repeated=4, repeated_right=2, new_right=0)


def look(step: int, train: float = 1.0, validation: float = 3.0) -> Look:
    return Look(step, step / 10, train, validation, 1.5, step / 100, QUALITY)


ROW = Row("data-1k", "shop", 0, 3_000, 100, (look(30), look(120, 0.5, 4.0)))


def test_arms_are_compared_in_equal_parameters_and_come_after_what_they_are_held_against() -> None:
    assert OWN_EQUAL.parameters == pytest.approx(MICRO.parameters, rel=0.01)
    names = [one.name for one in ARMS]
    assert len(set(names)) == len(names)
    for one in ARMS:
        assert one.against is None or names.index(one.against) < names.index(one.name)
        assert one.start != "scratch" or STEPS in one.looks
    assert {f"phase{number}" for number in range(5)} < set(names)
    assert arm("phase3").phase == 3


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "rows.jsonl"
    other = Row("base", "shop", 1, 10, 0, (Look(0, 0, None, None, None, 0, QUALITY, served=QUALITY),), base="abc")
    for row in (ROW, other):
        append_row(file, row)
    assert read_rows(file) == [ROW, other]
    assert find(read_rows(file), "base", "shop", 1) == other
    assert find(read_rows(file), "base", "shop", 2) is None
    assert read_rows(tmp_path / "nowhere") == []


def test_rows_of_another_base_model_are_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for row in (ROW, replace(ROW, arm="base", base="old"), replace(ROW, arm="base-15k", base="new")):
        append_row(file, row)
    assert drop_stale(file, "new") == 1
    assert [row.arm for row in read_rows(file)] == ["data-1k", "base-15k"]
    assert drop_stale(file, "new") == 0


def test_a_half_written_row_is_no_row_and_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    append_row(file, ROW)
    file.write_bytes(file.read_bytes() + b'{"arm": "ba')
    assert read_rows(file) == [ROW]
    append_row(file, ROW)
    assert read_rows(file) == [ROW, ROW]


def test_what_is_no_row_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("{}\n")
    with pytest.raises(TrainingError, match="not a file of rows"):
        read_rows(file)


def test_a_row_knows_its_ratio_its_best_look_and_the_gap() -> None:
    assert ROW.ratio == 30
    assert ROW.best.step == 30
    assert ROW.looks[1].gap == 3.5
    assert ROW.at(120) == ROW.looks[1]
    assert ROW.at(60) is None


def test_quality_tells_repeated_lines_from_new_ones() -> None:
    assert QUALITY.em_repeated == 0.5
    assert QUALITY.em_new == 0.0
    assert Quality(1, 1.0, 1.0, 0, 0, 1).em_repeated is None


def test_the_first_text_is_cut_in_the_last_file_and_begins_with_chromadb() -> None:
    tokenizer = Tokenizer.from_file(base_in_use())
    files = [SourceFile("a.py", "x = 1\n" * 20), SourceFile("b.py", "import chromadb\n")]
    length = len(tokenizer.encode(files[1].text))
    taken = first_text(files, tokenizer, length + 10)
    assert [file.path for file in taken] == ["b.py", "a.py"]
    assert files[0].text.startswith(taken[1].text)
    assert sum(len(tokenizer.encode(file.text)) for file in taken) == length + 10


@pytest.fixture
def material(workshop: Workshop) -> Material:
    return Material("bookshop", workshop.project, 0, Checkpoint.open(base_in_use()), points=20)


def test_a_training_is_judged_at_its_looks_and_where_another_arm_was(material: Material) -> None:
    tiny = Arm("tiny", model=SMALL, vocabulary="chroma8k", tokens=1_001, looks=(1, 3), rows=1, memory=True)
    row = row_of(tiny, material, [])
    assert [look.step for look in row.looks] == [1, 3]
    assert row.parameters == SMALL.parameters
    assert 300 < row.tokens < 901
    assert row.looks[0].passes == pytest.approx(128 / row.tokens)
    assert row.looks[0].train != row.looks[1].train
    assert row.looks[1].alone.points == 20
    assert row.looks[1].served is not None and row.looks[0].served is None
    other = Row("other", "bookshop", 0, 1, 1, (Look(STEPS, 128 * 2 / row.tokens, 1.0, 1.0, 1.0, 0.0, QUALITY),))
    held = Arm("held", model=SMALL, vocabulary="chroma8k", tokens=1_001, looks=(1,), rows=1, against="other")
    assert [(look.at, look.step) for look in row_of(held, material, [other]).looks] == [
        ("step", 1),
        ("time", 1),
        ("passes", 2),
    ]
    with pytest.raises(TrainingError, match="no row"):
        row_of(held, material, [])


def test_base_and_copier_have_rows_without_a_training(material: Material) -> None:
    assert material.examination.textbook == {}
    base, copier = (row_of(arm(name), material, []) for name in ("base", "copier"))
    assert base.base and base.looks[0].validation and base.looks[0].served
    assert base.looks[0].train is None
    assert copier.looks[0].gap is None and copier.looks[0].alone.points == 20


def test_a_base_model_that_is_trained_starts_from_its_weights(material: Material) -> None:
    from_base = Arm("from-base", start="base", model=None, tokens=2_000, looks=(1,), rows=1, muon_lr=1e-9, adam_lr=1e-9)
    untrained = row_of(arm("base"), material, []).looks[0]
    assert row_of(from_base, material, []).looks[0].validation == pytest.approx(untrained.validation, abs=0.01)


def test_a_study_goes_on_where_it_stopped(workshop: Workshop) -> None:
    out = workshop.root / "rows.jsonl"
    arms = [Arm(f"tiny-{steps}", model=SMALL, vocabulary="chroma8k", looks=(steps,), rows=1) for steps in (1, 2)]
    told: list[tuple[int, int, str]] = []

    def run(seeds: list[int]) -> list[Row]:
        return study(out, ["bookshop"], seeds, arms, lambda *heard: told.append(heard), workshop.root)

    first = run([0])
    assert [row.key for row in first] == [("tiny-1", "bookshop", 0), ("tiny-2", "bookshop", 0)]
    assert run([0]) == first
    assert len(told) == 2
    out.write_text(out.read_text().splitlines(keepends=True)[0])
    assert {row.key for row in run([0])} == {row.key for row in first}
    assert told[2:] == [(1, 2, "tiny-2, bookshop, seed 0")]
    run([1])
    assert [heard[:2] for heard in told[3:]] == [(0, 2), (1, 2)], "rows of another seed do not count"
    with pytest.raises(TrainingError, match="no such project: shop"):
        study(out, ["shop"], [0], arms, folders=workshop.root)
