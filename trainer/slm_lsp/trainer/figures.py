"""What of a base model is not measured at cursors: bits per byte on held-out files, and how much it has by heart.

    python -m slm_lsp.trainer.figures [CHECKPOINT]

Knows: the engine that serves editors, the packed corpus, the split `test`. Must not know: suggestions, training.

By heart: shown 64 tokens of a file, the model writes the next 20 exactly as they stand there (Carlini et al. 2023). Of
files that it never read that share is what any code makes likely; what is above it for those that it read is memory.

Shapes: T time, V vocabulary.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from slm_lsp.data import base_checkpoint
from slm_lsp.model.completion.mixture import log_softmax
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.evaluation import imports_chromadb
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.fim import DocumentWriter, FimRecipe
from slm_lsp.trainer.corpus.manifest import archives_folder, packed_folder
from slm_lsp.trainer.corpus.pack import GROUPS, Pack, read_pack
from slm_lsp.trainer.corpus.unpack import unpack
from slm_lsp.trainer.entry import ends_well
from slm_lsp.trainer.export import rewrite_base

WINDOWS = 200
"""Windows of a group that are looked at, evenly spread."""
SHOWN, WRITTEN = 64, 20
"""Tokens that are shown, and that must be written, for a place to count as known by heart."""

Ids = NDArray[np.integer[Any]]


def held_out(root: Path, tokenizer: Tokenizer) -> dict[str, Ids]:
    """The files of an unpacked split as the pack would hold them, by group."""
    texts = [(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in sorted(root.rglob("*.py"))]
    writer = DocumentWriter(tokenizer, FimRecipe(share=0.0))
    return {
        group: np.array(
            [
                token
                for ids in writer.encode([file for file in texts if imports_chromadb(file[1]) == (group == "chroma")])
                for token in ids
            ]
        )
        for group in GROUPS
    }


def windows(tokens: Ids, length: int) -> Iterable[list[int]]:
    """At most WINDOWS pieces of so many tokens, evenly spread, none overlapping another."""
    count = min(WINDOWS, len(tokens) // length)
    if not count:
        raise CorpusError(f"{len(tokens)} tokens are too few to measure; {length} are needed")
    for start in np.linspace(0, len(tokens) - length, count).astype(int):
        yield tokens[start : start + length].tolist()


def bits_per_byte(engine: Engine, tokenizer: Tokenizer, tokens: Ids) -> float:
    """Bits that the model needs for a byte of text, within windows of its context."""
    nats = size = 0.0
    for ids in windows(tokens, engine.config.context):
        engine.rewind(0)
        logits = engine.append(ids)  # (T, V)
        for row, following in zip(logits[:-1], ids[1:], strict=True):
            nats -= float(log_softmax(row)[following])
            size += len(tokenizer.bytes_of(following))
    return nats / math.log(2) / size


def by_heart(engine: Engine, tokens: Ids) -> float:
    """Share of places whose next WRITTEN tokens the model writes exactly, greedily, after SHOWN of them."""
    places = known = 0
    for ids in windows(tokens, SHOWN + WRITTEN):
        logits = engine.prefill(ids[:SHOWN])
        places += 1
        for following in ids[SHOWN:]:
            if int(logits.argmax()) != following:
                break
            logits = engine.append([following], last=1)[0]
        else:
            known += 1
    return known / places


def measure(checkpoint: Checkpoint, pack: Pack, held: Mapping[str, Ids]) -> dict[str, Any]:
    """Bits per byte on held-out files, and the shares known by heart of those and of the files trained on."""
    engine, tokenizer = Engine.load(checkpoint, threads=2), checkpoint.tokenizer()
    rounded = {group: round(bits_per_byte(engine, tokenizer, held[group]), 4) for group in GROUPS}
    shares: dict[str, dict[str, float]] = {
        "trained": {group: round(by_heart(engine, pack.groups[group]), 4) for group in GROUPS},
        "held_out": {group: round(by_heart(engine, held[group]), 4) for group in GROUPS},
    }
    return {"bits_per_byte": rounded, "by_heart": shares}


def command(
    checkpoint: Annotated[Path | None, typer.Argument(help="A checkpoint folder; default: the base.")] = None,
    packed: Annotated[
        Path | None, typer.Option(help="The packed corpus; default: where `corpus pack` puts it.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Into the checkpoint's metrics and card, too.")] = False,
) -> None:
    """Measure bits per byte on the split `test`, and how much of training and test files is known by heart."""
    folder = checkpoint or base_checkpoint()
    opened, pack = Checkpoint.open(folder), read_pack(packed or packed_folder())
    if pack.tokenizer_sha256 != opened.tokenizer().sha256:
        raise CorpusError(f"{pack.folder} was packed in another vocabulary than {folder} has; pack the corpus again")
    figures = measure(opened, pack, held_out(unpack("test", archives_folder()), opened.tokenizer()))
    if write:
        rewrite_base(opened, gate=opened.gate, metrics={**opened.metrics, "test": figures})
    print(json.dumps(figures, indent=2))


def main() -> None:
    """Run it; see entry.py."""
    ends_well(lambda: typer.run(command))


if __name__ == "__main__":
    main()
