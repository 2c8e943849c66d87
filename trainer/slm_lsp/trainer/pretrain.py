"""Makes the base model: the packed corpus in, a shippable checkpoint out. A maintainers' command.

    python -m slm_lsp.trainer.pretrain --minutes 60 [--device cuda] [--out DIR]

Knows: the base model's shape, recipe and data mix. Must not know: archives, repositories, editors.

The schedule runs by the clock (or by tokens, where other work comes first), so that every run ends decayed and
shippable whatever the machine. The state is saved every minute in the user's cache folder, and the same command goes
on from there; that from before the learning rate fell is kept, so that a later, longer run (--extend) starts where
this one was still learning fast.

Shapes: B batch, T time (the context). A batch is (B, T + 1).
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import platformdirs
import torch
import typer
from torch import Tensor

from slm_lsp.data import base_checkpoint, vocabulary
from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.blend import best_blend
from slm_lsp.trainer.card import base_card
from slm_lsp.trainer.corpus.compact import expand
from slm_lsp.trainer.corpus.manifest import archives_folder, packed_folder
from slm_lsp.trainer.corpus.pack import Pack, read_pack
from slm_lsp.trainer.corpus.unpack import points_of_split
from slm_lsp.trainer.entry import ends_well
from slm_lsp.trainer.export import export
from slm_lsp.trainer.ferry import read_parts, write_parts
from slm_lsp.trainer.interrupt import interruptible
from slm_lsp.trainer.loop import Budget, Compute, Run, RunState, cross_entropy, stable_file
from slm_lsp.trainer.optimizer import Recipe
from slm_lsp.trainer.rows import Mix, rows_of
from slm_lsp.trainer.team import ALONE, Team, gathered
from slm_lsp.trainer.tune import fit

SHAPES = {
    "mini": ModelConfig(vocab_size=8192, context=512, layers=6, width=128, heads=4, hidden=352),
    "small": ModelConfig(vocab_size=8192, context=512, layers=8, width=256, heads=4, hidden=704),
    "large": ModelConfig(vocab_size=8192, context=512, layers=12, width=384, heads=6, hidden=1056),
}
"""mini: 2.3M parameters, to see what parameters bring (curve.py). small: 8.5M, half a millisecond a token on one core,
10 MB at 8 bits; what processors can train. large: 24.8M, 28 MB; what a GPU can train."""

RECIPE = Recipe(muon_lr=0.01, adam_lr=0.006, decay=0.3)
"""Chosen on small models in batches of 8 rows: docs/log.md. What larger batches want was not measured."""
AGAIN = replace(RECIPE, muon_lr=0.005, adam_lr=0.003, decay=0.98)
"""Of a run that begins with a finished model's weights: half the rates, which fall from the end of the warmup on."""

ROWS = 64
"""Rows of each validation array that a network is measured on."""


def own_vocabulary() -> Tokenizer:
    """The base model's vocabulary."""
    return Tokenizer.from_file(vocabulary("chroma8k"))


@torch.no_grad()
def validation_loss(model: TinyGPT, tokens: np.ndarray[Any, Any], rows: int) -> float:
    """Nats a token over `rows` rows spread evenly over `tokens`."""
    context = model.config.context
    starts = np.linspace(0, len(tokens) - context - 1, rows).astype(int)
    losses = []
    for first in range(0, rows, 8):
        block = np.stack([tokens[s : s + context + 1].astype(np.int64) for s in starts[first : first + 8]])
        batch = torch.from_numpy(block).to(model.embedding.weight.device)
        losses += [float(cross_entropy(model, batch))] * len(block)
    return float(np.mean(losses))


def measure(model: TinyGPT, pack: Pack, rows: int) -> dict[str, float]:
    """Validation losses on the tune split by group, in nats a token and in bits a byte."""
    figures = {}
    for group, tokens in pack.validation.items():
        loss = validation_loss(model, tokens, rows)
        bits = loss * len(tokens) / pack.validation_bytes[group] / math.log(2)
        figures[f"{group}_loss"], figures[f"{group}_bits_per_byte"] = round(loss, 4), round(bits, 4)
    return figures


