"""Which calls of a program go to chromadb's clients, admin clients and collections, by its syntax alone.

Knows: Python's syntax and the few names by which a client or a collection comes into being. Must not know: chromadb's
signatures, or how many calls are enough.

The rule, simple on purpose: a program counts only if it imports chromadb. Each name of the file (a variable, an
attribute, a parameter, a function for what it returns) has a kind if the file says so somewhere: it is annotated with
one of chromadb's classes, bound to the result of a factory (`chromadb.HttpClient(...)`) or of a method that makes
collections (`....get_collection(...)`), bound to or returned as another such name, or passed one as an argument. A
call counts if its receiver has a kind. The rule errs in two known ways. Too few: it misses receivers kept in dicts
and lists, methods passed uncalled (`to_thread(collection.query, ...)`) and keywords behind `**`. Too many: it knows no
scopes, so a name that is a dict in one function and a collection in another counts in both.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["client", "admin", "collection"]
Owner = Literal["chromadb", "client", "admin", "collection"]
"""Whose the called function is; "chromadb" for the factories, which are the module's own."""

FACTORIES: dict[str, Kind] = {
    "Client": "client",
    "EphemeralClient": "client",
    "PersistentClient": "client",
    "HttpClient": "client",
    "AsyncHttpClient": "client",
    "CloudClient": "client",
    "RustClient": "client",
    "AdminClient": "admin",
}
"""The functions of the module that make a client."""

_MAKERS = {"create_collection", "get_collection", "get_collection_by_id", "get_or_create_collection"}
_CLASSES: dict[str, Kind] = {
    **dict.fromkeys(("ClientAPI", "AsyncClientAPI"), "client"),
    **dict.fromkeys(("AdminAPI", "AsyncAdminAPI", "AsyncAdminClient"), "admin"),
    **dict.fromkeys(("Collection", "AsyncCollection"), "collection"),
}
_WRAPPERS = {"enter_context", "enter_async_context", "closing", "run"}
"""Calls that hand on what their first argument is."""

_TRANSPARENT = {
    "Annotated", "AsyncGenerator", "AsyncIterator", "Awaitable", "Generator", "Iterator", "Optional", "Union",
}  # fmt: skip
"""Annotations that say of a name, or of what a function yields, what their arguments say."""


@dataclass(frozen=True)
class Call:
    """One call of a program."""

    owner: Owner
    method: str
    keywords: frozenset[str]
    """Those passed by name."""


def chroma_calls(text: str) -> list[Call]:
    """The calls of a program's text to chromadb's API, by the rule above; none if it does not import chromadb.

    Raises SyntaxError if the text is not Python.
    """
    return [
        Call(owner, _last(node.func), frozenset(keyword.arg for keyword in node.keywords if keyword.arg))
        for owner, node in chroma_nodes(ast.parse(text))
    ]


def chroma_nodes(tree: ast.AST) -> list[tuple[Owner, ast.Call]]:
    """The same calls of a parsed program, and whose they are; one whose owner is not sure comes more than once."""
    imported = set(imported_names(tree))
    return list(Receivers(tree, imported).calls()) if imported else []


