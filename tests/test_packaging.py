"""The wheel: what is in it, and that it works where nothing of the repository is at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_rooms_and_what_ships(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for wanted in (
        "slm_lsp/server/app.py", "slm_lsp/model/runtime/engine.py", "slm_lsp/trainer/loop.py",
        "slm_lsp/data/base/model.safetensors", "slm_lsp/data/base/graph.onnx", "slm_lsp/data/base/config.json",
        "slm_lsp/data/vocabularies/chroma8k/tokenizer.json", "slm_lsp/data/vocabularies/gpt2/merges.txt",
        "slm_lsp/data/corpus/packages.tsv",
    ):  # fmt: skip
        assert wanted in names
    roots = {name.split("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"slm_lsp"}
    assert wheel.stat().st_size < 32e6


def test_the_wheel_completes_with_its_own_base_model(wheel: Path, tmp_path: Path) -> None:
    site, program = tmp_path / "site", tmp_path / "program.py"
    zipfile.ZipFile(wheel).extractall(site)
    program.write_text("import chromadb\n\nclient = chromadb.\n")
    environment = {**os.environ, "PYTHONPATH": str(site), "SLM_LSP_HOME": str(tmp_path / "home")}
    # The working directory and -P keep the repository's own folders out of sight.
    command = [sys.executable, "-P", "-m", "slm_lsp.server", "complete", f"{program}:3:19", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["model"] == "base"
    assert answer["popup"]
