"""`slm-lsp evaluate`: its modes, tables, JSON and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from doubles import GOLDEN, PROGRAM, TINY
from slm_lsp.server.cli import main


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of the program that the model knows by heart, and of a file that it does not."""
    monkeypatch.setenv("SLM_LSP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLM_LSP_BASE", str(TINY))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(GOLDEN / "program.py", folder / "program.py")
    (folder / "other.py").write_text("import json\n\n\ndef load(path):\n    return json.loads(path.read_text())\n")
    return folder


def evaluate(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["evaluate", *arguments])
    return int(end.value.code or 0)


def test_a_project_is_measured_beside_its_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("project", "--limit", "30", "--json") == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert set(said["rows"]) == {"model", "model alone", "copier", "jedi", "copier + jedi"}
    everything = said["rows"]["model"][0]
    assert (said["model"], everything["name"], everything["points"]) == ("tiny", "all", 30)
    em = everything["figures"]["em"]
    assert 0.4 < em["value"] <= 1
    assert em["low"] <= em["value"] <= em["high"]
    assert evaluate("project", "--limit", "30", "--json", "--no-baselines", "--no-popup") == 0
    assert json.loads(capsys.readouterr().out)["rows"].keys() == {"model"}


def test_the_tables_name_every_kind_and_kinds_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("project", "--limit", "30") == 0
    shown = capsys.readouterr().out
    for word in ("mid_word", "after_dot", "line_start", "copier", "jedi", "EM", "top-1", "right of shown"):
        assert word in shown
    assert evaluate("project", "--limit", "30", "--kinds", "after_dot") == 0
    assert "line_start" not in capsys.readouterr().out


def test_points_made_elsewhere_come_back_in_order_and_bad_lines_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = PROGRAM.index("query(") + len("query(")
    asked = {"path": "p.py", "prefix": PROGRAM[:cut], "suffix": PROGRAM[PROGRAM.index("\n", cut) :]}
    lines = [json.dumps({"id": "first", **asked}), "{broken", "", json.dumps({"id": 2, **asked, "target": "x"})]
    (tmp_path / "points.jsonl").write_text("\n".join(lines))
    assert evaluate("--points", "points.jsonl", "--out", "predictions.jsonl", "--no-popup") == 1
    assert "line 2: not JSON" in capsys.readouterr().err
    said = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert [one["id"] for one in said] == ["first", 2]
    assert said[0]["line"].startswith("query_embeddings=")
    assert said[0]["popup"] == []


def test_the_popup_of_points_made_elsewhere_is_the_one_that_editors_are_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = "import json\n\nread = json."
    (tmp_path / "points.jsonl").write_text(json.dumps({"id": 1, "path": "new.py", "prefix": prefix, "suffix": "\n"}))
    assert evaluate("--points", "points.jsonl", "--workspace", "project") == 0
    said = json.loads(capsys.readouterr().out)["popup"]
    assert "JSONDecodeError" in said  # which stands in no file: static analysis knows it
    assert "loads" in said


def test_the_api_benchmark_and_the_typist(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--api", "project", "--json", "--no-baselines") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]["model"]}
    assert set(rows) == {"all", "method", "keyword", "literal"}
    assert rows["keyword"]["figures"]["em"]["value"] > 0.5
    assert evaluate("--typist", "project", "--json") == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert set(files) == {str(Path("project") / "other.py"), str(Path("project") / "program.py"), "all"}
    assert files["all"]["saved"] > 0.2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a folder or a file"),
        (["nowhere"], "nowhere"),
        (["project", "--kinds", "mid_word,sideways"], "no such kind of cursor: sideways"),
        (["--points", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--typist"], "wants the files to type"),
        (["project", "--model", "no-such-model"], "no-such-model"),
    ],
)
def test_what_cannot_be_measured_is_one_line_that_says_why(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("slm-lsp: ")
    assert said in error
    assert len(error.splitlines()) == 1
