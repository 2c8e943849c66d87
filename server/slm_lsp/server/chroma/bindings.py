"""What the lines of a text bind its names to, and where.

Knows: imports, annotations, scopes. Must not know: what an expression is, chromadb's signatures, where the cursor is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from slm_lsp.server.chroma.expressions import arguments
from slm_lsp.server.chroma.lines import CLASSES, Event, read_line
from slm_lsp.server.chroma.scopes import MODULE, Scopes

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
OWN = "."
"""What kinds begin with that are classes of the file, and their instances: nothing of ChromaDB's."""
NOWHERE = -1
"""The place of an expression that is not looked at."""
OTHER_DATABASES = frozenset(
    [
        "arango",
        "astrapy",
        "mongoengine",
        "mongomock",
        "motor",
        "pymilvus",
        "pymongo",
        "qdrant_client",
        "vecs",
        "weaviate",
    ]
)
"""Modules whose clients have collections too."""
_IMPORTED = re.compile(r"\([^)]*\)?|[^\n#]*")
_TYPE = re.compile(r"(?:chromadb\.)?(?:[\w]+\.)*(\w+)")
_CONTAINED = re.compile(r"\b(?:Optional|Union|Annotated|Final|ClassVar)\[(.*)\]$", re.S)
_RETURNED = re.compile(r"\b(?:Awaitable|(?:Async)?(?:Iterator|Generator|ContextManager))\[(.*)\]$", re.S)
_EACH = re.compile(
    r"(?:\w+\.)*(?:[Ll]ist|[Ss]et|Sequence|Collection|(?:Async)?(?:Iterable|Iterator|Generator))\[(.*)\]$", re.S
)
"""What a loop takes one by one."""
_PARAMETER = re.compile(r"(\*{0,2})([^\W\d]\w*)\s*(?::\s*([^=]*?)\s*)?(?:=(.*))?\Z", re.S)
_COMMENT = re.compile(r"#[^\n]*")


class Binding(NamedTuple):
    """A place in the text that says what a name is."""

    at: int
    """Where its line begins."""
    kind: str
    """What the name is, if that is said; else empty."""
    value: int
    """Where the expression begins that it is bound to; NOWHERE if that is something else."""
    scope: int
    """Whose name it is; of what a function returns, that function's scope."""
    part: str = ""
    """The part of the expression that is meant, as `[0]` or `[each]`."""


class Parameter(NamedTuple):
    """A parameter of one of the file's functions."""

    stars: str
    annotation: str
    default: str
    """Both empty where there is none."""


