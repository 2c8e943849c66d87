"""The command line: what each command prints, its exit code, its JSON."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from doubles import PROGRAM, TINY, tiny_checkpoint
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server import __version__
from slm_lsp.server.cli import main


@dataclass
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("SLM_LSP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLM_LSP_BASE", str(TINY))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(int(end.value.code or 0), out, err)

    return run


@pytest.fixture
def trained(tmp_path: Path, run: Run) -> str:
    """A model of the workspace `project`, not yet in use."""
    (tmp_path / "project").mkdir()
    folder = ModelLibrary().folder_for(tmp_path / "project", "adapt")
    folder.parent.mkdir(parents=True)
    return tiny_checkpoint(folder).name


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The golden program up to `self.collection.add(`."""
    head = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.collection.add(")]
    path = tmp_path / "half.py"
    path.write_text(head)
    return path


def cursor(program: Path) -> str:
    text = program.read_text()
    return f"{program}:{text.count(chr(10)) + 1}:{len(text.rpartition(chr(10))[2]) + 1}"


def test_version(run: Run) -> None:
    assert run("--version").out == f"slm-lsp {__version__}\n"


@pytest.mark.parametrize("command", [[], ["serve"], ["complete"], ["status"], ["clean"], ["models"], ["models", "use"]])
def test_help_teaches_with_an_example(run: Run, command: list[str]) -> None:
    said = run(*command, "--help")
    assert said.code == 0
    assert "Example:" in said.out or "Begin with:" in said.out


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--nonsense"], ["models", "use"]])
def test_wrong_usage_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).code == 2


def test_complete_shows_line_popup_confidence_and_time(run: Run, program: Path) -> None:
    said = run("complete", cursor(program))
    line, ghost, popup, model = said.out.splitlines()
    assert line == "        self.collection.add(ids=[note_id], documents=[text], embeddings=[vector])"
    assert "% sure" in ghost and " ms" in ghost
    assert "ids" in popup and " ms" in popup
    assert model.split() == ["model", "base"]


def test_complete_as_json(run: Run, program: Path) -> None:
    said = run("complete", cursor(program), "--json").json
    assert said["suggestion"]["text"] == "ids=[note_id], documents=[text], embeddings=[vector])"
    assert 0 < said["suggestion"]["confidence"] <= 1
    assert said["popup"][0]["name"] == "ids"
    assert (said["model"], said["line"]) == ("base", program.read_text().count("\n") + 1)


def test_complete_with_a_model_by_name_by_folder_and_by_use(run: Run, program: Path, trained: str) -> None:
    assert run("complete", cursor(program), "--model", trained, "--json").json["model"] == trained
    assert run("complete", cursor(program), "--model", str(TINY), "--json").json["model"] == str(TINY)
    inside = program.rename(program.parent / "project" / "half.py")
    assert run("complete", cursor(inside), "--json").json["model"] == "base"
    run("models", "use", trained, "--workspace", "project")
    assert run("complete", cursor(inside), "--json").json["model"] == trained


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("half.py", "not FILE:LINE:COL"),
        ("half.py:1", "not FILE:LINE:COL"),
        ("half.py:0:1", "not FILE:LINE:COL"),
        ("half.py:one:1", "not FILE:LINE:COL"),
        ("half.py:99:1", "there is no line 99"),
        ("half.py:1:999", "column 999 is not in it"),
        ("missing.py:1:1", "No such file"),
        ("binary.py:1:1", "UTF-8"),
        ("project:1:1", "irectory"),
    ],
)
def test_a_place_that_is_none_is_one_line_on_stderr(
    run: Run, program: Path, tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "project").mkdir()
    result = run("complete", place)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.startswith("slm-lsp: ") and result.err.count("\n") == 1


def test_an_unknown_model_is_one_line_on_stderr(run: Run, program: Path) -> None:
    result = run("complete", cursor(program), "--model", "nameless")
    assert result.code == 2
    assert "'nameless'" in result.err


def test_models_from_nothing_to_nothing(run: Run, trained: str, tmp_path: Path) -> None:
    assert [model["name"] for model in run("models", "--json").json] == [trained]
    assert not run("models", "list", "--json").json[0]["in_use"]
    assert trained in run("models", "use", trained, "--workspace", "project").out
    assert run("models", "list", "--json").json[0]["in_use"]
    assert trained in run("models").out
    assert run("models", "use", "base", "--workspace", "project").code == 0
    assert not run("models", "list", "--json").json[0]["in_use"]
    assert run("models", "remove", trained, "--yes").code == 0
    assert run("models", "--json").json == []
    assert "slm-lsp train" in run("models").out
    assert run("models", "remove", trained, "--yes").code == 2
    assert run("models", "use", trained).code == 2


def test_remove_and_clean_ask_first(run: Run, trained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\nn\n"))
    assert run("models", "remove", trained).code == 1
    assert run("clean").code == 1
    assert len(run("models", "--json").json) == 1


def test_clean_says_what_it_freed(run: Run, trained: str) -> None:
    size = ModelLibrary().size()
    assert run("clean", "--yes", "--json").json["freed_bytes"] == size
    assert "nothing to remove" in run("clean").out


def test_status_names_the_model_and_the_damaged_ones(run: Run, trained: str, tmp_path: Path) -> None:
    run("models", "use", trained, "--workspace", "project")
    status = run("status", "project", "--json").json
    assert status["model"] == {"name": trained, "why": "in use for this workspace"}
    assert run("status", "--json").json["model"]["name"] == "base"
    assert status["base"]["folder"] == str(TINY)
    assert (status["errors"], status["version"]) == ({}, __version__)
    (ModelLibrary().find(trained) / "model.safetensors").write_bytes(b"")
    status = run("status", "project", "--json").json
    assert status["model"] == {"name": "base", "why": f"{trained} cannot be used"}
    assert "model.safetensors" in status["errors"][trained]
    said = run("status", "project")
    assert "damaged" in said.out and trained in said.out


def test_status_without_a_base(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLM_LSP_BASE", str(tmp_path / "nowhere"))
    status = run("status", "--json").json
    assert status["model"] is None
    assert "nowhere" in status["errors"]["base"]
    assert run("status").code == 0
    assert run("status", "nowhere").code == 2


TRAINER = """
import json, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits it ignored
if "--wait" in sys.argv:
    try:
        print("waiting", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("kept the best so far", flush=True)
        sys.exit(5)
print(json.dumps(sys.argv[1:]))
sys.exit(7)
"""


@pytest.fixture
def trainer(tmp_path: Path) -> dict[str, str]:
    """An environment with a trainer that says what it was asked; and a project file named like a module."""
    package = tmp_path / "portion" / "slm_lsp" / "trainer"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(TRAINER)
    (tmp_path / "json.py").write_text("raise SystemExit('the project shadows the standard library')")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "portion"), *filter(None, sys.path)])}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "slm_lsp.server", *arguments]


def test_train_forwards_every_argument_and_the_exit_code(trainer: dict[str, str], tmp_path: Path) -> None:
    arguments = ["train", ".", "--phase", "3", "--help", "--", "-x"]
    done = subprocess.run(command(*arguments), env=trainer, cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(done.stdout) == arguments
    assert done.returncode == 7


def test_ctrl_c_reaches_the_trainer(trainer: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(command("train", "--wait"), env=trainer, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "kept the best so far\n"
    assert process.returncode == 5
