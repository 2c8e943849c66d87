"""Every format that was ever written still loads, and says what it said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doubles import GOLDEN
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.network.weights import PT_FORMAT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.verification import FORMAT, FORMATS

EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
FOLDERS = [GOLDEN / "tiny", *sorted(GOLDEN.glob("format*/"))]
PT_FILES = sorted(GOLDEN.glob("format*.pt"))


def test_there_is_one_of_every_format() -> None:
    formats = [json.loads((folder / "config.json").read_text())["format"] for folder in FOLDERS]
    assert formats == list(FORMATS) == list(range(1, FORMAT + 1))
    assert [file.name for file in PT_FILES] == [f"format{number + 1}.pt" for number in range(PT_FORMAT)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_checkpoint_says_what_it_said(folder: Path) -> None:
    checkpoint = Checkpoint.open(folder)
    assert (checkpoint.name, checkpoint.prompt) == ("tiny", "prefix")
    ids = checkpoint.tokenizer().encode(EXPECTED["prompt"])
    assert ids == EXPECTED["asked"]
    engine, said = Engine.load(checkpoint), list[int]()
    for _ in EXPECTED["said"]:
        said.append(int(engine.prefill([*ids, *said]).argmax()))
    assert said == EXPECTED["said"]


@pytest.mark.parametrize("path", [*FOLDERS, *PT_FILES], ids=lambda path: path.name)
def test_a_golden_network_says_what_it_said(path: Path) -> None:
    assert TinyGPT.load(path).generate(EXPECTED["asked"], len(EXPECTED["said"])) == EXPECTED["said"]
