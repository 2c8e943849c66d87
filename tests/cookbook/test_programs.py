"""Every program of the cookbook runs against the real chromadb, asserts its own result and leaves this machine alone.

`pytest -m cookbook` runs these alone. Two programs run at a time; a test waits for its own.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from slm_lsp.data import ROOT
from slm_lsp.trainer.corpus.windows import line_windows, shared

pytestmark = pytest.mark.cookbook

COOKBOOK = ROOT / "cookbook"
PROGRAMS = sorted(path for path in COOKBOOK.rglob("*.py"))
GUARD = Path(__file__).parent / "guard"
SECONDS = 120
"""A program takes two; a loaded machine much longer."""

Results = dict[Path, "Future[subprocess.CompletedProcess[str]]"]


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    wanted = {item.callspec.params["program"] for item in request.session.items if hasattr(item, "callspec")
              and "program" in item.callspec.params}  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        yield {
            program: pool.submit(run, program, tmp_path_factory.mktemp(program.stem))
            for program in PROGRAMS
            if program in wanted
        }
        pool.shutdown(cancel_futures=True)


def run(program: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ, "PYTHONPATH": str(GUARD), "PYTHONDONTWRITEBYTECODE": "1", "ANONYMIZED_TELEMETRY": "False",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    command = [sys.executable, "-W", "error::DeprecationWarning", str(program)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_program_runs_and_asserts_its_result(program: Path, results: Results) -> None:
    done = results[program].result()
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def is_assertion(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Attribute) and node.attr.startswith("assert"))


def test_each_program_is_documented_checks_itself_and_shadows_nothing() -> None:
    for program in PROGRAMS:
        tree = ast.parse(program.read_text())
        assert ast.get_docstring(tree), f"{program}: no docstring"
        assert any(map(is_assertion, ast.walk(tree))), f"{program}: asserts nothing"
        assert program.stem not in sys.stdlib_module_names | {"chromadb", "pytest", "numpy"}
    names = Counter(program.stem for program in PROGRAMS)
    assert not [name for name, count in names.items() if count > 1]


def test_no_two_programs_share_a_third_of_their_windows() -> None:
    windows = [line_windows(program.read_text()) for program in PROGRAMS]
    for index, one in enumerate(windows):
        for other_index in range(index):
            other = windows[other_index]
            common = shared(one, other)
            assert common < 0.3 * min(len(one), len(other)), f"{PROGRAMS[index]} and {PROGRAMS[other_index]}"
