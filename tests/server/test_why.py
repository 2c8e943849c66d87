"""Why nothing was shown: a sentence for every outcome, with the figures of the case where there are any."""

from __future__ import annotations

import pytest

from slm_lsp.server.tally import Outcome
from slm_lsp.server.why import REASONS, no_model, not_python, switched_off, too_unsure


@pytest.mark.parametrize("outcome", Outcome)
def test_there_is_a_sentence_for_every_outcome(outcome: Outcome) -> None:
    assert REASONS[outcome].endswith(".")


@pytest.mark.parametrize(
    ("confidence", "least", "figures"),
    [
        (0.12, 0.24, "only 12% sure; slmLsp.suggest = balanced shows from 24%"),
        (0.2375, 0.238, "23% sure"),
        (0, 1.0, "0%"),
    ],
)
def test_how_unsure(confidence: float, least: float, figures: str) -> None:
    assert figures in too_unsure(confidence, least, "balanced")


def test_what_is_wanted_never_looks_like_what_there_is() -> None:
    assert "only 23% sure" in too_unsure(0.2375, 0.238, "quiet")
    assert "from 24%" in too_unsure(0.2375, 0.238, "quiet")


@pytest.mark.parametrize(("confidence", "least"), [(0.5, 0.4), (0.5, 7.0), (-1.0, 0.5)])
def test_figures_that_make_no_sense_get_the_general_sentence(confidence: float, least: float) -> None:
    assert too_unsure(confidence, least, "balanced") == REASONS[Outcome.LOW_CONFIDENCE]


def test_models_settings_and_languages_are_named() -> None:
    assert "(mine: truncated; base: gone)" in no_model({"mine": "truncated", "base": "gone"})
    assert no_model({}) == REASONS[Outcome.NO_MODEL]
    assert 'slmLsp.popup is set to "off"' in switched_off("popup")
    assert "is ruby." in not_python("ruby")
    assert not_python("") == not_python(None) == REASONS[Outcome.NOT_PYTHON]
