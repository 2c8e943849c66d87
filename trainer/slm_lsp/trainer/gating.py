"""How much the memory counts beside a model, and when to be silent: fitted on code that the model was not trained on.

Knows: points, the Completer, what a checkpoint's gate holds. Must not know: splits, repositories, how models are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slm_lsp.data import textbook
from slm_lsp.model.completion import Completer
from slm_lsp.model.completion.filter import filter_of
from slm_lsp.model.evaluation import Point, Remembering
from slm_lsp.model.evaluation.gate import PRECISION, QUIET, calibrate, threshold_for
from slm_lsp.model.evaluation.metrics import exact_match
from slm_lsp.model.evaluation.mixing import expectations, fit_mixture
from slm_lsp.model.memory import textbook_of
from slm_lsp.model.runtime.checkpoint import Checkpoint

Project = tuple[Sequence[Point], Mapping[str, str]]
"""Points, and the files by path that are known beside the open one."""
THREADS = 2
"""Processor threads that complete."""


def fit_gate(checkpoint: Checkpoint, projects: Sequence[Project]) -> dict[str, Any]:
    """The gate of a checkpoint: the mixture's weights, the filter's calibration and its thresholds."""
    gate, judged = _fitted(checkpoint, projects, {})
    for name, precision in (("min_confidence", PRECISION), ("quiet", QUIET)):
        gate[name] = round(threshold_for(judged, precision), 4)
    return gate


def refit_gate(checkpoint: Checkpoint, projects: Sequence[Project], base: Mapping[str, Any]) -> dict[str, Any]:
    """The gate of a model trained on one repository: the base's, moved as far as the repository's points say.

    These are too few to choose thresholds by; the base's stay right where the confidence is calibrated.
    """
    gate, _ = _fitted(checkpoint, projects, base)
    return {**base, **gate}


def _fitted(
    checkpoint: Checkpoint, projects: Sequence[Project], prior: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[float, bool]]]:
    """Mixture and calibration; and (confidence, was it right) of what was offered at the points."""
    completer = Completer(replace(checkpoint, gate={}), threads=THREADS)
    taught = textbook_of(completer.tokenizer, textbook())
    expected = [
        one
        for points, known in projects
        for one in expectations(completer, points, Remembering(completer, known, taught).memory)
    ]
    gate: dict[str, Any] = {"mixture": fit_mixture(expected, prior.get("mixture", ()))}
    mixing = Completer(replace(checkpoint, gate=gate), threads=THREADS)
    offered = [
        (offer.probability, exact_match(offer.text, point.target))
        for points, known in projects
        for subject in [Remembering(mixing, known, taught)]
        for point in points
        if (offer := subject.complete(point.prefix, point.suffix, path=point.path))
    ]
    gate["calibration"] = calibrate(offered, prior.get("calibration", (0.0, 1.0)))
    filter_ = filter_of(gate)
    return gate, [(filter_.confidence(probability), right) for probability, right in offered]
