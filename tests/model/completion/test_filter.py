"""The show/hide filter: levels, calibration, and the floor below which decoding need not go on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.completion.filter import Filter, Level, filter_of

FITTED = Filter(offset=0.5, slope=0.9, balanced=0.4, quiet=0.7)


def test_quieter_levels_show_less() -> None:
    thresholds = [FITTED.threshold(level) for level in ("eager", "balanced", "quiet")]
    assert thresholds == [0.0, 0.4, 0.7]
    assert Filter(balanced=0.5, quiet=0.2).threshold("quiet") == 0.5


@pytest.mark.parametrize("level", ["eager", "balanced", "quiet"])
@given(probability=st.floats(1e-9, 1))
def test_nothing_under_the_floor_would_be_shown(level: Level, probability: float) -> None:
    for one in (FITTED, Filter(balanced=0.3, quiet=0.6), Filter(0.1, 2.0, 1.0, 1.0)):
        if probability < one.floor(level):
            assert one.confidence(probability) < one.threshold(level)


@given(st.floats(0, 1), st.floats(0, 1))
def test_confidence_rises_with_probability(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= FITTED.confidence(low) <= FITTED.confidence(high) <= 1


def test_what_was_not_fitted_goes_by_probability() -> None:
    assert filter_of({}) == Filter()
    assert filter_of({"min_confidence": 0.3}).confidence(0.31) == 0.31
    assert filter_of({"min_confidence": 0.3}).threshold("quiet") == 0.3
    gate = {"min_confidence": 0.4, "quiet": 0.7, "calibration": [0.5, 0.9], "mixture": []}
    assert filter_of(gate) == FITTED
