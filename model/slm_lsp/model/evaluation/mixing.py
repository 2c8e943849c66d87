"""The gate between model and memory, fitted where both are asked for text that is known.

Knows: what both expected at each token, and which token it was. Must not know: how either came to expect it.

Shapes: N tokens, F features of the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.completion.completer import Completer
from slm_lsp.model.completion.mixture import FEATURES, features, log_softmax
from slm_lsp.model.evaluation.points import Point
from slm_lsp.model.memory import Memory

STEPS = 2_000
"""Of the ascent."""
RATE = 0.05
"""Of the ascent."""
PULL = 1.0
"""Weight of the squared distance from the weights that are expected: as if a token had said so."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """What model and memory made of one token before they knew it."""

    values: Array
    """The gate's features (F,)."""
    model: float
    """The model's probability of the token."""
    memory: float
    """The memory's share of it."""


def expectations(completer: Completer, points: Iterable[Point], memory: Memory) -> list[Expected]:
    """At each token of the points' targets, and of the line break after them, where the memory says something."""
    found = []
    for point in points:
        text = point.target + point.suffix[: len(point.suffix) - len(point.suffix.lstrip())]
        for step in completer.follow(point.prefix, text, point.suffix, path=point.path, memory=memory):
            if step.memory is None or not len(step.memory.ids):
                continue
            logs = log_softmax(step.logits)
            share = step.memory.shares[step.memory.ids == step.token]
            model, known = float(np.exp(logs[step.token])), float(share[0]) if len(share) else 0.0
            found.append(Expected(features(logs, step.memory), model, known))
    return found


def fit_mixture(expected: Iterable[Expected], prior: Sequence[float] = ()) -> tuple[float, ...]:
    """The gate's weights (F,) under which the tokens are likeliest, by gradient ascent.

    `prior` are the weights that are right where nothing else is known, those of a similar model for example.
    """
    samples = list(expected)
    start = np.array(prior) if len(prior) == len(FEATURES) else np.zeros(len(FEATURES))
    values = np.array([one.values for one in samples]).reshape(-1, len(FEATURES))  # (N, F)
    model = np.array([one.model for one in samples])  # (N,)
    memory = np.array([one.memory for one in samples])  # (N,)
    weights, first, second = start, np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    for step in range(1, STEPS + 1 if samples else 1):
        gate = 1 / (1 + np.exp(-values @ weights))
        mixed = (1 - gate) * model + gate * memory + 1e-9
        slope = values.T @ ((memory - model) / mixed * gate * (1 - gate)) - PULL * (weights - start)
        slope /= len(samples)
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2  # Adam: Kingma & Ba 2015
        weights = weights + RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-9)
    return tuple(round(float(weight), 4) for weight in weights)
