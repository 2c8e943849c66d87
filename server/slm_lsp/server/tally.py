"""What became of the requests since the server started; kept in memory only, never written or sent anywhere.

Knows: counts and milliseconds. Must not know: what was suggested.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection
from enum import StrEnum
from typing import Any

KEPT = 1_000
"""Latest latencies that the percentiles are computed from."""


class Outcome(StrEnum):
    """What became of a request."""

    SHOWN = "shown"
    NOTHING = "nothing to suggest"
    LOW_CONFIDENCE = "low confidence"
    CANCELLED = "cancelled"
    NO_MODEL = "no model"
    NOT_OPEN = "not open"
    NOT_PYTHON = "not python"
    OFF = "off"
    FAILED = "failed"
    COMMENT = "comment"
    STRING = "string"
    DELETION = "deletion"
    DISMISSED = "dismissed"
    LOADING = "loading"


COMPUTED = (Outcome.SHOWN, Outcome.NOTHING, Outcome.LOW_CONFIDENCE, Outcome.DISMISSED)
"""The outcomes of requests that a model answered; of the others the time they took says nothing."""


class Tally:
    """Requests of one kind, their outcomes and latencies."""

    def __init__(self) -> None:
        self.last: Outcome | None = None
        """What became of the latest request."""
        self._outcomes: Counter[Outcome] = Counter()
        self._milliseconds: deque[float] = deque(maxlen=KEPT)

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Count one request."""
        self.last = outcome
        self._outcomes[outcome] += 1
        if outcome in COMPUTED:
            self._milliseconds.append(seconds * 1000)

    def report(self) -> dict[str, Any]:
        """The figures, JSON-ready; milliseconds are None before the first answer."""
        return {
            "last": self.last,
            "requests": self._outcomes.total(),
            "outcomes": dict(self._outcomes),
            "p50_ms": percentile(self._milliseconds, 50),
            "p95_ms": percentile(self._milliseconds, 95),
        }


def percentile(values: Collection[float], percent: float) -> float | None:
    """The value that `percent` of the values do not exceed, to a hundredth; None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[max(0, -int(-len(ordered) * percent // 100) - 1)], 2)