class Bindings:
    """The bindings of a text, in their order."""

    def __init__(self, text: str, exports: Mapping[str, str], *, lists_collections: bool) -> None:
        self._text = text
        self._exports = exports
        self._listed = "collection" if lists_collections else ""
        self.modules: set[str] = set()
        """What the file calls the module itself."""
        self.imported: dict[str, str] = {}
        """Name in the file -> what it is called in chromadb."""
        self.foreign: dict[str, str] = {}
        """Function in the file -> what it is called in another file of the workspace, and is there."""
        self.other_databases = False
        """Whether the file imports another database that has collections."""
        self.scopes = Scopes()
        self.classes: dict[str, int] = {}
        """Class of the file -> its scope."""
        self.of: dict[str, list[Binding]] = {}
        """Name, dotted or not -> what binds it; with `()` for what a function returns, `()[0]` for the first of it."""
        self.within: dict[tuple[int, str], list[Binding]] = {}
        """The same for the names of one scope."""
        self._parameters: dict[int, dict[str, Parameter]] = {}
        events = self._events()
        imports = {at: self._import(event.said, at + event.value) for at, _, event in events if event.what == "import"}
        for target, binding in self._read(events, imports):
            self.of.setdefault(target, []).append(binding)
            self.within.setdefault((binding.scope, target), []).append(binding)

    def _events(self) -> list[tuple[int, int, Event]]:
        """All events, with the places of their lines and the scopes around them."""
        found, at, scopes = [], 0, self.scopes
        for text in self._text.split("\n"):
            line = read_line(text)
            scopes.line(at, line.indent)
            for event in line.events:
                found.append((at, scopes.now, event))
                if event.what in ("def", "class"):
                    is_class = event.what == "class"
                    scopes.open(at, line.indent, event.target, at + event.value, is_class=is_class)
            if line.quotes:
                scopes.quotes(line.quotes)
            at += len(text) + 1
        return found

    def _import(self, module: str, at: int) -> list[tuple[str, str]]:
        """Take an import; the names that it binds to something other than ChromaDB, and what they are there."""
        imported = _IMPORTED.match(self._text, at)
        others: list[tuple[str, str]] = []
        for name, alias in _aliases(imported.group() if imported else ""):
            package = (module or name).partition(".")[0]
            self.other_databases = self.other_databases or package in OTHER_DATABASES
            if package != "chromadb":
                others.append((name if module else "", alias.partition(".")[0]))
            elif module:
                self.imported[alias] = name
            elif alias == name or name == "chromadb":
                self.modules.add(alias.partition(".")[0])
            else:  # `import chromadb.config as config` is `from chromadb import config`
                self.imported[alias] = name.rpartition(".")[2]
        self.foreign |= {alias: name for name, alias in others if f"{name}()" in self._exports}
        return others

    def _read(
        self, events: Sequence[tuple[int, int, Event]], imports: Mapping[int, list[tuple[str, str]]]
    ) -> Iterator[tuple[str, Binding]]:
        for at, scope, event in events:
            value, part = at + event.value, f"[{event.part}]" if event.part else ""
            match event.what:
                case "import":
                    for name, alias in imports[at]:
                        yield alias, Binding(at, self._exports.get(name, ""), NOWHERE, scope)
                case "assign":
                    kind = self.said(event.said) if event.said else None
                    yield event.target, Binding(at, kind or "", value, scope, part)
                case "loop":
                    yield event.target, Binding(at, self._listed if event.said else "", value, scope, part)
                case "other":
                    yield event.target, Binding(at, "", NOWHERE, scope)
                case "def" | "class":
                    yield from self._defined(at, scope, event)
                case "type":
                    if kind := self.said(event.said):
                        yield event.target, Binding(at, kind, 0, scope)
                case "returns" | "return":
                    yield from self._returned(at, self.scopes.function_of(scope), event)

    def _returned(self, at: int, function: int, event: Event) -> Iterator[tuple[str, Binding]]:
        """What a function returns, by its annotation or one of its lines."""
        if function == MODULE:
            return
        name = f"{self.scopes.all[function].name}()"
        if event.what == "return":
            yield f"{name}[{event.part}]" if event.part else name, Binding(at, "", at + event.value, function)
        elif kind := self.said(event.said, of_return=True):
            yield name, Binding(at, kind, NOWHERE, function)
            if _EACH.match(event.said.strip(" \"'")):
                yield f"{name}[each]", Binding(at, kind, NOWHERE, function)
        elif (each := _EACH.match(event.said.strip(" \"'"))) and (kind := self.said(each[1].split(",")[0])):
            yield f"{name}[each]", Binding(at, kind, NOWHERE, function)

    def _defined(self, at: int, scope: int, event: Event) -> Iterator[tuple[str, Binding]]:
        """The name of a function or class; methods are no names of their own."""
        own = bisect_left(self.scopes.all, (at,))
        if own == len(self.scopes.all) or self.scopes.all[own].at != at:
            return  # in a string
        if event.what == "class":
            self.classes[event.target] = own
            yield event.target, Binding(at, f"{OWN}{own}", NOWHERE, scope)
        elif scope == MODULE or not self.scopes.all[scope].is_class:
            yield event.target, Binding(at, "", NOWHERE, scope)

    def said(self, annotation: str, *, of_return: bool = False) -> str | None:
        """What an annotation makes of a name, or of what a function returns: awaited, entered or yielded."""
        for part in annotation.strip(" \t\"'").split("|"):
            part = part.strip(" \t\"'")
            contained = _CONTAINED.search(part) or (_RETURNED.search(part) if of_return else None)
            if contained:
                return self.said(contained[1].split(",")[0], of_return=of_return)
            whole = _TYPE.fullmatch(part)
            if whole and self.is_chromadbs(part):
                name = self.imported.get(whole[1], whole[1])
                if kind := CLASSES.get(name) or FACTORIES.get(name):
                    return kind
            elif part in self.classes:
                return f"{OWN}{self.classes[part]}"
        return None

    def is_chromadbs(self, dotted: str) -> bool:
        """Whether a dotted name is the module's or imported from it."""
        first = dotted.partition(".")[0]
        return first in self.modules or first in self.imported

    def parameters(self, scope: int) -> dict[str, Parameter]:
        """The parameters of a function, in their order; nothing for a class or module."""
        if scope == MODULE or self.scopes.all[scope].is_class:
            return {}
        if scope not in self._parameters:
            header = self._text.find("(", self.scopes.all[scope].at)
            parts = (_COMMENT.sub("", part).strip() for part in arguments(self._text, header))
            self._parameters[scope] = {
                found[2]: Parameter(found[1], found[3] or "", (found[4] or "").strip())
                for part in parts
                if (found := _PARAMETER.match(part))
            }
        return self._parameters[scope]

    def bases(self, scope: int) -> list[str]:
        """What a class inherits from, as it is written."""
        at = self.scopes.all[scope].at
        header = re.compile(r"\s*(?:class\s+\w+\s*)(?=\()").match(self._text, at)
        return [part.strip() for part in arguments(self._text, header.end())] if header else []

    def telling(self, bindings: Sequence[Binding] | None) -> list[Binding]:
        """Those that say something: one to None does not, as long as there are others."""
        return [
            one
            for one in bindings or ()
            if one.kind or one.value == NOWHERE or not self._text.startswith("None", one.value)
        ]


def nearest(bindings: Sequence[Binding], at: int) -> Binding:
    """The nearest above a place, else the first below."""
    return bindings[max(bisect_left(bindings, (at,)) - 1, 0)]


def _aliases(imported: str) -> Iterator[tuple[str, str]]:
    """What is imported, and what the file calls it."""
    for part in _COMMENT.sub("", imported).strip("() \t\n").split(","):
        words = part.split()
        if words:
            yield words[0], words[2] if len(words) == 3 and words[1] == "as" else words[0]
