"""The maintainers' commands, as they are typed."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from archives import code, sdist, wheel

import slm_lsp.data
import slm_lsp.model
import slm_lsp.trainer
from slm_lsp.trainer.corpus.manifest import Package
from slm_lsp.trainer.corpus.pack import read_pack

ROOMS = os.pathsep.join(
    str(Path(room.__path__[0]).parents[1]) for room in (slm_lsp.data, slm_lsp.model, slm_lsp.trainer)
)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slm_lsp.trainer.corpus", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": ROOMS, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


def write_manifest(path: Path, packages: Sequence[Package]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file, delimiter="\t")
        rows.writerow(["package", "version", "split", "file_kind", "archive", "sha256"])
        rows.writerows([p.name, p.version, p.split, p.kind, p.archive, p.sha256] for p in packages)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with two small packages and the manifest that names them."""
    packages = [
        wheel(tmp_path, "one", {"one/a.py": code("a"), "one/b.py": code("b", chroma=True)}),
        sdist(tmp_path, "two", {"two/c.py": code("c"), "two/d.py": code("d", chroma=True)}, "tune"),
        sdist(tmp_path, "three", {"three/e.py": code("e")}, "test"),
    ]
    write_manifest(tmp_path / "packages.tsv", packages)
    return tmp_path


def test_fetch_pack_and_check(corpus: Path) -> None:
    options = ("--archives", corpus, "--manifest", corpus / "packages.tsv")
    fetched = run("fetch", *options)
    assert fetched.returncode == 0, fetched.stderr
    assert "3 packages" in fetched.stdout
    packed = run("pack", *options, "--out", corpus / "packed", "--fim-share", 0.5)
    assert packed.returncode == 0, packed.stderr
    assert read_pack(corpus / "packed").meta["recipe"]["share"] == 0.5
    checked = run("check", *options, "--packed", corpus / "packed")
    assert checked.returncode == 0, checked.stderr
    assert "dropped" in checked.stdout and "tune-fim" in checked.stdout
    assert "warning" not in checked.stderr


def test_an_error_is_one_line_and_status_1(corpus: Path) -> None:
    [archive] = corpus.glob("one-*.whl")
    archive.write_bytes(b"not a wheel")
    done = run("pack", "--archives", corpus, "--manifest", corpus / "packages.tsv", "--out", corpus / "packed")
    assert done.returncode == 1
    assert "error: one 1.0" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (corpus / "packed").exists()


@pytest.mark.parametrize("command", ["fetch", "tokenizer", "pack", "compact", "check"])
def test_every_command_has_help(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
