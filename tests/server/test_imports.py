"""The import budget: what starting the server may load, and what it must not."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from doubles import TINY
from slm_lsp.server import __version__

NEVER = {"torch", "chromadb", "onnx", "matplotlib", "jedi"}
NOT_BEFORE_INITIALIZE = NEVER | {"numpy", "onnxruntime", "tokenizers", "safetensors", "typer", "rich"}

START = """
import sys
sys.argv = ["slm-lsp", "--stdio"]
from slm_lsp.server import cli
from slm_lsp.server.serving import create_server
server = create_server()
"""
COMPLETE = f"""
completer = server.choice.completer_for(None, {str(TINY)!r}, 1)
assert completer.complete("import ", "") is not None or completer.identifiers("import ", "")
"""
REPORT = "print(*{name.split('.')[0] for name in sys.modules})"


def loaded_by(program: str) -> set[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", program + REPORT], capture_output=True, text=True, env=env, check=True)
    return set(done.stdout.split())


def test_starting_loads_nothing_that_can_wait() -> None:
    assert loaded_by(START) & NOT_BEFORE_INITIALIZE == set()


def test_completing_loads_no_training_library() -> None:
    loaded = loaded_by(START + COMPLETE)
    assert "onnxruntime" in loaded
    assert loaded & NEVER == set()


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
