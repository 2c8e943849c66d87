"""The published experiment: five phases, each a shape, a budget of tokens, and the state in which it ended.

Knows: the published figures, and the configs that rebuild them. Must not know: torch, files, how training is done.

The experiment trained a TinyGPT with GPT-2's vocabulary on ChromaDB code. What it states is in `Published`, as it
stated it; what it left open (heads, feed-forward width, rates) is chosen here so that its arithmetic closes.
"""

from __future__ import annotations

from dataclasses import dataclass

from slm_lsp.model.config import ModelConfig

GPT2_VOCABULARY = 50_257
"""Tokens of the vocabulary that all phases use."""
GIVE_UP = 4
"""Times the expected steps after which a phase stops short of its end."""
TRAINED_SHARE = 0.9
"""Share of a phase's tokens that is trained on; the rest validates."""


@dataclass(frozen=True)
class Published:
    """What the experiment states of a phase; None where it states nothing."""

    parameters: float | None
    """Parameters of the model, to three digits."""
    ratio: float | None
    """Parameters for each training token."""
    gap: float | None
    """Validation loss less training loss at the end, in nats a token."""
    validation: float | None = None
    """Validation loss at the end."""
    said: str = ""
    """What it was said to show."""

    @property
    def train(self) -> float | None:
        """Training loss at the end, where validation loss and gap are stated."""
        return None if self.validation is None or self.gap is None else self.validation - self.gap


@dataclass(frozen=True)
class EndState:
    """When a phase has come to its published end: at the training loss, or else at the gap."""

    train: float | None = None
    """Training loss to come down to, over all training tokens and the whole vocabulary."""
    gap: float | None = None
    """Gap to come up to."""

    def reached(self, train: float, validation: float) -> bool:
        """Whether these losses are at or past the end."""
        if self.train is not None:
            return train <= self.train
        return self.gap is not None and validation - train >= self.gap


@dataclass(frozen=True)
class PhaseConfig:
    """One phase."""

    number: int
    """0 to 4."""
    title: str
    """Its name in the experiment."""
    model: ModelConfig
    """The shape that gives the published parameters."""
    tokens: int
    """Tokens of the repository that it takes, validation included."""
    end: EndState
    """When training stops."""
    steps: int
    """Steps that the end takes on a real project; training gives up after `GIVE_UP` times as many."""
    rows: int
    """Sequences in a batch."""
    measure_every: int
    """Steps between two looks at whether the end is reached."""
    published: Published
    """What the experiment states."""
    muon_lr: float = 0.02
    """Rate of the blocks' matrices; constant, as the experiment had no schedule."""
    adam_lr: float = 3e-3
    """Rate of the embedding and the norms."""

    @property
    def kind(self) -> str:
        """What models of this phase are called."""
        return f"phase{self.number}"


def _shape(layers: int, width: int, heads: int, hidden: int, context: int) -> ModelConfig:
    return ModelConfig(
        GPT2_VOCABULARY, context=context, layers=layers, width=width, heads=heads, hidden=hidden, fim=False
    )


DISASTER = _shape(layers=6, width=384, heads=6, hidden=1024, context=256)
MICRO = _shape(layers=3, width=64, heads=4, hidden=192, context=128)
EXPERT = _shape(layers=4, width=96, heads=3, hidden=256, context=128)

PHASES = (
    PhaseConfig(
        0, "baseline disaster", DISASTER, tokens=1_001, end=EndState(gap=6.90), steps=25, rows=2, measure_every=10,
        published=Published(30.0e6, 33_328, 6.90, said="catastrophic overfitting"), muon_lr=0.01, adam_lr=1e-3,
    ),
    PhaseConfig(
        1, "micro config", MICRO, tokens=1_001, end=EndState(gap=22 * 0.17), steps=200, rows=4, measure_every=10,
        published=Published(3.37e6, 3_740, 22 * 0.17, said="the embedding is nearly all of the model"),
    ),
    PhaseConfig(
        2, "breakthrough", MICRO, tokens=5_002, end=EndState(gap=0.17), steps=60, rows=4, measure_every=2,
        published=Published(3.37e6, 749, 0.17, said="five times the data"),
    ),
    PhaseConfig(
        3, "domain expert", EXPERT, tokens=15_002, end=EndState(train=2.13 - 1.50), steps=220, rows=8, measure_every=10,
        published=Published(5.28e6, 391, 1.50, validation=2.13, said="recommended"),
    ),
    PhaseConfig(
        # Nothing is stated of its end but that it was worse than phase 3's: trained on until little is left to learn.
        4, "overtrained", EXPERT, tokens=22_500, end=EndState(train=0.25), steps=400, rows=8, measure_every=10,
        published=Published(None, None, None, said="one and a half times the data, negative returns"),
    ),
)  # fmt: skip
"""The phases by number."""
