"""The file of rows: one training a line, as JSON; what is there is never computed again.

Knows: the shape of a row. Must not know: how rows come about, what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slm_lsp.model.errors import TrainingError
from slm_lsp.trainer.experiment.quality import Quality


@dataclass(frozen=True)
class Look:
    """A model as it was after some steps."""

    step: int
    """Optimizer steps done."""
    passes: float
    """Times the training tokens were seen."""
    train: float | None
    """Loss on the training tokens, nats a token of the model's own vocabulary; None where it has none."""
    validation: float | None
    """Loss on the validation tokens."""
    bits: float | None
    """Validation loss in bits a byte, which compares vocabularies."""
    cpu: float
    """Processor seconds of training until then; for comparisons within one run of the study alone."""
    alone: Quality
    """Quality of the model by itself."""
    at: str = "step"
    """Why it was looked at here: a `step` of the arm's own, as many `passes` as another arm, as much `time`."""
    served: Quality | None = None
    """Quality with the memory of the project's other files, as editors are served; None where it was not asked."""

    @property
    def gap(self) -> float | None:
        """Validation less training loss."""
        return None if self.train is None or self.validation is None else self.validation - self.train


@dataclass(frozen=True)
class Row:
    """One training."""

    arm: str
    """What was trained; a name of ARMS."""
    project: str
    """The package of the split `adapt`."""
    seed: int
    """Of the split into files, the weights, the order of the data, the points."""
    parameters: int
    """Of the model."""
    tokens: int
    """Training tokens, in the model's own vocabulary."""
    looks: tuple[Look, ...]
    """In the order of steps; the last one is the end."""

    base: str = ""
    """Hash of the base model, where the arm is made from it: a new base model wants these rows anew."""

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from other rows."""
        return self.arm, self.project, self.seed

    @property
    def ratio(self) -> float:
        """Parameters for each training token."""
        return self.parameters / max(self.tokens, 1)

    def at(self, step: int) -> Look | None:
        """The look after so many steps; None where there is none."""
        return next((look for look in self.looks if look.at == "step" and look.step == step), None)

    @property
    def best(self) -> Look:
        """The look with the lowest validation loss: where early stopping would have ended."""
        return min(self.looks, key=lambda look: float("inf") if look.validation is None else look.validation)

    def to_json(self) -> str:
        """The row as one line."""
        return json.dumps(_rounded(asdict(self)), separators=(",", ":"))


def _rounded(value: Any) -> Any:
    """Floats to 4 digits behind the point: more is noise."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def read_rows(file: Path) -> list[Row]:
    """The rows of a file, none where there is no file; a half-written last line is no row. Raises TrainingError."""
    lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
    whole = lines[:-1]  # what follows the last line ending was cut off while it was written
    try:
        return [_row(json.loads(line)) for line in whole if line.strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{file}: not a file of rows ({error})") from error


def append_row(file: Path, row: Row) -> None:
    """Add a row at the end of a file, behind a half-written line if there is one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as stream:
        size = stream.seek(0, 2)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                stream.truncate(file.read_bytes().rfind(b"\n") + 1)
        stream.write((row.to_json() + "\n").encode())


def drop_stale(file: Path, base: str) -> int:
    """Take out the rows that were made from another base model; how many these were."""
    rows = read_rows(file)
    kept = [row for row in rows if row.base in ("", base)]
    if len(kept) < len(rows):
        draft = file.with_name(f".{file.name}.draft")
        draft.write_text("".join(row.to_json() + "\n" for row in kept), encoding="utf-8")
        draft.replace(file)
    return len(rows) - len(kept)


def find(rows: Iterable[Row], arm: str, project: str, seed: int) -> Row | None:
    """The row with this key; None where there is none."""
    return next((row for row in rows if row.key == (arm, project, seed)), None)


def _row(content: dict[str, Any]) -> Row:
    return Row(**{**content, "looks": tuple(_look(look) for look in content["looks"])})


def _look(content: dict[str, Any]) -> Look:
    served = Quality(**content["served"]) if content["served"] else None
    return Look(**{**content, "alone": Quality(**content["alone"]), "served": served})
