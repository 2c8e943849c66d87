"""Damaged models over the wire: the server goes on with the base model, and says why wherever one asks."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from doubles import PROGRAM, TINY, tiny_checkpoint
from editors import Editor, end_of
from hostile import NEWEST, Victim
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.cli import main

HEAD = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]
PATIENCE = 30.0


def truncate(victim: Victim) -> None:
    victim.put("model.safetensors", victim.whole["model.safetensors"][:8192])


def flip(victim: Victim) -> None:
    victim.put("graph.onnx", victim.whole["graph.onnx"].replace(b"QuickGelu", b"QuickGelo"))


def pipe(victim: Victim) -> None:
    (victim.folder / "tokenizer.json").unlink()
    os.mkfifo(victim.folder / "tokenizer.json")


def link(victim: Victim) -> None:
    (victim.folder / "gate.json").unlink()
    (victim.folder / "gate.json").symlink_to("/etc/hostname")


def huge(victim: Victim) -> None:
    os.truncate(victim.folder / "metrics.json", 1 << 40)


DAMAGE: dict[str, tuple[Callable[[Victim], None], str]] = {
    "truncated": (truncate, "model.safetensors: altered or truncated"),
    "flipped": (flip, "graph.onnx: altered or truncated"),
    "config": (
        lambda victim: victim.config(lambda c: c["model"].update(layers=1), sealed=False),
        "config.json: altered",
    ),
    "billions": (lambda victim: victim.config(lambda c: c["model"].update(layers=10**9)), "1,000,000,000 layers"),
    "heads": (lambda victim: victim.config(lambda c: c["model"].update(heads=1)), "the graph does not load"),
    "vocabulary": (lambda victim: victim.forge("tokenizer.json", b"{}"), "tokenizer.json: not a vocabulary"),
    "nonsense": (lambda victim: victim.put("config.json", b"[" * 100_000), "config.json: not JSON"),
    "newer": (lambda victim: victim.config(lambda c: c.update(format=9)), "update slm-lsp"),
    "pipe": (pipe, "tokenizer.json: not a file"),
    "link": (link, "gate.json: a link that leads out of the folder"),
    "huge": (huge, "metrics.json: larger than"),
}
ONLY_WHEN_LOADED = {"heads", "vocabulary"}
"""What is sound as far as hashes and shapes can tell."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX files")


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    """A library of models that are damaged in all kinds of ways."""
    library = ModelLibrary(tmp_path / ".home")
    (library.root / "models").mkdir(parents=True)
    for name, (damage, _) in DAMAGE.items():
        damage(Victim(library.root / "models" / name, NEWEST))
    return library


@pytest_asyncio.fixture
async def editor(tmp_path: Path, library: ModelLibrary) -> AsyncIterator[Editor]:
    editor = await Editor.start(tmp_path)
    yield editor
    assert await editor.close() == 0


async def status(editor: Editor) -> Any:
    return await editor.client.protocol.send_request_async("slmLsp/status", {})


async def test_whatever_is_wrong_the_base_serves_and_status_says_why(editor: Editor) -> None:
    uri = editor.open("a.py", HEAD)
    for name, (_, why) in DAMAGE.items():
        editor.configure({"slmLsp": {"model": name}})
        assert len(await editor.inline(uri, end_of(HEAD))) == 1, name
        said = await status(editor)
        assert said.model.name == "base"
        assert said.model.why == f"{name} cannot be used"
        assert why in getattr(said.errors, name)
        assert any(name in message.message and why in message.message for message in editor.client.messages)
    assert len(editor.client.messages) == len(DAMAGE)


async def test_a_setting_that_is_no_path_is_named_too(editor: Editor) -> None:
    uri = editor.open("a.py", HEAD)
    for name in ("/nowhere\0", "~nobody-is-called-so/model", "/dev/null", "../escape", "/" + "x" * 5000):
        editor.configure({"slmLsp": {"model": name}})
        assert len(await editor.inline(uri, end_of(HEAD))) == 1, name
        assert (await status(editor)).model.name == "base"


async def test_a_model_that_is_damaged_while_it_serves_gives_way_until_it_is_mended(
    editor: Editor, library: ModelLibrary, tmp_path: Path
) -> None:
    tiny_checkpoint(library.root / "models" / "mine")
    library.use(tmp_path, "mine")
    uri = editor.open("a.py", HEAD)
    weights = library.find("mine") / "model.safetensors"

    async def until_serves(name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert len(await editor.inline(uri, end_of(HEAD))) == 1
            if (await status(editor)).model.name == name:
                return
            assert time.monotonic() < deadline, f"{name} does not come"
            await asyncio.sleep(0.1)

    await until_serves("mine")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    await until_serves("base")
    weights.write_bytes(whole)
    await until_serves("mine")


def test_models_and_status_say_why(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLM_LSP_HOME", str(library.root))
    monkeypatch.setenv("SLM_LSP_BASE", str(TINY))

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert not end.value.code
        return json.loads(capsys.readouterr().out)

    models = {model["name"]: model["damaged"] for model in run("models", "--json")}
    for name, (_, why) in DAMAGE.items():
        assert name in ONLY_WHEN_LOADED or why in models[name]
    library.use(tmp_path, "truncated")
    said = run("status", str(tmp_path), "--json")
    assert said["model"] == {"name": "base", "why": "truncated cannot be used"}
    assert "altered or truncated" in said["errors"]["truncated"]