class Reporter:
    """Says a line every `every` seconds: step, loss, speed, time left."""

    def __init__(self, run: Run, say: Callable[..., None] = print, every: float = 60.0) -> None:
        self._run, self._say, self._every = run, say, every
        self._last = (time.monotonic(), run.state.tokens, run.progress)

    def __call__(self, state: RunState) -> None:
        """Called after every step."""
        now = time.monotonic()
        since, tokens, progress = self._last
        if now - since < self._every:
            return
        self._last = (now, state.tokens, self._run.progress)
        speed = (state.tokens - tokens) / (now - since)
        # At the pace of the last minute: an earlier session's may have been another.
        left = (1 - self._run.progress) / max(self._run.progress - progress, 1e-9) * (now - since)
        recent = sum(state.losses[-50:]) / len(state.losses[-50:])
        self._say(
            f"step {state.step:6d}  {self._run.progress:6.1%}  loss {recent:.3f}  {state.tokens / 1e6:.2f}M tokens"
            f"  {speed:,.0f} tokens/s  {left / 60:.0f} min left",
            flush=True,
        )


def train(
    pack: Pack, *, config: ModelConfig, budget: Budget, mix: Mix, recipe: Recipe, compute: Compute,
    state_file: Path | None = None, fresh: bool = False, team: Team = ALONE, start: Path | None = None,
) -> tuple[TinyGPT, dict[str, Any]]:  # fmt: skip
    """Train for the budget (earlier sessions included); the network, on the CPU, and what is known of it.

    A new one, or one that begins with the weights at `start`. Raises typer.Exit where it is interrupted; the same call
    then goes on.
    """
    say = print if team.leads else _silently
    torch.manual_seed(mix.seed)
    rows_at = rows_of(pack, own_vocabulary(), config.context, mix, recipe.decay)

    def batches(step: int, progress: float) -> Tensor:
        return torch.from_numpy(rows_at(step, progress))  # (B, T + 1)

    network = started(config, start) if start else TinyGPT(config)
    run = Run(
        network, batches, recipe=recipe, budget=budget, compute=compute, state_file=state_file,
        keep_at=1 - recipe.decay, team=team,
    )  # fmt: skip
    if not fresh and run.resume():
        say(f"resuming at step {run.state.step}, {run.state.seconds / 60:.1f} minutes in", flush=True)
    note_recipe(run.state, recipe)
    with interruptible() as yielded:  # Ctrl-C ends it after the step, its state saved
        state = run.run(Reporter(run, say), yielded)
    if not run.finished:
        say(f"stopped at {run.progress:.0%}; the same command goes on from here", flush=True)
        raise typer.Exit(130)
    return run.model.cpu().eval(), {
        "kind": "base", "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "tokens": state.tokens,
        "processes": team.size, "steps": state.step, "minutes": round(state.seconds / 60, 1), "device": compute.device,
        "train_loss": round(sum(state.losses[-200:]) / len(state.losses[-200:]), 4),
        "recipe": asdict(recipe), "recipes": state.recipes, "mix": asdict(mix), "corpus": dict(pack.meta),
    }  # fmt: skip


def started(config: ModelConfig, start: Path) -> TinyGPT:
    """A network with the weights of a checkpoint, or of a state of pretraining. Raises TrainingError."""
    network = TinyGPT(config)
    try:
        if start.is_dir():
            weights = TinyGPT.load(start).state_dict()
        else:
            weights = torch.load(start, map_location="cpu", weights_only=True)["model"]
        network.load_state_dict(weights)
    except Exception as error:  # torch reports unreadable files by many unrelated types
        raise TrainingError(f"{start}: these weights cannot be gone on from ({str(error)[:200]})") from error
    return network


