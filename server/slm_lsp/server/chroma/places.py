"""What ChromaDB expects at a cursor.

Knows: what ChromaDB's methods take where: names of collections, filters, what to include, configurations. Must not
know: how an offer looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from slm_lsp.server.chroma.facts import Facts, Signature
from slm_lsp.server.chroma.names import MAKERS, Names
from slm_lsp.server.chroma.scan import Frame, Scanner, Spot, names_behind, statement_start

Kind = Literal[
    "member", "keyword", "collection", "include", "filter", "operator", "document_filter", "metadata",
    "collection_metadata", "space", "configuration", "embedding_function", "result",
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What is expected."""

    kind: Kind
    owner: str = ""
    """Whose method is called, or whose member is asked for; also the section of a configuration."""
    method: str = ""
    call: Frame | None = None
    """The call that the cursor stands in directly."""
    signature: Signature | None = None
    """Of the called function."""
    frame: Frame | None = None
    """The innermost bracket."""


@dataclass(frozen=True)
class Function:
    """A function of ChromaDB's that is called."""

    owner: str
    method: str
    signature: Signature


_IMPORTING = re.compile(r"[ \t]*(?:from|import)\b")
_BY_NAME = MAKERS | {"delete_collection"}
"""Methods that are ChromaDB's wherever a file uses it, unless it says otherwise."""
_CLIENT = re.compile(r"(?i)(?:client|^chroma|\.chroma|_db|^db|\.db)(?:\(\))?\Z")
_NAMED = ("get_collection", "get_or_create_collection", "delete_collection")
"""Methods that take the name of a collection that may exist."""
_ARGUMENTS = ("where", "where_document", "metadatas", "include")
"""Arguments that are often made ready in a variable."""
_METHODS = ("query", "get", "delete", "add", "upsert", "update")
"""Methods of collections that take one of them."""
_OWN_ARGUMENTS = {"query_texts", "query_embeddings", "n_results", "where_document"}
"""Arguments that only ChromaDB's methods of these names take."""
_MOST_CALLS = 8
"""Calls to which a variable is passed that are looked at."""


