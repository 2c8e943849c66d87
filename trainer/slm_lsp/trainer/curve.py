"""What more compute buys: base models' figures against the tokens that they saw and their parameters.

    python -m slm_lsp.trainer.curve docs/curve.jsonl [--add CHECKPOINT]

Knows: what a base model's checkpoint says of itself. Must not know: how anything is measured.

Along one number of parameters a figure is taken to go with the logarithm of the tokens: true of a stretch of a curve
that is short against the whole, and the more doubtful the further on it is asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from slm_lsp.model.errors import TrainingError
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.entry import ends_well

FEWER = 0.8
"""The share of the first model's bits a byte that is asked about."""


@dataclass(frozen=True)
class Trained:
    """One base model: what went into it, and its figures on the split `tune`."""

    created: str
    """When, in ISO 8601."""
    parameters: int
    tokens: int
    """Seen in training."""
    minutes: float
    device: str
    chroma: float
    """Bits a byte on files that import chromadb."""
    general: float
    """Bits a byte on others."""
    em: float
    """Share of cursors where the model alone completes the line exactly."""
    es: float
    """Mean edit similarity of the model alone."""
    workspace_em: float
    """Share of cursors, with the memory of the workspace."""


def trained(checkpoint: Checkpoint) -> Trained:
    """What a base model's checkpoint says of itself; raises TrainingError where it lacks figures."""
    metrics, config = checkpoint.metrics, checkpoint.config
    try:
        tune = metrics["tune"]
        return Trained(
            metrics["created"], config.parameters, metrics["tokens"], metrics["minutes"], metrics["device"],
            tune["chroma_bits_per_byte"], tune["general_bits_per_byte"], tune["alone_em"], tune["alone_es"],
            tune["workspace_em"],
        )  # fmt: skip
    except KeyError as error:
        raise TrainingError(f"{checkpoint.folder} is no base model with all its figures: it has no {error}") from error


def read(file: Path) -> list[Trained]:
    """The models of a file, by parameters and tokens; none where there is no file. Raises TrainingError."""
    if not file.exists():
        return []
    try:
        rows = [Trained(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{file}: a line is no trained model: {error}") from error
    return sorted(rows, key=lambda row: (row.parameters, row.tokens))


def table(rows: Sequence[Trained]) -> str:
    """A Markdown table."""
    lines = ["| parameters | tokens | minutes | bits a byte, ChromaDB | others | EM alone | ES alone | EM, workspace |"]
    lines.append("| ---: " * 8 + "|")
    for row in rows:
        lines.append(
            f"| {row.parameters / 1e6:.1f}M | {row.tokens / 1e6:.1f}M | {row.minutes:.0f} ({row.device})"
            f" | {row.chroma:.3f} | {row.general:.3f} | {row.em:.1%} | {row.es:.3f} | {row.workspace_em:.1%} |"
        )
    return "\n".join(lines)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """What the second of each pair rises by when the first doubles, by least squares on the logarithm."""
    tokens, figures = zip(*points, strict=True)
    return float(np.polyfit(np.log2(tokens), figures, 1)[0])


def told(rows: Sequence[Trained]) -> list[str]:
    """For each number of parameters of which there are two models or more: what twice the tokens bring."""
    sentences = []
    for parameters in sorted({row.parameters for row in rows}):
        same = [row for row in rows if row.parameters == parameters]
        if len({row.tokens for row in same}) < 2:
            continue
        chroma, general, em = (
            slope([(row.tokens, figure(row)) for row in same])
            for figure in (lambda row: math.log(row.chroma), lambda row: math.log(row.general), lambda row: row.em)
        )
        sentence = (
            f"{parameters / 1e6:.1f}M parameters, twice the tokens: {math.exp(chroma) - 1:+.1%} bits a byte on ChromaDB"
            f" files, {math.exp(general) - 1:+.1%} on others, {100 * em:+.1f} points of EM alone."
        )
        if chroma < 0 and general < 0:
            needed = same[0].tokens * 2 ** (math.log(FEWER) / max(chroma, general))
            sentence += (
                f" At that rate {1 - FEWER:.0%} fewer bits a byte than after {same[0].tokens / 1e6:.1f}M tokens take"
                f" {needed / 1e6:,.0f}M tokens."
            )
        sentences.append(sentence)
    return sentences


def command(
    file: Annotated[Path, typer.Argument(help="A line of JSON for each model.")],
    add: Annotated[list[Path] | None, typer.Option(help="A base model's checkpoint to add; may be repeated.")] = None,
) -> None:
    """Print base models' figures against tokens and parameters, and what twice the tokens bring."""
    rows = read(file)
    new = [row for row in (trained(Checkpoint.open(folder)) for folder in add or []) if row not in rows]
    if new:
        with file.open("a", encoding="utf-8") as out:
            out.writelines(json.dumps(asdict(row)) + "\n" for row in new)
    rows = sorted([*rows, *new], key=lambda row: (row.parameters, row.tokens))
    if not rows:
        raise TrainingError(f"{file} has no models yet; --add a base model's checkpoint")
    print("\n\n".join([table(rows), *told(rows)]))


def main() -> None:
    """Run it; see entry.py."""
    ends_well(lambda: typer.run(command))


if __name__ == "__main__":
    main()
