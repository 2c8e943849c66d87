"""What a finished phase leaves on disk: a JSON file beside its weights; what is whole there is never trained again.

Knows: the shape of a result, when a file of one still holds. Must not know: training, wording, pictures.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slm_lsp.trainer.experiment.quality import Quality

BASE = "base"
"""The kind of the base model's result: judged, not trained."""


@dataclass(frozen=True)
class Mark:
    """Losses on the way."""

    step: int
    """Optimizer steps done."""
    train: float | None
    """Mean loss of the batches since the mark before; None before the first step."""
    validation: float
    """Validation loss."""


@dataclass(frozen=True)
class Written:
    """What a model wrote after one beginning."""

    text: str
    """Its text."""
    similarity: float
    """Edit similarity with what stands in the file, 0 to 1."""


@dataclass(frozen=True)
class Result:
    """One phase, adapting, or the base model."""

    kind: str
    """`phase0` to `phase4`, `adapt`, or BASE."""
    title: str
    """What it is, for people."""
    made_from: str
    """Hash of files, seed and recipe."""
    parameters: int
    """Of the model."""
    tokens: int = 0
    """Training tokens; 0 for the base model."""
    steps: int = 0
    """Optimizer steps."""
    seen: int = 0
    """Tokens trained on, repetitions counted."""
    seconds: float = 0.0
    """Training time."""
    train: float | None = None
    """Loss on the training tokens at the end, nats a token."""
    validation: float | None = None
    """Validation loss at the end."""
    marks: tuple[Mark, ...] = ()
    """The way there."""
    config: dict[str, Any] = field(default_factory=dict)
    """Everything that decided what was computed."""
    weights: str = ""
    """Name of the file of the weights."""
    sha256: str = ""
    """Hash of that file."""
    notes: tuple[str, ...] = ()
    """What limits these figures."""
    alone: Quality | None = None
    """Quality of the model by itself; None until it is judged."""
    served: Quality | None = None
    """Quality with the memory of the project, as an editor is served."""
    samples: tuple[Written, ...] = ()
    """What it wrote after each of the beginnings."""

    @property
    def gap(self) -> float | None:
        """Validation less training loss at the end."""
        return None if self.train is None or self.validation is None else self.validation - self.train

    @property
    def ratio(self) -> float | None:
        """Parameters for each training token; None for the base model."""
        return self.parameters / self.tokens if self.tokens else None

    @property
    def judged(self) -> bool:
        """Whether its quality is known."""
        return self.alone is not None


def write_result(folder: Path, result: Result) -> None:
    """Write a result into a folder, atomically."""
    path = folder / f"{result.kind}.json"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(_finite(asdict(result)), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    draft.replace(path)


def read_result(folder: Path, kind: str, made_from: str) -> Result | None:
    """The result of a kind, if it is whole, was made from the same, and its weights are still those."""
    try:
        content = json.loads((folder / f"{kind}.json").read_bytes())
        result = _result(content)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if result.made_from != made_from:
        return None
    return result if not result.weights or sha256_of(folder / result.weights) == result.sha256 else None


def sha256_of(path: Path) -> str:
    """The hash of a file in hex; "" where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _result(content: dict[str, Any]) -> Result:
    qualities = {name: Quality(**content[name]) if content[name] else None for name in ("alone", "served")}
    return Result(
        **{
            **content, **qualities, "notes": tuple(content["notes"]),
            "marks": tuple(Mark(**mark) for mark in content["marks"]),
            "samples": tuple(Written(**sample) for sample in content["samples"]),
        }
    )  # fmt: skip


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
