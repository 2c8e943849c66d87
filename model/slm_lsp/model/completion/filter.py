"""The show/hide filter: how likely a suggestion is exactly right, and from which likelihood on it is shown.

Knows: the probability of a text, fitted figures. Must not know: texts, how a probability came about, LSP.

The probability that model and memory give to a whole text is sure of itself in its own way; a logistic function of its
logarithm makes of it how often such texts are right (Platt 1999). More was tried and ranked no better: docs/log.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["eager", "balanced", "quiet"]
"""How much is shown: everything; what is right more often than not; only what is nearly always right."""

_LEAST = 1e-12


@dataclass(frozen=True)
class Filter:
    """A fitted filter."""

    offset: float = 0.0
    """Log-odds of being right for a text of probability 1, where `slope` is given."""
    slope: float = 0.0
    """What they rise by with the probability's logarithm; 0 where nothing was fitted: the probability serves then."""
    balanced: float = 0.0
    """The least confidence that is shown at the level "balanced"."""
    quiet: float = 0.0
    """The same at "quiet"."""

    def confidence(self, probability: float) -> float:
        """How likely a text of this probability is exactly right, 0 to 1."""
        if self.slope <= 0:
            return probability
        odds = self.offset + self.slope * math.log(max(probability, _LEAST))
        return 1 / (1 + math.exp(-max(min(odds, 30.0), -30.0)))

    def threshold(self, level: Level) -> float:
        """The least confidence that is shown."""
        return {"eager": 0.0, "balanced": self.balanced, "quiet": max(self.quiet, self.balanced)}[level]

    def floor(self, level: Level) -> float:
        """The probability below which nothing is shown, so that decoding need not go on."""
        least = self.threshold(level)
        if self.slope <= 0 or least <= 0:
            return least
        if least >= 1:
            return 1.0
        return min(math.exp((math.log(least / (1 - least)) - self.offset) / self.slope) * (1 - 1e-6), 1.0)


def filter_of(gate: Mapping[str, Any]) -> Filter:
    """The filter that a checkpoint's gate holds."""
    balanced = float(gate.get("min_confidence", 0.0))
    offset, slope = gate.get("calibration") or (0.0, 0.0)
    return Filter(float(offset), float(slope), balanced, float(gate.get("quiet", balanced)))
