"""Warnings: what params : tokens and the gap say, and what to do about it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from slm_lsp.trainer.advice import BY_HEART, FEW_TOKENS, HARDLY_BEGUN, INSTEAD, advice_on
from slm_lsp.trainer.phases import PHASES, PhaseConfig
from slm_lsp.trainer.report import Report, show


@pytest.mark.parametrize(
    ("ratio", "gap", "words"),
    [
        (33_328.0, 6.9, ["33,328 parameters for each training token", "a gap of 6.90: it knows its own text"]),
        (749.0, 0.17, ["hardly begun"]),
        (391.0, 1.5, []),
        (FEW_TOKENS, BY_HEART, []),
        (None, HARDLY_BEGUN, []),
        (3_740.0, None, ["as published"]),
        (100.0, float("nan"), []),
    ],
)
def test_a_model_from_scratch_is_warned_of(ratio: float | None, gap: float | None, words: list[str]) -> None:
    advice = advice_on(ratio, gap, scratch=True)
    assert len(advice) == len(words)
    for said, word in zip(advice, words, strict=True):
        assert word in said
        assert said.endswith(INSTEAD)
        assert "slm-lsp train without --phase" in said
        assert "more files" not in said and "longer" not in said, "a phase takes a fixed text to a fixed end"


def test_a_model_that_starts_from_the_base_is_not() -> None:
    assert advice_on(33_328.0, 6.9, scratch=False) == []


@pytest.mark.parametrize(("phase", "count"), [(PHASES[1], 2), (None, 0)])
def test_the_report_of_a_training_warns(phase: PhaseConfig | None, count: int) -> None:
    metrics = {
        "parameters": 3_376_640, "tokens": 901, "gap": 3.9, "seconds": 1.0, "losses": {"train": 0.1, "validation": 4.0},
    }  # fmt: skip
    report = Report(
        "phase1", "shop-phase1", Path("shop"), None, False, False, "measured", "", None, None, metrics, phase=phase
    )
    printed = io.StringIO()
    show(report, Console(file=printed, width=200))
    assert printed.getvalue().count("warning: ") == count == len(report.to_dict()["warnings"])