def imported_names(tree: ast.AST) -> Iterator[str]:
    """The names by which a file knows chromadb and what it imports from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                module = node.module if isinstance(node, ast.ImportFrom) else alias.name
                if module and module.split(".")[0] == "chromadb":
                    yield alias.asname or alias.name.split(".")[0]


class Receivers:
    """The kinds of a file's names, followed from binding to binding until nothing changes."""

    def __init__(self, tree: ast.AST, imported: set[str]) -> None:
        self._imported = imported
        self._nodes = list(ast.walk(tree))
        self._kinds: defaultdict[str, set[Kind]] = defaultdict(set)
        self._functions = _parameters(self._nodes)
        known = -1
        while known < (known := sum(map(len, self._kinds.values()))):
            for node in self._nodes:
                self._learn(node)

    def calls(self) -> Iterator[tuple[Owner, ast.Call]]:
        """Every call whose receiver has a kind, and every factory's, with whose it is."""
        for node in self._nodes:
            if not isinstance(node, ast.Call):
                continue
            if _last(node.func) in FACTORIES and self._is_chromadbs(node.func):
                yield "chromadb", node
            elif isinstance(node.func, ast.Attribute):
                yield from ((kind, node) for kind in sorted(self._of(node.func.value)))

    def _learn(self, node: ast.AST) -> None:
        """Bind what this node binds."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self._add(_last(target), _annotated(annotation) | self._of(value))
            case ast.NamedExpr(target=target, value=value):
                self._bind(target, value)
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._bind(target, value)
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                self._add(name, _annotated(annotation))
            case ast.For(target=target, iter=iterable) | ast.comprehension(target=target, iter=iterable):
                self._bind_items(target, iterable)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._learn_result(node)
            case ast.Call():
                self._learn_arguments(node)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for part, its_value in zip(target.elts, value.elts, strict=False):
                self._bind(part, its_value)
        else:
            self._add(_last(target), self._of(value))

    def _bind_items(self, target: ast.expr, iterable: ast.expr) -> None:
        source = iterable.value if isinstance(iterable, ast.Await) else iterable
        if isinstance(source, ast.Call) and _last(source.func) == "list_collections":
            self._add(_last(target), {"collection"})
        elif isinstance(source, ast.Tuple | ast.List):
            for value in source.elts:
                self._bind(target, value)

    def _learn_result(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if function.returns:
            self._add(function.name, _annotated(function.returns))
        for node in ast.walk(function):
            if isinstance(node, ast.Return | ast.Yield):
                self._add(function.name, self._of(node.value))

    def _learn_arguments(self, call: ast.Call) -> None:
        parameters = self._functions.get(_last(call.func), [])
        for name, value in zip(parameters, call.args, strict=False):
            self._add(name, self._of(value))
        for keyword in call.keywords:
            if keyword.arg in parameters:
                self._add(keyword.arg, self._of(keyword.value))

    def _of(self, node: ast.expr | None) -> set[Kind]:
        """The kinds that an expression's value may have."""
        match node:
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self._of(value)
            case ast.IfExp(body=one, orelse=other):
                return self._of(one) | self._of(other)
            case ast.BoolOp(values=values):
                return {kind for value in values for kind in self._of(value)}
            case ast.Name() | ast.Attribute():
                return self._kinds[_last(node)]
            case ast.Call(func=function, args=arguments):
                return self._of_call(function, arguments)
        return set()

    def _of_call(self, function: ast.expr, arguments: list[ast.expr]) -> set[Kind]:
        name = _last(function)
        if name in FACTORIES and self._is_chromadbs(function):
            return {FACTORIES[name]}
        if name in _CLASSES and self._is_chromadbs(function):
            return {_CLASSES[name]}
        if name in _MAKERS and isinstance(function, ast.Attribute):
            return {"collection"}
        if name in _WRAPPERS and arguments:
            return self._of(arguments[0])
        return self._kinds[name]

    def _is_chromadbs(self, function: ast.expr) -> bool:
        """Whether a factory's name is the module's (`chromadb.Client`) or imported from it, not somebody else's."""
        source = function.value if isinstance(function, ast.Attribute) else function
        return isinstance(source, ast.Name) and source.id in self._imported

    def _add(self, name: str, kinds: Iterable[Kind]) -> None:
        if name:
            self._kinds[name].update(kinds)


def _last(node: ast.expr) -> str:
    """The last identifier of a dotted name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _annotated(node: ast.expr) -> set[Kind]:
    """The kinds that an annotation names, also in quotes, as one of several or as what an iterator yields."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return _annotated(ast.parse(text, mode="eval").body)
            except SyntaxError:  # not a type: a remark inside Annotated[...]
                return set()
        case ast.BinOp(left=one, op=ast.BitOr(), right=other):
            return _annotated(one) | _annotated(other)
        case ast.Tuple(elts=parts):
            return {kind for part in parts for kind in _annotated(part)}
        case ast.Subscript(value=outer, slice=inner) if _last(outer) in _TRANSPARENT:
            return _annotated(inner)
        case ast.Name() | ast.Attribute():
            return {_CLASSES[_last(node)]} if _last(node) in _CLASSES else set()
    return set()


def _parameters(nodes: Iterable[ast.AST]) -> dict[str, list[str]]:
    """The parameters of the file's functions, and of its classes' constructors under the class's name."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    found[node.name] = _names_of(method)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            found[node.name] = _names_of(node)
    return found


def _names_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names
