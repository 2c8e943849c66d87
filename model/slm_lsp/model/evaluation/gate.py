"""The show/hide filter: from which confidence on a model's suggestions are right often enough.

Knows: confidences and whether they were justified. Must not know: models, files.
"""

from __future__ import annotations

from collections.abc import Iterable

PRECISION = 0.6
"""Share of the shown suggestions that must be exactly right, on the points the gate is fitted on."""


def fit_gate(judged: Iterable[tuple[float, bool]], precision: float = PRECISION) -> float:
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
