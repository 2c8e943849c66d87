"""Models and status over the wire: switched without a restart, damaged ones named."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from doubles import PROGRAM, tiny_checkpoint
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.client import Client

HEAD = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]
AT = (HEAD.count("\n"), len(HEAD.rpartition("\n")[2]))
PATIENCE = 10.0


class Desk:
    """A workspace, a library and a base model, all in one temporary folder."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.project.mkdir()
        self.file = self.project / "a.py"
        self.base = tiny_checkpoint(root / "base")
        self.library = ModelLibrary(root / "home")

    def trained(self) -> str:
        folder = self.library.folder_for(self.project, "adapt")
        folder.parent.mkdir(parents=True, exist_ok=True)
        name = tiny_checkpoint(folder).name
        self.library.use(self.project, name)
        return name

    @contextmanager
    def server(self, **options: object) -> Iterator[Client]:
        with Client() as client:
            client.initialize(self.project, options)
            client.open(self.file, HEAD)
            yield client
            assert client.close() == 0


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("SLM_LSP_BASE", str(desk.base))
    monkeypatch.setenv("SLM_LSP_HOME", str(desk.library.root))
    return desk


def damage(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])


def warnings(client: Client) -> list[str]:
    shown = [note for note in client.notified if note["method"] == "window/showMessage"]
    return [str(note["params"]["message"]) for note in shown]


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes about by itself."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.1)


def test_a_model_is_taken_up_and_given_up_without_a_restart(desk: Desk) -> None:
    with desk.server() as client:

        def serving() -> str:
            assert client.ghost_text(desk.file, AT)
            return str(client.request("slmLsp/status")["model"]["name"])

        assert serving() == "base"
        name = desk.trained()
        until(lambda: serving() == name)
        desk.library.use(desk.project, "base")
        until(lambda: serving() == "base")
        client.notify("workspace/didChangeConfiguration", {"settings": {"slmLsp": {"model": name}}})
        assert serving() == name
        assert warnings(client) == []


def test_a_damaged_model_is_named_once_and_the_base_serves(desk: Desk) -> None:
    name = desk.trained()
    damage(desk.library.find(name))
    with desk.server() as client:
        for _ in range(3):
            assert client.ghost_text(desk.file, AT)
        status = client.request("slmLsp/status")
        assert status["model"] == {"name": "base", "why": f"{name} cannot be used"}
        assert "model.safetensors" in status["errors"][name]
        [warning] = warnings(client)
        assert name in warning and "model.safetensors" in warning


def test_a_model_of_another_format_is_named(desk: Desk) -> None:
    name = desk.trained()
    config = desk.library.find(name) / "config.json"
    config.write_text(config.read_text().replace('"format": 1', '"format": 0'))
    with desk.server() as client:
        assert client.ghost_text(desk.file, AT)
        assert "format 0" in client.request("slmLsp/status")["errors"][name]


def test_without_any_sound_model_the_server_lives_and_says_why(desk: Desk) -> None:
    damage(desk.base)
    with desk.server() as client:
        assert client.ghost_text(desk.file, AT) is None
        assert client.popup(desk.file, AT) == []
        status = client.request("slmLsp/status", {})
        assert (status["model"], status["state"]) == (None, "no model")
        assert status["inline"]["last"] == status["popup"]["last"] == "no model"
        assert list(status["errors"]) == ["base"]
        assert len(warnings(client)) == 1


def test_status_counts_what_happened(desk: Desk) -> None:
    with desk.server() as client:
        assert client.request("slmLsp/status")["state"] in ("loading", "ready")
        assert client.ghost_text(desk.file, AT)
        client.request("workspace/executeCommand", {"command": "slmLsp.accepted", "arguments": []})
        client.ghost_text(desk.project / "unknown.py", AT)
        assert client.popup(desk.file, AT)
        status = client.request("slmLsp/status", None)
        assert (status["state"], status["accepted"]) == ("ready", 1)
        assert status["inline"]["outcomes"] == {"shown": 1, "not open": 1}
        assert (status["inline"]["requests"], status["inline"]["last"]) == (2, "not open")
        assert status["popup"]["outcomes"] == {"shown": 1}
        assert 0 < status["inline"]["p50_ms"] <= status["inline"]["p95_ms"]
        assert status["settings"]["suggest"] == "balanced"
        assert status["model"]["why"] == "no trained model is in use here"


def test_the_setting_names_a_model_that_is_not_there(desk: Desk) -> None:
    with desk.server(model="nameless") as client:
        assert client.ghost_text(desk.file, AT)
        [warning] = warnings(client)
        assert "nameless" in warning
