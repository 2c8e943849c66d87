"""The house rules: which room imports which, how long files are, what each module says of itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "data": set(),
    "model": {"model"},
    "trainer": {"trainer", "model", "data"},
    "server": {"server", "model", "data"},
}
LONGEST = 500

MODULES = {
    str(path.relative_to(ROOT)): path
    for room in MAY_IMPORT
    for path in sorted((ROOT / room / "slm_lsp" / room).rglob("*.py"))
    if not {"data", "cookbook"} <= set(path.parts) and "api_benchmark" not in path.parts
}
TESTS = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "tests").rglob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_are_modules_in_every_room() -> None:
    assert {name.split("/")[0] for name in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way(name: str) -> None:
    room = name.split("/")[0]
    rooms = {module.split(".")[1] for module in imports(MODULES[name]) if module.startswith("slm_lsp.")}
    assert rooms <= MAY_IMPORT[room]


@pytest.mark.parametrize("name", MODULES)
def test_only_the_network_and_the_trainer_import_torch(name: str) -> None:
    packages = {module.split(".")[0] for module in imports(MODULES[name])}
    if not name.startswith(("model/slm_lsp/model/network/", "trainer/")):
        assert "torch" not in packages


@pytest.mark.parametrize("name", MODULES)
def test_regular_expressions_have_no_possessive_groups(name: str) -> None:
    # Python 3.11.2, which Debian 12 has, matches those with a look-ahead inside wrongly.
    assert not re.search(r"\)[*+?}]\+|\(\?>", MODULES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*MODULES, *TESTS])
def test_files_are_short_and_say_what_they_are(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert not text or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_are_portions_of_one_namespace_package(room: str) -> None:
    assert not (ROOT / room / "slm_lsp" / "__init__.py").exists()
    assert (ROOT / room / "slm_lsp" / room / "__init__.py").exists()
