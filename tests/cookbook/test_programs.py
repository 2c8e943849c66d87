"""Every program of the cookbook and of the API benchmark runs against the real chromadb and asserts its own result.

`pytest -m cookbook` runs these alone. Two programs run at a time; a test waits for its own.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from cookbook_runner import faults_of

from slm_lsp.trainer.cookbook.programs import BENCHMARK, COOKBOOK, read_benchmark, read_programs

pytestmark = pytest.mark.cookbook

PROGRAMS = [program.path for program in (*read_programs(), *read_benchmark())]
BROUGHT = {
    "aiohttp", "chromadb", "click", "httpx", "mmh3", "numpy", "pydantic", "rich", "tenacity", "typer", "uvicorn",
}  # fmt: skip
"""Packages that come with slm-lsp[chroma]."""
NAMED = {"PIL", "hypothesis", "pytest", "pytest_asyncio"}
"""Packages that the cookbook's README says to install; the development extras bring them."""

Results = dict[Path, "Future[list[str]]"]


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    wanted = {item.callspec.params["program"] for item in request.session.items if hasattr(item, "callspec")
              and "program" in item.callspec.params}  # fmt: skip
    pool = ThreadPoolExecutor(2)
    yield {
        program: pool.submit(faults_of, program, tmp_path_factory.mktemp(program.stem))
        for program in PROGRAMS
        if program in wanted
    }
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_program_runs_asserts_its_result_and_leaves_nothing_behind(program: Path, results: Results) -> None:
    faults = results[program].result()
    assert not faults, "\n".join(faults)


def test_no_program_lies_where_none_is_read() -> None:
    assert set(PROGRAMS) == {*COOKBOOK.rglob("*.py"), *BENCHMARK.rglob("*.py")}


def is_assertion(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Attribute) and node.attr.startswith("assert"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_is_documented_checks_itself_and_is_of_a_readable_size(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert any(map(is_assertion, ast.walk(tree)))
    assert 60 <= len(text.splitlines()) <= 200


def imports(tree: ast.AST, required: bool = True) -> Iterator[tuple[str, bool]]:
    """The modules that a program imports, and whether it fails without them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], required) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).split(".")[0], required
        yield from imports(node, required and not isinstance(node, ast.Try | ast.If | ast.With))


def test_programs_need_only_what_the_readme_says() -> None:
    known = sys.stdlib_module_names | BROUGHT | NAMED
    unknown = {}
    for program in PROGRAMS:
        found = set(imports(ast.parse(program.read_text(encoding="utf-8"))))
        stood_in_for = {module for module, required in found if not required}
        unknown[program.name] = {module for module, required in found if required} - stood_in_for - known
    assert {name: modules for name, modules in unknown.items() if modules} == {}


def test_no_program_bears_the_name_of_a_module_or_of_another_program() -> None:
    modules = {module for program in PROGRAMS for module, _ in imports(ast.parse(program.read_text(encoding="utf-8")))}
    names = Counter(program.stem for program in PROGRAMS)
    assert not names.keys() & (sys.stdlib_module_names | modules)
    assert not [name for name, count in names.items() if count > 1]
