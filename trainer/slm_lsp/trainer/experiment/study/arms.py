"""The arms of the study: what is trained, on how much text, and when it is looked at.

Knows: shapes, budgets. Must not know: torch, projects, results.

One recipe for all (Muon .02, AdamW 3e-3, constant, 4 rows of 128 tokens) but where the arm says otherwise, so that an
arm differs from its neighbour in one thing. The phases 0 to 4 are trained as they were published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slm_lsp.data import VocabularyName
from slm_lsp.model.config import ModelConfig
from slm_lsp.trainer.phases import EXPERT, MICRO, PHASES

EVERYTHING = 10**9
"""More tokens than any project has."""
PROJECTS = ("chromadb-ops", "hybriddb", "chroma-ingestion")
"""The projects that a study takes where none are named; packages of the split `adapt`."""
SEEDS = (0, 1, 2)
"""Its seeds."""
STEPS = 240
"""Steps at which arms are compared: with 15K tokens the validation loss is near its lowest then."""
OWN_VOCABULARY = 8_192
"""Tokens of our vocabulary."""

Start = Literal["phase", "scratch", "base", "untrained", "copier"]


@dataclass(frozen=True)
class Arm:
    """One training, to be done on each project with each seed."""

    name: str
    """What rows call it."""
    start: Start = "scratch"
    """As published; from random weights; from the base model; that model as it is; the baseline without a model."""
    model: ModelConfig | None = MICRO
    """The shape; None for the base model's."""
    tokens: int = 15_002
    """Tokens of the project in GPT-2's vocabulary, the last tenth left out; other vocabularies read the same text."""
    looks: tuple[int, ...] = (STEPS // 4, STEPS)
    """Steps after which it is judged; the last one ends it. As published for a phase."""
    vocabulary: VocabularyName = "gpt2"
    """What it reads with."""
    rows: int = 4
    """Sequences in a batch."""
    decay: float = 0.0
    """Share of the run at its end in which the rates fall."""
    muon_lr: float = 0.02
    """Rate of the blocks' matrices."""
    adam_lr: float = 3e-3
    """Rate of the embedding and the norms."""
    warmup: float = 0.0
    """Share of the run at its start in which they rise."""
    against: str | None = None
    """An arm that it is held against: two more looks, after as many passes over the text and as much processor time
    as that one took for STEPS."""
    memory: bool = False
    """Whether it is also judged with the memory of the project."""

    @property
    def phase(self) -> int:
        """The number of the phase that it rebuilds."""
        return int(self.name.removeprefix("phase"))


def _own(width: int, layers: int, hidden: int, context: int = 128) -> ModelConfig:
    return ModelConfig(
        OWN_VOCABULARY, context=context, layers=layers, width=width, heads=width // 32, hidden=hidden, fim=False
    )


def _phase(number: int) -> Arm:
    phase = PHASES[number]
    return Arm(
        phase.kind, start="phase", model=phase.model, tokens=phase.tokens, looks=(), memory=phase.model == EXPERT
    )


OWN_EQUAL = _own(192, 4, 512)
"""Our vocabulary in as many parameters as the micro config, within a percent."""

ARMS: tuple[Arm, ...] = (
    Arm("base", start="untrained", model=None, looks=(), memory=True),
    Arm("copier", start="copier", model=None, looks=(), memory=True),
    Arm("data-15k", looks=(10, 30, 60, 120, STEPS, 2 * STEPS), memory=True),
    Arm("data-1k", tokens=1_001),
    Arm("data-5k", tokens=5_002),
    _phase(2),
    _phase(1),
    Arm("vocabulary-own", model=OWN_EQUAL, vocabulary="chroma8k", against="data-15k"),
    Arm("data-22k", tokens=22_500),
    Arm(
        "base-15k", start="base", model=None, looks=(20, 60), rows=2, warmup=0.1, decay=0.9, muon_lr=0.005,
        adam_lr=1e-3, memory=True,
    ),
    Arm("width-64", model=_own(64, 4, 192), vocabulary="chroma8k"),
    Arm("width-32", model=_own(32, 4, 96), vocabulary="chroma8k"),
    Arm("schedule", decay=0.9),
    Arm("data-2k", tokens=2_001),
    Arm("data-10k", tokens=10_002),
    Arm("width-128", model=_own(128, 4, 352), vocabulary="chroma8k"),
    _phase(3),
    Arm("data-all", tokens=EVERYTHING, looks=(STEPS, 2 * STEPS), memory=True),
    Arm("width-64-all", model=_own(64, 4, 192), vocabulary="chroma8k", tokens=EVERYTHING, looks=(STEPS, 2 * STEPS)),
    _phase(0),
    _phase(4),
)  # fmt: skip
"""In the order in which they are trained: what others are compared with first, then the cheap before the dear."""


def arm(name: str) -> Arm:
    """The arm of a name; raises KeyError."""
    return {one.name: one for one in ARMS}[name]
