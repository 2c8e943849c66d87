"""The fit of the popup's order."""

from __future__ import annotations

import numpy as np

from slm_lsp.server.cli.evaluate.ordering import fit


def test_what_makes_names_right_gets_its_weight_and_what_does_not_gets_none() -> None:
    draw = np.random.default_rng(0)
    samples = []
    for _ in range(300):
        values = np.column_stack([draw.normal(-4, 2, 12), *draw.integers(0, 2, (3, 12))]).astype(np.float64)
        samples.append((values, int((values @ [0.8, -1.6, 0.0, 0.8] + draw.gumbel(size=12)).argmax())))
    demoted, special, seen = (weights := fit(samples))[1:] / weights[0]
    assert (-2.6 < demoted < -1.4) and abs(special) < 0.5 and 0.6 < seen < 1.4


def test_of_nothing_the_probability_alone_decides() -> None:
    assert fit([]).tolist() == [1, 0, 0, 0]
