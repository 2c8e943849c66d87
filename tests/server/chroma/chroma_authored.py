"""Where the authors of real programs wrote what ChromaDB expects, told by their syntax trees.

It finds the places otherwise than the server does, so that neither hides the other's mistakes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from slm_lsp.model.evaluation.calls import Receivers, imported_names

POSITIONS = {
    "get_collection": ("name",),
    "get_or_create_collection": ("name",),
    "delete_collection": ("name",),
    "get": ("ids", "where"),
    "delete": ("ids", "where"),
}
FILTERS = ("where", "where_document")


@dataclass(frozen=True)
class Written:
    """One thing that an author wrote where ChromaDB expects it."""

    kind: str
    """keyword, member, include, key, operator, document, name, space, section, option, index, metadata, result."""
    text: str
    at: int
    """Where it begins; strings behind their quote."""
    owner: str
    method: str
    call: int
    """Where the call ends."""


class Program:
    """A program and what its author wrote."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        encoded = [line.encode() for line in text.splitlines(keepends=True)]
        self._lines = encoded
        starts = [0]
        for line in encoded:
            starts.append(starts[-1] + len(line.decode()))
        self._starts = starts
        imported = set(imported_names(self.tree))
        self._names = Receivers(self.tree, imported) if imported else None

    def at(self, line: int, column: int) -> int:
        """The place of a syntax tree's line and column, in characters."""
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """ChromaDB's calls, with their owner; none whose receiver may be several things."""
        for node in ast.walk(self.tree):
            if self._names and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                kinds = self._names._of(node.func.value)
                if len(kinds) == 1:
                    yield next(iter(kinds)), node
                elif node.func.attr.endswith("Client") and self._names._is_chromadbs(node.func):
                    yield "chromadb", node

    def written(self) -> Iterator[Written]:
        """What the author wrote in them."""
        for owner, call in self.calls():
            assert isinstance(call.func, ast.Attribute)
            method = call.func.attr
            end = self.at(call.end_lineno or 1, call.end_col_offset or 0)
            found: list[tuple[str, str, int]] = []
            value = call.func.value
            dot = self.text.index(".", self.at(value.end_lineno or 1, value.end_col_offset or 0))
            found.append(("member", method, self.text.index(method, dot)))
            for keyword in call.keywords:
                if keyword.arg:
                    found.append(("keyword", keyword.arg, self.at(keyword.lineno, keyword.col_offset)))
                    found += self._argument(keyword.arg, keyword.value, owner, method)
            for name, argument in zip(POSITIONS.get(method, ()), call.args, strict=False):
                found += self._argument(name, argument, owner, method)
            for kind, text, at in found:
                yield Written(kind, text, at, owner, method, end)

    def _argument(self, name: str, value: ast.expr, owner: str, method: str) -> Iterator[tuple[str, str, int]]:
        if owner == "client" and name == "name" and method in POSITIONS:
            yield from self._string("name", value)
        elif owner == "client" and name == "metadata" and isinstance(value, ast.Dict):
            for key, its_value in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and str(key.value).startswith("hnsw:"):
                    yield from self._string("index", key)
                    if key.value == "hnsw:space":
                        yield from self._string("space", its_value)
        elif name == "configuration" and isinstance(value, ast.Dict):
            yield from self._configuration(value)
        elif owner == "collection" and name == "include" and isinstance(value, ast.List):
            for item in value.elts:
                yield from self._string("include", item)
        elif owner == "collection" and name in FILTERS and isinstance(value, ast.Dict):
            yield from self._filter(value, is_document=name == "where_document")
        elif owner == "collection" and name == "metadatas":
            yield from self._metadatas(value)

    def _configuration(self, value: ast.Dict) -> Iterator[tuple[str, str, int]]:
        for key, section in zip(value.keys, value.values, strict=True):
            yield from self._string("section", key)
            if isinstance(section, ast.Dict):
                for option, its_value in zip(section.keys, section.values, strict=True):
                    yield from self._string("option", option)
                    if isinstance(option, ast.Constant) and option.value == "space":
                        yield from self._string("space", its_value)

    def _filter(self, value: ast.expr, *, is_document: bool) -> Iterator[tuple[str, str, int]]:
        for key, its_value in zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ():
            is_operator = isinstance(key, ast.Constant) and str(key.value).startswith("$")
            yield from self._string("document" if is_document else "operator" if is_operator else "key", key)
            if isinstance(its_value, ast.List):
                for item in its_value.elts:
                    yield from self._filter(item, is_document=is_document)
            elif isinstance(its_value, ast.Dict):
                for operator in its_value.keys:
                    yield from self._string("operator", operator)

    def _metadatas(self, value: ast.expr) -> Iterator[tuple[str, str, int]]:
        match value:
            case ast.List(elts=items):
                for item in items:
                    yield from self._metadatas(item)
            case ast.ListComp(elt=item):
                yield from self._metadatas(item)
            case ast.Dict(keys=keys):
                for key in keys:
                    yield from self._string("metadata", key)

    def _string(self, kind: str, node: ast.expr | None) -> Iterator[tuple[str, str, int]]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            at = self.at(node.lineno, node.col_offset)
            if self.text[at] in "\"'" and self.text[at : at + 3] not in ('"""', "'''"):
                yield kind, node.value, at + 1
