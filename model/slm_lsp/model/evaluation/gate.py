"""The show/hide filter, fitted: how likely a suggestion is right, and from which likelihood on to show it.

Knows: probabilities, confidences and whether they were justified. Must not know: models, files.

Shapes: N suggestions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

PRECISION = 0.65
"""Share of the suggestions shown at "balanced" that must be exactly right, on the points the gate is fitted on."""
QUIET = 0.85
"""The same at "quiet"."""
PULL = 3.0
"""Weight of the squared distance from what is expected: as if so many suggestions had said so."""
STEPS = 30
"""Of Newton's method; it settles in about ten."""


def calibrate(judged: Iterable[tuple[float, bool]], prior: Sequence[float] = (0.0, 1.0)) -> tuple[float, float]:
    """Offset and slope that make of (probability of a text, was it right) how often such texts are right.

    `prior` is what is right where nothing else is known, that of a similar model for example.
    """
    pairs = list(judged)
    logs = np.log(np.maximum([probability for probability, _ in pairs], 1e-12)).reshape(-1)  # (N,)
    values = np.stack([np.ones(len(pairs)), logs], axis=1)  # (N, 2)
    truth = np.array([right for _, right in pairs], dtype=np.float64)
    expected = np.array(prior, dtype=np.float64)
    weights = expected
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(values @ weights, -30, 30)))
        slope = values.T @ (truth - likely) - PULL * (weights - expected)
        curve = (values * (likely * (1 - likely))[:, None]).T @ values + PULL * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    return round(float(weights[0]), 4), round(float(weights[1]), 4)


def threshold_for(judged: Iterable[tuple[float, bool]], precision: float) -> float:
    """The lowest confidence at which the suggestions of at least that confidence reach `precision`.

    `judged` are (confidence, was it right). 1.0, which hides nearly everything, where no confidence does.
    """
    ranked = sorted(judged, reverse=True)
    threshold, right = 1.0, 0
    for count, (confidence, correct) in enumerate(ranked, start=1):
        right += correct
        last_of_its_confidence = count == len(ranked) or ranked[count][0] < confidence
        if last_of_its_confidence and right >= precision * count:
            threshold = confidence
    return threshold