def begun_with(state_file: Path, fresh: bool) -> Path:
    """A copy of the base model that a run begins with, or began with where its state is there already.

    Kept beside the state: the run may be resumed when another base has taken that one's place.
    """
    kept = state_file.with_suffix(".before")
    if fresh or not (state_file.exists() and kept.is_dir()):
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(base_checkpoint(), kept)
    return kept


def gone_on(before: Mapping[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """What is known of a run that began with a model's weights: what made these counts in."""
    recipes = before.get("recipes") or [(0, before["recipe"])]
    return {
        **metrics,
        **{name: before[name] + metrics[name] for name in ("tokens", "steps")},
        "minutes": round(before["minutes"] + metrics["minutes"], 1),
        "recipes": [*recipes, *((before["tokens"] + tokens, recipe) for tokens, recipe in metrics["recipes"])],
    }


def note_recipe(state: RunState, recipe: Recipe) -> None:
    """Have a run's state remember what it is trained by from now on."""
    if not state.recipes or state.recipes[-1][1] != asdict(recipe):
        state.recipes.append((state.tokens, asdict(recipe)))


def bits(figures: Mapping[str, float]) -> float:
    """Bits a byte on files that use ChromaDB and on others, the mean of both."""
    return (figures["chroma_bits_per_byte"] + figures["general_bits_per_byte"]) / 2


def finish(model: TinyGPT, metrics: dict[str, Any], pack: Pack, out: Path, prompt: str, rows: int = ROWS) -> None:
    """Measure a trained network on the split `tune`, write it as a checkpoint to `out`, and fit its gate."""
    figures = measure(model, pack, rows)
    metrics = {**metrics, "tune": figures}
    export(
        model, out, name="base", tokenizer=own_vocabulary(), prompt=prompt, metrics=metrics,
        gate={"min_confidence": 0.0}, card=base_card(model.config, metrics),
    )  # fmt: skip
    figures |= fit(out, archives_folder())
    print(
        json.dumps({**{name: metrics[name] for name in ("tokens", "minutes", "train_loss")}, "tune": figures}, indent=2)
    )


def help_train(team: Team, packed: Path, plan: dict[str, Any]) -> None:
    """What the other processes of a team do."""
    with opened(packed) as pack, suppress(typer.Exit):
        train(pack, **plan, team=team)


def _silently(*_: object, **__: object) -> None:
    """In place of print."""


def extend_from(state_file: Path) -> None:
    """Go on from the state that the last run kept, unless a run is under way. Raises TrainingError."""
    stable = stable_file(state_file)
    if state_file.exists():
        return
    if not stable.exists():
        raise TrainingError(f"nothing to extend: there is no {stable}")
    shutil.copy(stable, state_file)


def command(
    minutes: Annotated[float, typer.Option(help="Training time in all, earlier sessions of the run included.")] = 60.0,
    tokens: Annotated[
        float | None,
        typer.Option(metavar="MILLIONS", help="Tokens to train on in all, in place of --minutes: on a busy machine."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="Where the checkpoint goes; default: the shipped base model.")
    ] = None,
    packed: Annotated[
        Path | None, typer.Option(help="The packed corpus, a folder or a compact file; default: of `corpus pack`.")
    ] = None,
    shape: Annotated[Literal["mini", "small", "large"], typer.Option(help="large wants a GPU.")] = "small",
    rows: Annotated[int, typer.Option(help="Sequences in a batch, of each process.")] = 8,
    processes: Annotated[
        int, typer.Option(min=1, help="That train together, each with a share of the cores; on the CPU alone.")
    ] = 1,
    holes: Annotated[
        tuple[float, float], typer.Option(help="Shares of rows with a hole to fill: before and in the decay.")
    ] = (0.0, 0.0),
    prompt: Annotated[Literal["prefix", "fim"], typer.Option(help="How the model is asked.")] = "prefix",
    seed: Annotated[int, typer.Option(help="Of the weights and of the order of the data.")] = 0,
    fresh: Annotated[bool, typer.Option(help="Start anew instead of resuming an unfinished run.")] = False,
    extend: Annotated[
        bool, typer.Option(help="Go on from where the last run's learning rate began to fall; --minutes counts it in.")
    ] = False,
    again: Annotated[
        bool, typer.Option(help="Begin with the shipped base's weights: where the state of its run is gone.")
    ] = False,
    eager: Annotated[bool, typer.Option(help="Do not try torch.compile.")] = False,
    parts: Annotated[
        Path | None, typer.Option(help="Write the network there in parts, to be finished on another machine.")
    ] = None,
    from_parts: Annotated[Path | None, typer.Option(help="Finish a network that was written in parts there.")] = None,
) -> None:
    """Train the base model on the packed corpus for a given time and write a shippable checkpoint.

    Interrupt it whenever you like: the same command resumes. Example: --minutes 60
    """
    if again and extend:
        raise typer.BadParameter("a run begins with finished weights or goes on from a state", param_hint="--again")
    if processes > 1 and device != "cpu":
        raise typer.BadParameter("several processes train on the CPU alone", param_hint="--processes")
    with opened(packed or packed_folder()) as pack:
        if pack.tokenizer_sha256 != own_vocabulary().sha256:
            raise TrainingError(
                f"{packed or packed_folder()} was packed with another vocabulary; pack the corpus again"
            )
        if not parts:
            points_of_split("tune", archives_folder())  # where they are missing, say so now, not after the training
        state_file = platformdirs.user_cache_path("slm-lsp") / "pretrain" / f"{state_name(device, shape, again)}.pt"
        if from_parts:
            model, metrics = read_parts(from_parts)
        else:
            if extend:
                extend_from(state_file)
            most = round(tokens * 1e6) if tokens else None
            start = begun_with(state_file, fresh) if again else None
            before = Checkpoint.open(start).metrics if start else {"steps": 0}
            mix = Mix(rows=rows, holes=holes[0], holes_decay=holes[1], seed=seed + before["steps"])  # no batch twice
            plan: dict[str, Any] = {
                "config": SHAPES[shape], "budget": Budget(tokens=most, seconds=None if most else 60 * minutes),
                "mix": mix, "recipe": AGAIN if again else RECIPE, "start": start,
                "compute": Compute(device=device, compile=not eager), "state_file": state_file, "fresh": fresh,
            }  # fmt: skip
            with gathered(processes, help_train, packed or packed_folder(), plan) as team:
                model, metrics = train(pack, **plan, team=team)
            if start:
                model, share = best_blend(
                    started(SHAPES[shape], start), model, lambda network: bits(measure(network, pack, ROWS))
                )
                metrics = {**gone_on(before, metrics), "share": share}
        if parts:
            write_parts(model, metrics, parts)
        else:
            finish(model, metrics, pack, out or base_checkpoint(), prompt)
        if not from_parts:  # what was learned is written: until then the same command goes on from the state
            state_file.rename(state_file.with_suffix(".done"))


def state_name(device: str, shape: str, again: bool = False) -> str:
    """What the state of a run is called, so that runs of two shapes, or of two beginnings, do not meet."""
    return f"state-{device}" + (f"-{shape}" if shape != "small" else "") + ("-again" if again else "")


@contextmanager
def opened(packed: Path) -> Iterator[Pack]:
    """A pack, or the one that a compact file holds, which is expanded into a folder that goes afterwards."""
    if packed.is_dir():
        yield read_pack(packed)
        return
    with tempfile.TemporaryDirectory() as name:
        yield expand(packed, Path(name))


def main() -> None:
    """Run it; see entry.py."""
    ends_well(lambda: typer.run(command))


if __name__ == "__main__":
    main()
