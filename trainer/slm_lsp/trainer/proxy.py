"""Small models in minutes, to settle one question about the base model's recipe at a time. A maintainers' command.

    python -m slm_lsp.trainer.proxy layers=3 width=160 hidden=448 heads=5
    python -m slm_lsp.trainer.proxy chroma=0.75 warmup=0.02 decay=0.98 --shape small --start STATE --tokens 0.4

Knows: which settings a run has, how to change some of them. Must not know: what is asked, what the answer means; that
goes into docs/log.md. What differs by less than another seed makes it differ (`seed=1`) says nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import ConfigError
from slm_lsp.trainer.corpus.manifest import packed_folder
from slm_lsp.trainer.corpus.pack import Pack, read_pack
from slm_lsp.trainer.entry import ends_well
from slm_lsp.trainer.loop import Budget, Compute
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.pretrain import RECIPE, SHAPES, measure, own_vocabulary, train
from slm_lsp.trainer.rows import Mix

WHOLE = ("context", "layers", "width", "heads", "hidden", "rows", "seed")
"""The settings that are whole numbers."""


def changed(settings: Iterable[str], config: ModelConfig) -> tuple[ModelConfig, Recipe, Mix]:
    """Shape, recipe and mix with these `name=value` settings; raises ConfigError naming every one that is none."""
    parts: dict[str, ModelConfig | Recipe | Mix] = {"shape": config, "recipe": RECIPE, "mix": Mix()}
    homes = {field.name: part for part, values in parts.items() for field in fields(values)}
    for fixed in ("vocab_size", "fim"):  # a pack's vocabulary has them
        del homes[fixed]
    wanted: dict[str, dict[str, Any]] = {part: {} for part in parts}
    faults = []
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in homes:
            faults.append(f"there is no setting {name!r}; there are {', '.join(homes)}")
            continue
        try:
            wanted[homes[name]][name] = int(value) if name in WHOLE else float(value)
        except ValueError:
            faults.append(f"{name} must be a {'whole ' if name in WHOLE else ''}number, not {value!r}")
    if faults:
        raise ConfigError("settings", faults)
    return replace(config, **wanted["shape"]), replace(RECIPE, **wanted["recipe"]), Mix(**wanted["mix"])


def tried(
    pack: Pack, settings: Iterable[str], shape: ModelConfig, budget: Budget, compute: Compute,
    *, start: Path | None = None, rows: int = 64,
) -> dict[str, Any]:  # fmt: skip
    """Train with these settings for the budget: what it took and the losses on the split `tune`."""
    config, recipe, mix = changed(settings, replace(shape, vocab_size=int(pack.meta["vocab_size"])))
    if pack.tokenizer_sha256 != own_vocabulary().sha256 and (mix.holes or mix.holes_decay):
        raise ConfigError("settings", ["holes are cut in packs of the base model's vocabulary only"])
    began = time.monotonic()
    model, metrics = train(pack, config=config, budget=budget, mix=mix, recipe=recipe, compute=compute, start=start)
    took = round(time.monotonic() - began)
    return {"parameters": config.parameters, "tokens": metrics["tokens"], "seconds": took, **measure(model, pack, rows)}


def command(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE…", help="What differs from the base model's recipe.", show_default="nothing"
        ),
    ] = None,
    shape: Annotated[Literal["mini", "small"], typer.Option(help="What the settings change.")] = "mini",
    tokens: Annotated[float, typer.Option(metavar="MILLIONS", help="Tokens to train on.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(help="Time to train for, in place of --tokens.")] = None,
    packed: Annotated[
        Path | None, typer.Option(help="The packed corpus; default: of `corpus pack`. Its vocabulary is taken.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="A checkpoint, or a state of pretraining, to go on from.", exists=True)
    ] = None,
    rows: Annotated[int, typer.Option(help="Rows of each validation array that are measured.", min=1)] = 64,
    threads: Annotated[int, typer.Option(help="One leaves the other core to another proxy.", min=1)] = 1,
    eager: Annotated[bool, typer.Option(help="Do not try torch.compile.")] = False,
) -> None:
    """Train a small model with some settings changed and print its losses on the split `tune` as a line of JSON.

    Compare two that ran side by side. The first run of a shape compiles, which --seconds counts in: run it twice.
    """
    torch.set_num_threads(threads)
    budget = Budget(tokens=None if seconds else round(tokens * 1e6), seconds=seconds)
    result = tried(
        read_pack(packed or packed_folder()), settings or [], SHAPES[shape], budget, Compute(compile=not eager),
        start=start, rows=rows,
    )  # fmt: skip
    print(json.dumps({"settings": settings or [], "shape": shape, **result}))


def main() -> None:
    """Run it; see entry.py."""
    ends_well(lambda: typer.run(command))


if __name__ == "__main__":
    main()
