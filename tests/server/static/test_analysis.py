"""Static analysis, with jedi in its real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from slm_lsp.server.static.analysis import KEPT, LONGEST, SECONDS, Listed, Names, Source, StaticAnalysis, within
from slm_lsp.server.static.analyst import COMMAND, Analyst, Urgency

PATIENCE = 60.0
CODE = '''import json


def greet(name: str, times: int = 1) -> str:
    """Say hello."""
    return name


'''


@pytest.fixture(scope="module")
def analysis() -> Iterator[StaticAnalysis]:
    analysis = StaticAnalysis(Analyst(patience=PATIENCE))
    yield analysis
    analysis.stop()


def asked(analysis: StaticAnalysis, before: str, typed: str = "", after: str = "\n", **where: Any) -> Names | None:
    source = Source(where.get("path"), where.get("root"), where.get("python", ""), before + typed + after)
    return analysis.names(source, len(before), len(before) + len(typed)).result(PATIENCE)


def listed(names: Names | None) -> set[str]:
    assert names
    return {one.name for one in names.listed}


def test_names_come_with_what_they_are(analysis: StaticAnalysis) -> None:
    names = asked(analysis, f"{CODE}greet(")
    assert names
    assert Listed("times", "param", keyword=True) in names.listed
    assert Listed("greet", "function") in names.listed
    assert Listed("json", "module") in names.listed
    assert {"print", "True", "__name__"} <= listed(names)
    assert "AbstractSet" not in listed(names)  # which typeshed's stub of the built-in names imports


def test_the_whole_word_is_served_by_one_question(analysis: StaticAnalysis) -> None:
    first = asked(analysis, f"{CODE}json.", "", "\nx = 1\n")
    assert {"loads", "dumps"} <= listed(first)
    assert asked(analysis, f"{CODE}json.", "lo", "\nx = 1\n") is first
    assert asked(analysis, f"{CODE}json.", "lo", "\nx = 2\n") is not first
    assert asked(analysis, f"{CODE}json.", "lo", "\nx = 1\n", path=Path("other.py")) is not first


def test_what_is_behind_a_name_is_listed_before_its_dot_is_typed(analysis: StaticAnalysis) -> None:
    before, after = f"{CODE}json", "\n# foreseen\n"
    analysis.foresee(Source(None, None, text=before + after), len(before), ".")
    number = analysis._number
    names = asked(analysis, f"{before}.", "", after)
    assert names and names.number == number
    assert "loads" in listed(names)
    assert asked(analysis, before, "", after) is not names


class Still(Analyst):
    """Answers nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.hurried: list[Future[Any]] = []
        self.last: Future[Any] = Future()

    def ask(self, urgency: Urgency, question: Mapping[str, Any]) -> Future[Any]:
        self.asked.append(urgency)
        self.last = Future()
        return self.last

    def hurry(self, answer: Future[Any]) -> None:
        self.hurried.append(answer)


def test_what_was_foreseen_is_asked_once_and_hurried_when_it_is_wanted() -> None:
    still = Still()
    analysis = StaticAnalysis(still)
    analysis.foresee(Source(None, None, text="x = json\n"), len("x = json"), ".")
    dotted = Source(None, None, text="x = json.\n")
    names = analysis.names(dotted, len("x = json."), len("x = json."))
    assert (still.asked, still.hurried) == (["ahead"], [still.last])
    still.last.set_result([["loads", "function"]])
    assert names.result(0) == Names(1, (Listed("loads", "function"),))
    analysis.foresee(Source(None, None, text="x = json\n"), len("x = json"), ".")
    assert still.asked == ["ahead"], "it is known already"


def test_names_are_described(analysis: StaticAnalysis) -> None:
    names = asked(analysis, f"{CODE}greet(", "", "\n# described\n")
    assert names

    def described(name: str) -> Any:
        return analysis.describe(names.number, name).result(PATIENCE)

    assert described("greet") == ["greet(name: str, times: int=1) -> str", "Say hello."]
    assert described("times=") == ["times: int=1", ""]
    assert described("nobody") == ["", ""]
    assert analysis.describe(10_000, "greet").result(PATIENCE) == ["", ""]


def test_modules_of_the_workspace_are_known(analysis: StaticAnalysis, tmp_path: Path) -> None:
    (tmp_path / "shelf.py").write_text("def borrow(): ...\n")
    names = asked(analysis, "import shelf\nshelf.", path=tmp_path / "a.py", root=tmp_path)
    assert "borrow" in listed(names)


def test_another_interpreter_sees_its_own_packages(analysis: StaticAnalysis, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True)
    [packages] = (tmp_path / ".venv").rglob("site-packages")
    (packages / "only_here.py").write_text("treasure = 1\n")
    text = "import only_here\nonly_here."
    assert "treasure" in listed(asked(analysis, text, root=tmp_path))
    assert "treasure" not in listed(asked(analysis, text))


