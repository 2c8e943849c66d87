"""Python source of a package, looked up by class and function without importing it.

Knows: Python's syntax and docstrings. Must not know: chromadb.
"""

from __future__ import annotations

import ast
import inspect
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from slm_lsp.server.chroma.facts import Parameter, Signature

Function = ast.FunctionDef | ast.AsyncFunctionDef

_LONGEST = 200
"""Characters of a line of documentation; more is cut off."""
_ARGUMENT = re.compile(r"^(\s*)\*{0,2}(\w+)(?:\s*\([^)]*\))?\s*:\s+(\S.*)$")


_PARSING = threading.Lock()
"""CPython 3.11 counts the depth of syntax trees for all threads together, and stumbles where two make one."""


class Source:
    """The modules of a package, parsed when they are first asked for. A module that cannot be read is empty."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._modules: dict[str, ast.Module] = {}

    def module(self, name: str) -> ast.Module:
        """A module by its path in the package, such as `api/types.py`."""
        if name not in self._modules:
            self._modules[name] = ast.Module([], [])
            with suppress(OSError, ValueError, SyntaxError, RecursionError):
                text = (self._package / name).read_text(encoding="utf-8")
                with _PARSING:
                    self._modules[name] = ast.parse(text)
        return self._modules[name]

    def has(self, name: str) -> bool:
        """Whether the package has a module or package of that name at its top."""
        return (self._package / f"{name}.py").is_file() or (self._package / name / "__init__.py").is_file()

    def modules(self, folder: str) -> list[str]:
        """The paths of a folder's modules; of none where there is no such folder."""
        return sorted(f"{folder}/{path.name}" for path in (self._package / folder).glob("*.py"))

    def classes(self, names: Sequence[str]) -> dict[str, ast.ClassDef]:
        """The classes of some modules by name; the first of a name counts."""
        found: dict[str, ast.ClassDef] = {}
        for name in names:
            for node in self.module(name).body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, node)
        return found

    def functions(self, name: str) -> dict[str, Function]:
        """A module's functions by name."""
        return {node.name: node for node in self.module(name).body if isinstance(node, Function)}

    def value(self, name: str, variable: str) -> ast.expr | None:
        """What a module's variable is bound to at its top level."""
        for node in self.module(name).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == variable:
                    return value
                case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == variable:
                    return value
        return None


def lineage(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """A class and its ancestors, as far as they are among these, nearest first."""
    seen, waiting = set[str](), [name]
    while waiting:
        name = waiting.pop(0)
        if name in classes and name not in seen:
            seen.add(name)
            yield classes[name]
            waiting.extend(map(last_name, classes[name].bases))


def last_name(node: ast.expr) -> str:
    """The last identifier of a dotted name, of a subscripted one too; empty for anything else."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return last_name(value)
    return ""


def strings(node: ast.AST | None) -> list[str]:
    """Every string literal in a node, in order, each once."""
    nodes = ast.walk(node) if node else []
    found = [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return list(dict.fromkeys(found))


def is_plain_method(node: ast.AST) -> bool:
    """Whether a node is a public method that instances have."""
    if not isinstance(node, Function) or node.name.startswith("_"):
        return False
    return not {"classmethod", "staticmethod", "property", "setter"} & set(map(last_name, node.decorator_list))


def attribute_name(node: ast.AST) -> str:
    """The name of a public property or annotated attribute; empty for anything else."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)):
            pass
        case ast.FunctionDef(name=name, decorator_list=decorators) if "property" in map(last_name, decorators):
            pass
        case _:
            return ""
    return "" if name.startswith("_") else name


def signature(function: Function, *, docs: Sequence[str] = ()) -> Signature:
    """What a function takes, `self` and `cls` aside; documented by its own docstring, else by one of `docs`."""
    texts = [text for text in (ast.get_docstring(function), *docs) if text]
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(named) - len(arguments.defaults))
    defaults += arguments.defaults
    pairs = list(zip(named, defaults, strict=True))[len(arguments.posonlyargs) :]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    said: dict[str, str] = {}
    for text in reversed(texts):
        said |= argument_docs(text)
    parameters = (
        Parameter(
            one.arg,
            ast.unparse(one.annotation) if one.annotation else "",
            ast.unparse(default) if default else None,
            said.get(one.arg, ""),
        )
        for one, default in pairs
        if one.arg not in ("self", "cls")
    )
    return Signature(tuple(parameters), first_line(texts[0]) if texts else "")


def first_line(doc: str) -> str:
    """The first sentence or line of a docstring."""
    paragraph = " ".join(inspect.cleandoc(doc).split("\n\n")[0].split())
    return _cut(re.split(r"(?<=[.!?]) ", paragraph)[0])


def argument_docs(doc: str) -> dict[str, str]:
    """What a docstring says of each argument, under `Args:` or as `name: text`; the first line of it."""
    said: dict[str, str] = {}
    least: int | None = None
    for line in inspect.cleandoc(doc).splitlines():
        if found := _ARGUMENT.match(line):
            indent, name, text = len(found[1]), found[2], found[3]
            least = indent if least is None or indent < least else least
            if indent == least:
                said.setdefault(name, _cut(text))
    return said


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rsplit(" ", 1)[0] + "…"
