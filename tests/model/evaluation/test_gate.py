"""The show/hide filter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.evaluation.gate import fit_gate


def test_the_lowest_confidence_that_keeps_the_promise() -> None:
    judged = [(0.9, True), (0.8, True), (0.5, False), (0.4, True), (0.3, False), (0.2, False), (0.1, False)]
    assert fit_gate(judged, 0.5) == 0.2  # 3 of 6
    assert fit_gate(judged, 0.75) == 0.4  # 3 of 4
    assert fit_gate(judged, 1.0) == 0.8


def test_a_model_that_is_never_right_stays_silent() -> None:
    assert fit_gate([(0.9, False), (0.5, False)]) == 1.0
    assert fit_gate([]) == 1.0


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7]), st.booleans()), max_size=30), st.floats(0.1, 1.0))
def test_what_is_shown_keeps_the_promise(judged: list[tuple[float, bool]], precision: float) -> None:
    threshold = fit_gate(judged, precision)
    shown = [correct for confidence, correct in judged if confidence >= threshold]
    assert not shown or sum(shown) >= precision * len(shown)
