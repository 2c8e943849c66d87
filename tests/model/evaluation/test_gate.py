"""The show/hide filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.completion.filter import Filter
from slm_lsp.model.evaluation.gate import calibrate, threshold_for


def test_the_lowest_confidence_that_keeps_the_promise() -> None:
    judged = [(0.9, True), (0.8, True), (0.5, False), (0.4, True), (0.3, False), (0.2, False), (0.1, False)]
    assert threshold_for(judged, 0.5) == 0.2  # 3 of 6
    assert threshold_for(judged, 0.75) == 0.4  # 3 of 4
    assert threshold_for(judged, 1.0) == 0.8


def test_a_model_that_is_never_right_stays_silent() -> None:
    assert threshold_for([(0.9, False), (0.5, False)], 0.6) == 1.0
    assert threshold_for([], 0.6) == 1.0


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7]), st.booleans()), max_size=30), st.floats(0.1, 1.0))
def test_what_is_shown_keeps_the_promise(judged: list[tuple[float, bool]], precision: float) -> None:
    threshold = threshold_for(judged, precision)
    shown = [correct for confidence, correct in judged if confidence >= threshold]
    assert not shown or sum(shown) >= precision * len(shown)


def test_calibrated_confidence_is_how_often_such_texts_are_right() -> None:
    draw = np.random.default_rng(0)
    probabilities = draw.uniform(0.001, 1, size=4000)
    right = draw.random(4000) < probabilities**2 / 2  # the model is too sure of itself
    offset, slope = calibrate(zip(probabilities.tolist(), right.tolist(), strict=True))
    fitted = Filter(offset, slope)
    for low, high in ((0.2, 0.4), (0.5, 0.7), (0.8, 1.0)):
        within = (probabilities > low) & (probabilities < high)
        confidence = np.mean([fitted.confidence(float(one)) for one in probabilities[within]])
        assert confidence == pytest.approx(right[within].mean(), abs=0.05)


def test_little_evidence_leaves_the_calibration_near_what_was_expected() -> None:
    assert calibrate([], (-0.5, 1.2)) == (-0.5, 1.2)
    offset, slope = calibrate([(0.9, False), (0.8, True)], (-0.5, 1.2))
    assert abs(offset + 0.5) < 0.3
    assert abs(slope - 1.2) < 0.3
