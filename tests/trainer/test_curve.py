"""What twice the tokens bring: the slope, the table, the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slm_lsp.data import base_checkpoint
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.curve import Trained, command, read, slope, table, told, trained

FIRST = Trained("2026-11-23T04:17:01Z", 8_500_000, 4_000_000, 48.0, "cpu", 1.0, 1.2, 0.10, 0.4, 0.3)


def test_the_slope_is_what_a_doubling_brings() -> None:
    assert slope([(1, 5.0), (2, 6.0), (4, 7.0)]) == pytest.approx(1.0)
    assert slope([(3, 5.0), (6, 4.0)]) == pytest.approx(-1.0)


def test_twice_the_tokens_and_what_a_fifth_fewer_bits_take() -> None:
    # 10% fewer bits a doubling: 20% take log(.8) / log(.9) = 2.118 doublings, 4M * 2 ** 2.118 = 17.4M.
    second = replace(FIRST, tokens=8_000_000, chroma=0.9, general=1.08, em=0.12)
    [sentence] = told([FIRST, second])
    assert "-10.0% bits a byte on ChromaDB files, -10.0% on others, +2.0 points" in sentence
    assert "20% fewer bits a byte than after 4.0M tokens take 17M tokens" in sentence


def test_one_model_of_a_size_tells_nothing_and_a_worse_one_promises_nothing() -> None:
    assert told([FIRST, replace(FIRST, parameters=2)]) == []
    [sentence] = told([FIRST, replace(FIRST, tokens=8_000_000, general=1.3)])
    assert "take" not in sentence


def test_the_shipped_base_model_has_all_that_a_row_needs() -> None:
    row = trained(Checkpoint.open(base_checkpoint()))
    assert row.parameters == Checkpoint.open(base_checkpoint()).config.parameters
    assert 0 < row.em < row.workspace_em < 1


def test_a_model_is_added_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "curve.jsonl"
    for _ in range(2):
        command(file, [base_checkpoint()])
    assert read(file) == [trained(Checkpoint.open(base_checkpoint()))]
    assert table(read(file)) in capsys.readouterr().out


def test_bad_files_and_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"created": 1}\n')
    with pytest.raises(TrainingError, match=r"bad\.jsonl: a line is no trained model"):
        read(tmp_path / "bad.jsonl")
    with pytest.raises(TrainingError, match="has no models yet"):
        command(tmp_path / "none.jsonl")
