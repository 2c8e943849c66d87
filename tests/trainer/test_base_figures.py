"""Bits per byte, what is known by heart, and the card that says so."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from doubles import PROGRAM, TINY
from slm_lsp.data import base_checkpoint
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.trainer.export import rewrite_base
from slm_lsp.trainer.figures import bits_per_byte, by_heart, held_out, windows


@pytest.fixture
def tiny() -> tuple[Engine, Checkpoint]:
    checkpoint = Checkpoint.open(TINY)
    return Engine.load(checkpoint), checkpoint


def test_the_program_that_it_learned_is_known_by_heart_and_noise_is_not(tiny: tuple[Engine, Checkpoint]) -> None:
    engine, checkpoint = tiny
    tokenizer = checkpoint.tokenizer()
    program = np.array(tokenizer.encode(PROGRAM))
    noise = np.random.default_rng(0).integers(10, tokenizer.vocab_size, len(program))
    assert by_heart(engine, program) > 0.8
    assert by_heart(engine, noise) == 0
    assert bits_per_byte(engine, tokenizer, program) < 0.5
    assert bits_per_byte(engine, tokenizer, noise) > 0.5 * math.log2(tokenizer.vocab_size)


def test_windows_are_spread_and_too_few_tokens_are_said() -> None:
    pieces = list(windows(np.arange(1000), 100))
    assert [piece[0] for piece in pieces] == [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]
    with pytest.raises(CorpusError, match="too few"):
        list(windows(np.arange(99), 100))


def test_held_out_files_are_grouped_by_what_they_import(tmp_path: Path, tiny: tuple[Engine, Checkpoint]) -> None:
    tokenizer = Checkpoint.open(base_checkpoint()).tokenizer()
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.py").write_text("import chromadb\n")
    (tmp_path / "one" / "b.py").write_text("import json\n")
    found = {group: tokenizer.decode(ids.tolist()) for group, ids in held_out(tmp_path, tokenizer).items()}
    assert "one/a.py\nimport chromadb\n" in found["chroma"] and "json" not in found["chroma"]
    assert "one/b.py\nimport json\n" in found["general"] and "chromadb" not in found["general"]


def test_the_card_says_what_was_measured(tmp_path: Path) -> None:
    folder = shutil.copytree(base_checkpoint(), tmp_path / "base")
    base = Checkpoint.open(folder)
    test = {
        "bits_per_byte": {"chroma": 0.7654, "general": 1.0321},
        "by_heart": {"trained": {"chroma": 0.125, "general": 0.0}, "held_out": {"chroma": 0.015, "general": 0.0}},
    }
    again = rewrite_base(base, gate={**base.gate, "quiet": 0.875}, metrics={**base.metrics, "test": test})
    card = (folder / "README.md").read_text()
    assert "0.765 bits per byte" in card and "| 12.5% | 0.0% |" in card and "| 1.5% | 0.0% |" in card
    assert again.metrics["test"] == test and Checkpoint.open(folder).gate["quiet"] == 0.875
    for name, tensor in base.tensors().items():
        np.testing.assert_array_equal(tensor, again.tensors()[name])
