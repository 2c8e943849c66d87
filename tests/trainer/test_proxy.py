"""Proxies: the settings that are named are changed, all others stay, and what is trained is that."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.errors import ConfigError, TrainingError
from slm_lsp.model.network import TinyGPT
from slm_lsp.trainer.corpus.manifest import Split
from slm_lsp.trainer.corpus.pack import Pack, write_pack
from slm_lsp.trainer.corpus.select import SourceFile
from slm_lsp.trainer.corpus.tokenizer import train_tokenizer
from slm_lsp.trainer.export import export
from slm_lsp.trainer.interrupt import SIGNALS
from slm_lsp.trainer.loop import Budget, Compute
from slm_lsp.trainer.pretrain import RECIPE, measure, own_vocabulary
from slm_lsp.trainer.proxy import changed, tried
from slm_lsp.trainer.rows import Mix

SHAPE = ModelConfig(vocab_size=8192, context=16, layers=1, width=32, heads=2, hidden=32)


def source(name: str, split: Split = "train") -> SourceFile:
    lines = [f"def {name}_{n}(value):\n    return value + {n}\n" for n in range(30)]
    return SourceFile("demo", split, f"demo/{name}.py", "\n".join(lines), chroma=name == "vectors")


FILES = [source(name) for name in ("one", "two", "vectors")]
TUNE = [source(name, "tune") for name in ("three", "vectors")]
SHORT = Budget(tokens=64)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return write_pack(FILES, TUNE, own_vocabulary(), tmp_path / "packed")


def test_what_is_named_is_changed_and_nothing_else() -> None:
    config, recipe, mix = changed(["layers=3", "width=64", "heads=4", "decay=0.5", "chroma=0.75", "seed=1"], SHAPE)
    assert config == replace(SHAPE, layers=3, width=64, heads=4)
    assert recipe == replace(RECIPE, decay=0.5)
    assert mix == Mix(chroma=0.75, seed=1)


def test_every_wrong_setting_is_named() -> None:
    with pytest.raises(ConfigError) as error:
        changed(["depth=3", "layers=2.5", "decay=half", "vocab_size=100", "chroma"], SHAPE)
    for word in ("'depth'", "layers", "decay", "'vocab_size'", "chroma"):
        assert word in str(error.value)


def test_a_proxy_learns_and_says_what_it_took(pack: Pack) -> None:
    short = tried(pack, ["rows=2"], SHAPE, SHORT, Compute())
    longer = tried(pack, ["rows=2"], SHAPE, Budget(tokens=4096), Compute())
    assert (short["tokens"], short["parameters"]) == (64, SHAPE.parameters)
    assert longer["general_bits_per_byte"] < short["general_bits_per_byte"]


def test_a_proxy_starts_from_the_weights_of_a_state(pack: Pack, tmp_path: Path) -> None:
    torch.manual_seed(5)
    torch.save({"model": TinyGPT(SHAPE).state_dict()}, tmp_path / "state.pt")
    still = ["rows=2", "muon_lr=1e-9", "adam_lr=1e-9"]
    one, other = (
        tried(pack, [*still, f"seed={seed}"], SHAPE, SHORT, Compute(), start=tmp_path / "state.pt") for seed in (0, 1)
    )
    assert one["general_loss"] == pytest.approx(other["general_loss"], abs=1e-3)
    fresh = tried(pack, still, SHAPE, SHORT, Compute())
    assert abs(fresh["general_loss"] - one["general_loss"]) > 1e-3
    with pytest.raises(TrainingError, match="cannot be gone on from"):
        tried(pack, ["layers=2"], SHAPE, SHORT, Compute(), start=tmp_path / "state.pt")


def test_a_proxy_goes_on_from_a_checkpoint(pack: Pack, tmp_path: Path) -> None:
    model, still = TinyGPT(SHAPE), ["rows=2", "muon_lr=1e-9", "adam_lr=1e-9"]
    export(
        model.eval(), tmp_path / "model", name="one", tokenizer=own_vocabulary(), prompt="prefix", metrics={}, gate={},
        card="",
    )  # fmt: skip
    gone_on = tried(pack, still, SHAPE, SHORT, Compute(), start=tmp_path / "model")
    assert gone_on["general_loss"] == pytest.approx(measure(model, pack, 64)["general_loss"], abs=1e-2)


def test_whoever_trains_in_this_process_can_be_interrupted_afterwards(pack: Pack) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    tried(pack, ["rows=2"], SHAPE, SHORT, Compute())
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_pack_brings_its_vocabulary(tmp_path: Path) -> None:
    small = train_tokenizer(FILES, 300)
    pack = write_pack(FILES, TUNE, small, tmp_path / "packed")
    assert tried(pack, ["rows=2"], SHAPE, SHORT, Compute())["parameters"] < SHAPE.parameters
    with pytest.raises(ConfigError, match="holes"):
        tried(pack, ["holes=0.5"], SHAPE, SHORT, Compute())
