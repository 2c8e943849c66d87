"""The tally: outcomes, percentiles, what counts as an answer."""

from __future__ import annotations

import pytest

from slm_lsp.server.tally import KEPT, Outcome, Tally, percentile


@pytest.mark.parametrize(
    ("values", "percent", "wanted"),
    [
        ([], 50, None),
        ([7.0], 50, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 95, 95),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 21)), 99, 20),
    ],
)
def test_percentiles(values: list[float], percent: float, wanted: float | None) -> None:
    assert percentile(values, percent) == wanted


def test_only_answers_count_for_the_latency() -> None:
    tally = Tally()
    tally.ended(Outcome.SHOWN, 0.010)
    tally.ended(Outcome.LOW_CONFIDENCE, 0.020)
    for outcome in set(Outcome) - {Outcome.SHOWN, Outcome.LOW_CONFIDENCE, Outcome.NOTHING, Outcome.DISMISSED}:
        tally.ended(outcome, 5.0)
    tally.ended(Outcome.CANCELLED, 5.0)
    tally.ended(Outcome.NOT_PYTHON, 0.0)
    report = tally.report()
    assert report["last"] == "not python"
    assert report["requests"] == sum(report["outcomes"].values()) == len(Outcome)
    assert (report["outcomes"]["shown"], report["outcomes"]["cancelled"]) == (1, 2)
    assert (report["p50_ms"], report["p95_ms"]) == (10.0, 20.0)


def test_old_latencies_are_forgotten() -> None:
    tally = Tally()
    tally.ended(Outcome.SHOWN, 9.0)
    for _ in range(KEPT):
        tally.ended(Outcome.SHOWN, 0.001)
    assert tally.report()["p95_ms"] == 1.0
