"""The model's and the memory's next-token probabilities made one.

Knows: two distributions, how far the memory's can be trusted. Must not know: text, where either comes from.

p(token) = (1 - w) * model + w * memory, where w is a logistic function of what both say of themselves: a mixture of
experts with a gate (Jacobs et al. 1991), as in the nearest-neighbour language models of Khandelwal et al. 2020, with
a fitted gate in place of their constant. Fitted for each model by evaluation/mixing.py.

Shapes: V vocabulary, K the memory's tokens, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.memory import Continuations
from slm_lsp.model.runtime.quantize import Floats

FEATURES = (
    "one", "length", "count", "agreement", "trust", "memory_top", "model_top", "model_entropy", "same_top",
    "model_of_memory_top",
)  # fmt: skip
"""What the gate looks at: a constant; of the longest match the logarithms of its length and of the places that agree,
and the share of these that go on alike; the memory's trust in itself and the share of its likeliest token; of the model
the probability of its likeliest token and the entropy in nats; whether the two are the same token, and what the model
gives to the memory's."""

DEFAULT = (-5.9, 0.9, 0.25, 0.8, 2.3, 1.25, -0.7, 0.3, 0.25, 0.65)
"""The gate of a model for which none was fitted: about that of the first base model."""


@dataclass(frozen=True)
class Mixture:
    """A gate between model and memory."""

    weights: tuple[float, ...] = DEFAULT
    """One for each of FEATURES."""

    def log_probabilities(self, logits: Floats, memory: Continuations) -> Floats:
        """Log-probabilities (V,) of both together, from the model's logits (V,)."""
        logs = log_softmax(logits)
        if not len(memory.ids):
            return logs
        weight = self.weight(features(logs, memory))
        mixed: Floats = logs + np.log1p(-weight)
        known = mixed[memory.ids]
        mixed[memory.ids] = np.logaddexp(known, np.log(np.maximum(weight * memory.shares, 1e-30)))
        return mixed

    def weight(self, values: NDArray[np.float64]) -> float:
        """The memory's weight, from its features (F,); between 0 and 1, ends excluded."""
        return float(1 / (1 + np.exp(-np.clip(np.dot(self.weights, values), -12, 12))))


def features(logs: Floats, memory: Continuations) -> NDArray[np.float64]:
    """FEATURES (F,) of the model's log-probabilities (V,) and what the memory says; it must say something."""
    top = int(logs.argmax())
    probabilities = np.exp(logs)
    first = int(memory.ids[0])
    return np.array([
        1.0, np.log1p(memory.length), np.log1p(memory.count), memory.agreement, memory.trust, memory.shares[0],
        probabilities[top], -float(np.dot(probabilities, logs)), float(top == first), probabilities[first],
    ])  # fmt: skip


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities (V,) of logits (V,)."""
    shifted: Floats = logits - logits.max()
    normalized: Floats = shifted - np.log(np.exp(shifted).sum())
    return normalized


def gate_of(values: Sequence[float] | None) -> Mixture:
    """The mixture with these weights; the default one where there are none, or not as many as FEATURES."""
    return Mixture(tuple(map(float, values))) if values and len(values) == len(FEATURES) else Mixture()