def test_an_interpreter_that_cannot_be_run_is_replaced_by_ours(analysis: StaticAnalysis, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert "loads" in listed(asked(analysis, "import json\njson.", python=str(python)))


def test_an_environment_that_is_made_later_is_found_when_a_document_is_opened(
    analysis: StaticAnalysis, tmp_path: Path
) -> None:
    assert analysis._where(Source(None, tmp_path))["python"] is None
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert analysis._where(Source(None, tmp_path))["python"] is None
    analysis.warm(Source(None, tmp_path))
    assert analysis._where(Source(None, tmp_path))["python"] == str(python)


@pytest.mark.parametrize(
    "code", ["def f(:\n  x = [1,\nx.", "class\n\n\t  if x.", "'''never closed\nx.", "\0.", "é = 1\né."]
)
def test_broken_code_ends_nothing(analysis: StaticAnalysis, code: str) -> None:
    asked(analysis, code)
    process = analysis.analyst.pid
    assert "loads" in listed(asked(analysis, f"import json\n# {hash(code)}\njson."))
    assert analysis.analyst.pid == process


def test_line_ends_are_counted_alike(analysis: StaticAnalysis) -> None:
    for ending in ("\r\n", "\r"):
        code = f"{CODE}x = '\x0c\u2028'\njson.".replace("\n", ending)
        assert "loads" in listed(asked(analysis, code, "", ending))


def test_a_huge_text_is_not_analyzed(analysis: StaticAnalysis) -> None:
    assert asked(analysis, "x = 1\n" * (LONGEST // 6 + 1)) is None
    analysis.warm(Source(None, None, text="x" * (LONGEST + 1)))
    assert "warm" not in analysis.analyst._waiting


def test_what_failed_is_asked_again() -> None:
    puppet = Path(__file__).with_name("puppet.py")
    analysis = StaticAnalysis(Analyst((sys.executable, "-P", str(puppet))))
    assert asked(analysis, "x.") is None  # the puppet does not know this question
    assert not analysis._kept
    analysis.stop()
    assert asked(analysis, "x.") is None


def test_only_the_latest_places_are_kept(analysis: StaticAnalysis) -> None:
    for number in range(KEPT + 3):
        asked(analysis, f"x = {number}\nx.")
    assert len(analysis._kept) == KEPT


async def test_a_wait_ends_and_the_answer_still_comes() -> None:
    future: Future[int] = Future()
    assert await within(0.01, future) is None
    assert not future.cancelled()
    future.set_result(3)
    assert await within(PATIENCE, future) == 3


def test_the_process_ends_with_its_stdin_though_it_is_busy() -> None:
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    process.stdin.write(b'{"question": 1, "do": "warm", "source": "import ast, asyncio, unittest", ')
    process.stdin.write(b'"path": null, "root": null, "python": null}\n')
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    process.stdout.close()


def test_a_question_it_does_not_know_is_an_error_and_no_end(analysis: StaticAnalysis) -> None:
    asked(analysis, "x.")
    process = analysis.analyst.pid
    assert analysis.analyst.ask("names", {"do": "dance"}).result(PATIENCE) is None
    assert analysis.analyst.ask("names", {"do": "names", "number": "?"}).result(PATIENCE) is None
    assert listed(asked(analysis, "import json\njson.", "", "# still there"))
    assert analysis.analyst.pid == process


def test_half_a_file_in_jedis_cache_is_forgotten(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves one."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    where = {"path": None, "root": None, "python": None}
    question = {
        "question": 1,
        "do": "names",
        "number": 1,
        "source": "import json\njson.",
        "line": 2,
        "column": 5,
        **where,
    }

    def ask() -> dict[str, Any]:
        child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        with child:
            assert child.stdin and child.stdout
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
            answer: dict[str, Any] = json.loads(child.stdout.readline())
            child.stdin.close()
        return answer

    assert ask()["result"]
    kept = list(tmp_path.rglob("*.pkl"))
    assert kept
    for file in kept:
        file.write_bytes(b"")
    assert ask()["result"]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_names_are_listed_anew_when_a_file_was_saved_and_after_a_while(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("one = 1\n")
    clock = Clock()
    analysis = StaticAnalysis(Analyst(patience=PATIENCE), clock=clock)
    try:
        place = ("import other\nother.", "", "\n")
        first = asked(analysis, *place, path=tmp_path / "main.py", root=tmp_path)
        assert asked(analysis, *place, path=tmp_path / "main.py", root=tmp_path) is first
        analysis.forget()
        second = asked(analysis, *place, path=tmp_path / "main.py", root=tmp_path)
        assert second is not first
        clock.now += SECONDS
        assert asked(analysis, *place, path=tmp_path / "main.py", root=tmp_path) is not second
    finally:
        analysis.stop()


def test_a_list_that_cannot_be_described_is_asked_for_anew(analysis: StaticAnalysis) -> None:
    first = asked(analysis, f"{CODE}gree")
    assert first
    for number in range(9):  # more than the process keeps
        asked(analysis, f"{CODE}x = {number}\n")
    assert not any(analysis.describe(first.number, "greet").result(PATIENCE))
    again = asked(analysis, f"{CODE}gree")
    assert again and again.number != first.number
    assert any(analysis.describe(again.number, "greet").result(PATIENCE))
