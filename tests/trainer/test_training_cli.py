"""The trainer as a process: help without torch, errors and exit codes, Ctrl-C and --resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workshop import Workshop

from slm_lsp.model.runtime.checkpoint import Checkpoint

TRAINER = [sys.executable, "-P", "-m", "slm_lsp.trainer"]
WITHOUT = "import sys; sys.modules[{name!r}] = None; from slm_lsp.trainer.cli import main; main()"


def run(workshop: Workshop, *arguments: str, command: list[str] = TRAINER) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **workshop.environment()}
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=300)


def test_help_teaches_without_torch(workshop: Workshop) -> None:
    code = (
        "import sys\nsys.argv = ['trainer', 'train', '--help']\nfrom slm_lsp.trainer.cli import main\n"
        "try:\n    main()\nfinally:\n    print(sorted({'torch', 'onnx', 'onnxruntime'} & set(sys.modules)))"
    )
    done = run(workshop, command=[sys.executable, "-c", code])
    assert done.returncode == 0
    assert "slm-lsp train" in done.stdout
    assert "models/phase3_model.pt" in done.stdout
    for option in ("--phase", "--out", "--seed", "--device", "--budget", "--resume", "--json"):
        assert option in done.stdout
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_without_the_extra_it_says_what_to_install(workshop: Workshop, name: str) -> None:
    command = [sys.executable, "-c", WITHOUT.format(name=name)]
    done = run(workshop, "train", str(workshop.project), command=command)
    assert done.returncode == 2
    assert f"training needs {name}, which is not installed" in done.stderr
    assert 'pip install "slm-lsp[train]"' in done.stderr
    assert "GB" in done.stderr
    assert "CPU" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_python_is_an_error_before_torch_is_loaded(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    done = run(workshop, "train", str(tmp_path / "docs"), command=[sys.executable, "-c", WITHOUT.format(name="torch")])
    assert done.returncode == 2
    assert done.stderr.strip() == f"error: no Python files in {tmp_path / 'docs'}"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--budget", "soon"], "5m"),
        (["--phase", "5"], "phase"),
        (["--device", "abacus"], "device"),
        (["--budget", "0"], "5m"),
    ],
)
def test_wrong_options_are_refused(workshop: Workshop, arguments: list[str], word: str) -> None:
    done = run(workshop, "train", str(workshop.project), *arguments)
    assert done.returncode == 2
    assert word in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no such signals")
def test_interrupted_it_keeps_the_best_and_goes_on_with_resume(workshop: Workshop) -> None:
    # Long enough that the signal comes while it trains.
    for file in list(workshop.project.glob("*.py")):
        for copy in range(4):
            (workshop.project / f"{file.stem}_{copy}.py").write_text(f"# {copy}\n{file.read_text()}")
    command = [*TRAINER, "train", str(workshop.project), "--json"]
    environment = {**os.environ, **workshop.environment()}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        for line in process.stderr:
            if line.startswith("adapting"):
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "stopping after this step" in errors
    assert "slm-lsp train PATH --resume" in errors
    report = json.loads(output)
    assert report["interrupted"]
    assert Checkpoint.open(report["folder"]).metrics["steps"] == report["steps"]
    done = run(workshop, "train", str(workshop.project), "--json", "--resume")
    assert done.returncode == 0, done.stderr
    assert f"going on at step {report['steps']}" in done.stderr
    finished = json.loads(done.stdout)
    assert not finished["interrupted"]
    assert finished["steps"] > report["steps"]
    assert finished["losses"]["validation"] <= report["losses"]["validation"]
