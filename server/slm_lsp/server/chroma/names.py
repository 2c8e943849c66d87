"""Which names of a file are ChromaDB's clients and collections, told by its text alone.

Knows: the few ways in which such names come into being. Must not know: chromadb's signatures, where the cursor is.

The text is read line by line with regular expressions: it is broken while somebody types, and parsing it takes too
long. A name is what the nearest binding above the cursor makes it, else one below; when in doubt it is nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from slm_lsp.server.chroma.expressions import LONGEST, arguments, reduce
from slm_lsp.server.chroma.lines import CLASSES, Event, events_of

FACTORIES = {
    "Client": "client",
    "EphemeralClient": "client",
    "PersistentClient": "client",
    "HttpClient": "client",
    "CloudClient": "client",
    "RustClient": "client",
    "AsyncHttpClient": "async_client",
    "AdminClient": "admin",
}
"""The functions of the module that make a client."""
MAKERS = frozenset(("create_collection", "get_collection", "get_collection_by_id", "get_or_create_collection"))
_RESULTS = {"query": "query", "get": "get", "peek": "get"}
_COLLECTIONS = ("collection", "async_collection")
_DEEPEST = 8
"""Names that are followed from one to the next."""

_NESTED = 4
"""Functions above a place of which one may be around it."""
_IMPORTED = re.compile(r"\([^)]*\)?|[^\n#]*")
_CLASS = re.compile(r"class[ \t]+(\w+)")
_TYPE = re.compile(r"(?:chromadb\.)?(?:[\w]+\.)*(\w+)")
_CONTAINED = re.compile(
    r"\b(?:Optional|Annotated|Awaitable|(?:Async)?(?:Iterator|Generator|ContextManager))\[(.*)\]$", re.S
)


class Binding(NamedTuple):
    """A place in the text that says what a name is."""

    at: int
    kind: str
    """What the name is, if that is said; else empty."""
    value: int
    """Where the expression begins that it is bound to."""


class Names:
    """The names of a text."""

    def __init__(self, text: str, exports: Mapping[str, str] | None = None, *, lists_collections: bool = True) -> None:
        self._text = text
        self._lists_collections = lists_collections
        """Whether `list_collections` gives collections; in chromadb 0.6 it gives names."""
        self.modules: set[str] = set()
        """What the file calls the module itself."""
        self.imported: dict[str, str] = {}
        """Name in the file -> what it is called in chromadb."""
        self._foreign: dict[str, str] = {}
        """Name in the file -> what it is called in another file of the workspace, and is there."""
        self._exports = exports or {}
        self._functions: list[tuple[int, str]] = []
        self._headers: dict[int, list[str]] = {}
        self._bindings: dict[str, list[Binding]] = {}
        self._by_last: dict[str, list[str]] = {}
        events = self._events()
        for at, event in events:
            if event.what == "import":
                self._import(event.said, at + event.value)
        self.uses_chromadb = bool(self.modules or self.imported)
        for target, binding in self._read(events):
            self._bindings.setdefault(target, []).append(binding)
        for target in self._bindings:
            self._by_last.setdefault(target.rpartition(".")[2], []).append(target)

    def _events(self) -> list[tuple[int, Event]]:
        """All events, with the places of their lines."""
        found, at = [], 0
        for line in self._text.split("\n"):
            if events := events_of(line):
                found += [(at, event) for event in events]
            at += len(line) + 1
        return found

    def kind(self, expression: str, at: int) -> str | None:
        """Which owner's methods an expression has at a place, or `get` or `query` for their results.

        The expression is a dotted name; `()` marks calls. None: unknown, or nothing of ChromaDB's.
        """
        return self._kind(expression, at, _DEEPEST)

    def is_defined(self, name: str) -> bool:
        """Whether the file defines a function of that name."""
        return re.search(rf"\bdef[ \t]+{re.escape(name)}\b", self._text) is not None

    def exported(self) -> dict[str, str]:
        """The names at the file's top level, of functions too, that other files may import, and what they are."""
        found = {}
        for target in self._bindings:
            if "." not in target and target != "self" and (kind := self.kind(target, len(self._text))):
                found[target] = kind
        return found

    def _import(self, module: str, at: int) -> None:
        imported = _IMPORTED.match(self._text, at)
        aliases = list(_aliases(imported.group() if imported else ""))
        if module.partition(".")[0] == "chromadb":
            self.imported |= {alias: name for name, alias in aliases}
        elif module:
            self._foreign |= {alias: name for name, alias in aliases if name in self._exports}
        else:
            self.modules |= {alias.partition(".")[0] for name, alias in aliases if name.partition(".")[0] == "chromadb"}

    def _read(self, events: list[tuple[int, Event]]) -> Iterator[tuple[str, Binding]]:
        functions: list[tuple[int, Event]] = []
        listed = "collection" if self._lists_collections else ""
        for at, event in events:
            if event.what == "def":
                functions.append((at, event))
                self._functions.append((at, event.target))
            elif event.what == "assign":
                kind = self._said(event.said) if event.said else None
                yield event.target, Binding(at, kind or "", at + event.value)
            elif event.what == "loop":
                yield event.target, Binding(at, listed if event.said else "", at + event.value)
            elif event.what == "type":
                if kind := self._said(event.said):
                    yield event.target, Binding(at, kind, 0)
            elif event.what == "returns" and functions:
                if kind := self._said(event.said):
                    yield f"{functions[-1][1].target}()", Binding(functions[-1][0], kind, 0)
            elif event.what == "return":
                around = (one for one in reversed(functions) if len(one[1].said) < len(event.said))
                if found := next(around, None):
                    yield f"{found[1].target}()", Binding(found[0], "", at + event.value)

    def _said(self, annotation: str) -> str | None:
        """What an annotation makes of a name."""
        parts = [part.strip(" \t\"'") for part in annotation.strip(" \t\"'").split("|")]
        for part in parts:
            if contained := _CONTAINED.search(part):
                return self._said(contained[1].split(",")[0])
            if (whole := _TYPE.fullmatch(part)) and self._is_chromadbs(part) and (kind := self._class(whole[1])):
                return kind
        return None

    def _class(self, name: str) -> str | None:
        return CLASSES.get(self.imported.get(name, name))

    def _is_chromadbs(self, dotted: str) -> bool:
        """Whether a dotted name is the module's or imported from it."""
        first = dotted.partition(".")[0]
        return first in self.modules or first in self.imported

    def _kind(self, expression: str, at: int, depth: int) -> str | None:
        if depth == 0 or not expression:
            return None
        if expression.endswith("()"):
            return self._called(expression[:-2], at, depth - 1)
        if "(" in expression or "[" in expression:
            return None
        binding = self._binding(expression, at)
        if "." not in expression and (kind := self._of_parameter(expression, at, binding, depth - 1)):
            return kind
        if binding is None:
            return self._unbound(expression, at, depth)
        return self._value(binding, depth - 1)

    def _value(self, binding: Binding, depth: int) -> str | None:
        if binding.kind:
            return binding.kind
        expression = reduce(self._text[binding.value : binding.value + LONGEST])
        return self._kind(expression, binding.at, depth)

    def _binding(self, expression: str, at: int) -> Binding | None:
        """The nearest binding above a place, else the first below; of another object's attribute if need be.

        One to None says nothing, as long as there are others.
        """
        bindings = self._bindings.get(expression)
        if not bindings and "." in expression:
            last = expression.rpartition(".")[2]
            targets = [target for target in self._by_last.get(last, []) if "." in target]
            bindings = self._bindings[targets[0]] if targets else None
        bindings = [one for one in bindings or [] if one.kind or not self._text.startswith("None", one.value)]
        if not bindings:
            return None
        index = bisect_left(bindings, (at,)) - 1
        return bindings[max(index, 0)]

    def _unbound(self, expression: str, at: int, depth: int) -> str | None:
        """A property, a fixture's parameter, or a name from another file of the workspace."""
        last = expression.rpartition(".")[2]
        if functions := self._bindings.get(f"{last}()"):
            return self._value(functions[0], depth - 1)
        said = {binding.kind for binding in self._bindings.get(last, ())} if "." in expression else set()
        if len(said) == 1 and (kind := said.pop()):  # a field of a dataclass, or a parameter that became an attribute
            return kind
        return self._exports.get(self._foreign.get(last, ""))

    def _of_parameter(self, name: str, at: int, binding: Binding | None, depth: int) -> str | None:
        """What a parameter of the function around a place is, by the arguments that the file passes it.

        Nothing if the function binds the name itself, above the place.
        """
        for start, function in self._functions[: bisect_left(self._functions, (at,))][:-_NESTED:-1]:
            if binding and start <= binding.at < at:
                return None
            parameters = self._parameters(start)
            if name in parameters:
                index = parameters.index(name) - (parameters[0] in ("self", "cls"))
                return self._argument(self._callee(function, start), name, index, depth)
        return None

    def _parameters(self, start: int) -> list[str]:
        """The names of a function's parameters."""
        if start not in self._headers:
            header = self._text.find("(", start)
            self._headers[start] = [part.strip().partition("=")[0].strip() for part in arguments(self._text, header)]
        return self._headers[start]

    def _callee(self, function: str, at: int) -> str:
        """By what name a function is called: constructors by that of their class."""
        if function != "__init__":
            return function
        found = _CLASS.search(self._text, self._text.rfind("\nclass ", 0, at) + 1)
        return found[1] if found else ""

    def _argument(self, function: str, name: str, index: int, depth: int) -> str | None:
        """What is passed for a parameter, in the first call that tells."""
        for call in re.finditer(rf"(?<!def )\b{re.escape(function)}\(", self._text) if function and depth > 0 else ():
            parts = arguments(self._text, call.end() - 1)
            named = [part.partition("=")[2] for part in parts if re.match(rf"\s*{name}\s*=(?!=)", part)]
            passed = named or [part for part in parts[index : index + 1] if "=" not in part]
            if passed and (kind := self._kind(reduce(passed[0]), call.start(), depth)):
                return kind
        return None

    def _called(self, function: str, at: int, depth: int) -> str | None:
        """What a call returns."""
        receiver, _, last = function.rpartition(".")
        name = self.imported.get(last, last) if not receiver else last
        if (kind := FACTORIES.get(name) or CLASSES.get(name)) and self._is_chromadbs(function):
            return kind
        if receiver and last in MAKERS:
            made = self._kind(receiver, at, depth)
            if made in ("client", "async_client"):
                return made.replace("client", "collection")
            return "collection" if made is None and not self.is_defined(last) and self.uses_chromadb else None
        if receiver and last in _RESULTS and self._kind(receiver, at, depth) in _COLLECTIONS:
            return _RESULTS[last]
        if functions := self._bindings.get(f"{last}()"):
            return self._value(functions[0], depth)
        return self._exports.get(self._foreign.get(function, ""))


def _aliases(imported: str) -> Iterator[tuple[str, str]]:
    """What is imported, and what the file calls it."""
    for part in re.sub(r"#[^\n]*", "", imported).strip("() \t\n").split(","):
        words = part.split()
        if words:
            yield words[0], words[2] if len(words) == 3 and words[1] == "as" else words[0]