class Reader:
    """Tells what is expected at the cursors of one text."""

    def __init__(self, text: str, names: Names, facts: Facts) -> None:
        self._text = text
        self._names = names
        self._owners = facts.installed.owners
        self._facts = facts

    def places(self, spot: Spot, at: int, line: str) -> list[Place]:
        """What is expected at a cursor, which the line `line` leads up to; the likelier first."""
        if spot.receiver is not None:
            owner = None if _IMPORTING.match(line) else self._owner(spot.receiver, at)
            return [Place("member", owner)] if owner else []
        if not spot.fresh or not spot.frames:
            return []
        innermost = spot.frames[-1]
        if innermost.bracket == "[" and innermost.head:
            kind = self._names.kind(innermost.head, at)
            return [Place("result", method=kind, frame=innermost)] if kind in ("get", "query") else []
        index = max((index for index, frame in enumerate(spot.frames) if frame.bracket == "("), default=-1)
        path = spot.frames[index + 1 :]
        if any(frame.head for frame in path):
            return []
        called = self._function(spot.frames[index].head, at) if index >= 0 else None
        if called is not None:
            return self._in_call(called, spot.frames[index], path, spot.in_string)
        return self._elsewhere(spot, spot.frames[index] if index >= 0 else None, path)

    def _owner(self, receiver: str, at: int) -> str | None:
        """Whose members follow behind a dot."""
        if receiver in self._names.modules:
            return "chromadb"
        if self._names.imported.get(receiver, receiver.rpartition("utils.")[2]) == "embedding_functions":
            return "embedding_functions" if self._names.uses_chromadb else None
        kind = self._names.kind(receiver, at)
        return kind if kind in self._owners else None

    def _function(self, head: str, at: int) -> Function | None:
        """The function of ChromaDB's that a dotted name is."""
        receiver, _, method = head.rpartition(".")
        method = self._names.imported.get(method, method) if not receiver else method
        if not receiver:
            owners = ["chromadb", "embedding_functions", "classes"] if head in self._names.imported else []
        elif self._is_module(receiver):
            owners = ["chromadb", "embedding_functions", "classes"]
        elif owner := self._owner(receiver, at):
            owners = [owner]
        else:
            owners = ["client"] if self._is_clients(receiver, method) else []
        for owner in owners:
            if (signature := self._owners.get(owner, {}).get(method)) and not signature.is_attribute:
                return Function(owner, method, signature)
        return None

    def _is_module(self, receiver: str) -> bool:
        """Whether a receiver is the module or one of its parts."""
        first = receiver.partition(".")[0]
        is_part = self._names.imported.get(first) in ("config", "utils", "api")
        return (first in self._names.modules or is_part) and "(" not in receiver

    def _is_clients(self, receiver: str, method: str) -> bool:
        """Whether a receiver that nothing is known of must be a client, by its name and its method's."""
        return (
            method in _BY_NAME
            and _CLIENT.search(receiver) is not None
            and self._names.uses_chromadb
            and not self._names.is_defined(method)
            and not self._names.other_databases
        )

    def _in_call(self, called: Function, call: Frame, path: Sequence[Frame], in_string: bool) -> list[Place]:
        places: list[Place] = []
        if argument := self._argument(called, call):
            places += self._in_argument(argument, called, path, in_string, is_named=call.name is not None)
        if not path and not in_string and call.name is None and not call.spread:
            places.append(Place("keyword", called.owner, called.method, call, called.signature, call))
        return places

    def _argument(self, called: Function, call: Frame) -> str:
        """The parameter whose argument is being written; empty where there is none."""
        parameters = called.signature.parameters
        if call.name is not None:
            return call.name if any(call.name == one.name for one in parameters) else ""
        if call.names or call.spread or call.positional >= len(parameters):
            return ""
        return parameters[call.positional].name

    def _in_argument(
        self, argument: str, called: Function, path: Sequence[Frame], in_string: bool, *, is_named: bool
    ) -> list[Place]:
        method = called.method
        is_collections = called.owner in ("client", "async_client")
        if not path:
            if argument == "name" and is_collections and method in _NAMED:
                return [Place("collection")]
            if argument == "embedding_function" and not in_string and is_named:
                return [Place("embedding_function")]
            return []
        if argument == "metadata" and (is_collections or method == "modify"):
            return self._in_collection_metadata(path, method)
        if argument == "configuration" and (is_collections or method == "modify"):
            return self._in_configuration(path, "update" if method == "modify" else "create")
        if called.owner in ("collection", "async_collection"):
            return self._in_data(argument, path, method)
        return []

    def _elsewhere(self, spot: Spot, call: Frame | None, path: Sequence[Frame]) -> list[Place]:
        """What is expected outside of ChromaDB's own calls: in what is made ready for one."""
        if not (self._names.uses_chromadb or "n_results" in self._text):
            return []
        if call is not None:
            if call.head in ("metadatas.append", "self.metadatas.append") and path and not call.commas:
                return self._in_data("metadatas", path, "add")
            if self._names.imported.get(call.head) in ("K", "Key") and not path and not call.commas and spot.in_string:
                return [Place("metadata", frame=call)]
            return []
        assigned = (spot.assigned or "").rpartition(".")[2]
        if not assigned or not path:
            return []
        passed = re.finditer(rf"\b({'|'.join(_ARGUMENTS)})[ \t]*=[ \t]*{re.escape(assigned)}\b(?![.(\[])", self._text)
        for one in islice(passed, _MOST_CALLS):
            if method := self._method_around(one.start(), one.end()):
                return self._in_data(one[1], path, method)
        return []

    def _method_around(self, at: int, end: int) -> str:
        """The method of a collection whose argument ends at a place; empty if the call is not certainly one's."""
        start = statement_start(self._text[:at])
        scanner = Scanner()
        for _ in scanner.read(self._text, start, at):
            pass
        if not scanner.frames or scanner.frames[-1].bracket != "(":
            return ""
        call = scanner.frames[-1]
        method = call.head.rpartition(".")[2]
        if called := self._function(call.head, at):
            return method if called.owner in ("collection", "async_collection") else ""
        passed = {*call.names, *names_behind(self._text[end:], "", "(")}
        is_known = self._names.kind(call.head.rpartition(".")[0], at) is not None
        return method if not is_known and method in _METHODS and passed & _OWN_ARGUMENTS else ""

    def _in_data(self, argument: str, path: Sequence[Frame], method: str) -> list[Place]:
        """In an argument of a collection's method."""
        innermost = path[-1]
        brackets = "".join(frame.bracket for frame in path)
        if argument == "include" and brackets == "[":
            return [Place("include", method="get" if method == "get" else "query", frame=innermost)]
        if argument == "metadatas" and brackets in ("{", "[{") and innermost.name is None:
            return [Place("metadata", frame=innermost)]
        if argument in ("where", "where_document"):
            return self._in_filter(path, is_document=argument == "where_document")
        return []

    def _in_filter(self, path: Sequence[Frame], *, is_document: bool) -> list[Place]:
        """In a filter: dicts of one key; behind a logical operator lists of them; behind a key an operator's dict."""
        *outer, innermost = path
        expected = "{"
        of_key = False
        for frame in outer:
            if frame.bracket != expected or of_key:
                return []
            if expected == "[":
                expected = "{"
            elif frame.name in self._facts.installed.logical:
                expected = "["
            else:
                of_key = True
        if innermost.bracket != "{" or expected != "{" or innermost.name is not None or innermost.commas:
            return []
        if is_document:
            return [] if of_key else [Place("document_filter", frame=innermost)]
        return [Place("operator" if of_key else "filter", frame=innermost)]

    def _in_collection_metadata(self, path: Sequence[Frame], method: str) -> list[Place]:
        if len(path) != 1 or path[0].bracket != "{":
            return []
        if path[0].name is None:
            return [Place("collection_metadata", method=method, frame=path[0])]
        return [Place("space", frame=path[0])] if path[0].name == "hnsw:space" else []

    def _in_configuration(self, path: Sequence[Frame], use: str) -> list[Place]:
        if any(frame.bracket != "{" for frame in path) or len(path) > 2:
            return []
        innermost = path[-1]
        section = (path[0].name or "") if len(path) == 2 else ""
        if innermost.name is None:
            return [Place("configuration", section, use, frame=innermost)]
        return [Place("space", section, use, frame=innermost)] if section and innermost.name == "space" else []
