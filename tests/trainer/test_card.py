"""The model card says what a model was trained by."""

from __future__ import annotations

from typing import Any

import pytest

from slm_lsp.data import base_checkpoint
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.card import base_card


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return Checkpoint.open(base_checkpoint())


def test_the_base_models_card_is_that_of_its_metrics(base: Checkpoint) -> None:
    assert (base.folder / "README.md").read_text("utf-8") == base_card(base.config, base.metrics)


def test_every_rate_that_a_run_had_is_named(base: Checkpoint) -> None:
    recipe: dict[str, Any] = base.metrics["recipe"]
    recipes = [(0, recipe | {"muon_lr": 0.5}), (7_340_000, recipe | {"muon_lr": 0.25, "adam_lr": 0.125})]
    rates = "Muon 0.5 and AdamW {},\n  from 7.3M tokens on Muon 0.25 and AdamW 0.125;".format(recipe["adam_lr"])
    assert rates in base_card(base.config, {**base.metrics, "recipes": recipes})


def test_a_run_that_began_with_a_finished_model_says_how_its_rates_fell(base: Checkpoint) -> None:
    first: dict[str, Any] = base.metrics["recipe"] | {"decay": 0.3}
    later = first | {"muon_lr": 0.005, "adam_lr": 0.003, "decay": 0.98}
    card = base_card(base.config, {**base.metrics, "recipe": later, "recipes": [(0, first), (45_000_000, later)]})
    assert "decay over the last\n  30%" in card
    assert "from 45.0M tokens on Muon 0.005 and AdamW 0.003 falling over 98% of them" in card
