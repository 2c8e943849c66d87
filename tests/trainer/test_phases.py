"""The phases: their shapes and budgets give the published arithmetic."""

from __future__ import annotations

import pytest

from slm_lsp.trainer.phases import PHASES, TRAINED_SHARE, EndState, PhaseConfig


@pytest.mark.parametrize("phase", PHASES[:4], ids=lambda phase: phase.kind)
def test_parameters_and_ratio_are_the_published_ones(phase: PhaseConfig) -> None:
    published = phase.published
    assert published.parameters is not None and published.ratio is not None
    assert phase.model.parameters == pytest.approx(published.parameters, rel=0.01)
    trained = round(TRAINED_SHARE * phase.tokens)
    assert phase.model.parameters / trained == pytest.approx(published.ratio, rel=0.01)


def test_training_tokens_are_the_published_ones() -> None:
    assert [round(TRAINED_SHARE * phase.tokens) for phase in PHASES] == [901, 901, 4502, 13502, 20250]


def test_the_last_phase_is_the_model_of_the_one_before_with_half_as_much_again_to_learn() -> None:
    assert PHASES[4].model == PHASES[3].model
    assert PHASES[4].tokens / PHASES[3].tokens == pytest.approx(1.5, rel=0.01)


def test_no_phase_has_tokens_to_fill_in_the_middle() -> None:
    assert [phase.number for phase in PHASES] == [0, 1, 2, 3, 4]
    assert not any(phase.model.fim for phase in PHASES)


def test_the_published_end_of_phase_3_is_a_training_loss() -> None:
    end = PHASES[3].end
    assert PHASES[3].published.train == pytest.approx(0.63)
    assert end.reached(0.62, 5.0)
    assert not end.reached(0.64, 5.0)


def test_the_end_of_the_first_phases_is_a_gap() -> None:
    assert PHASES[2].end.reached(8.0, 8.2)
    assert not PHASES[2].end.reached(8.0, 8.1)
    assert not EndState().reached(0.0, 9.0)
