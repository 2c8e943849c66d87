"""Which names of a file are ChromaDB's clients and collections, told by its text alone.

Knows: the few ways in which such names come into being. Must not know: chromadb's signatures, where the cursor is.

The text is read line by line with regular expressions: it is broken while somebody types, and parsing it takes too
long. A name is what the nearest binding above the cursor in its scope makes it, else one below; what no scope around
the cursor binds is what it is elsewhere. When in doubt it is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from slm_lsp.server.chroma.bindings import FACTORIES, NOWHERE, OWN, Binding, Bindings, nearest
from slm_lsp.server.chroma.expressions import LONGEST, arguments, reduce
from slm_lsp.server.chroma.lines import CLASSES
from slm_lsp.server.chroma.scopes import MODULE

MAKERS = frozenset(("create_collection", "get_collection", "get_collection_by_id", "get_or_create_collection"))
_RESULTS = {"query": "query", "get": "get", "peek": "get"}
_COLLECTIONS = ("collection", "async_collection")
_DEEPEST = 10
"""Names that are followed from one to the next."""
_SAYS_NOTHING = re.compile(r"(?:typing\.)?Any|object")
"""Annotations that anything fits."""
_PART = re.compile(r"(?:([^\[\]]+)\.)?(\w+\(\)\[\w+\])")
_LITERAL = re.compile(r"[\"'\d\[{(-]|True\b|False\b|lambda\b")


class Names:
    """The names of a text."""

    def __init__(self, text: str, exports: Mapping[str, str] | None = None, *, lists_collections: bool = True) -> None:
        """`lists_collections`: whether `list_collections` gives collections; in chromadb 0.6 it gives names."""
        self._text = text
        self._exports = exports or {}
        self._all = Bindings(text, self._exports, lists_collections=lists_collections)
        self._scopes = self._all.scopes
        self.modules = self._all.modules
        """What the file calls the module itself."""
        self.imported = self._all.imported
        """Name in the file -> what it is called in chromadb."""
        self.uses_chromadb = bool(self.modules or self.imported)
        self.other_databases = self._all.other_databases
        """Whether the file imports another database that has collections."""
        self._passed: dict[tuple[int, str], str | None] = {}

    def kind(self, expression: str, at: int) -> str | None:
        """Which owner's methods an expression has at a place, or `get` or `query` for their results.

        The expression is a dotted name; `()` marks calls. None: unknown, or nothing of ChromaDB's.
        """
        return _of_chromadb(self._kind(expression, at, _DEEPEST))

    def is_defined(self, name: str) -> bool:
        """Whether the file defines a function of that name."""
        return re.search(rf"\bdef[ \t]+{re.escape(name)}\b", self._text) is not None

    def exported(self) -> dict[str, str]:
        """The names at the file's top level, of functions too, that other files may import, and what they are."""
        found = {}
        for target, bindings in self._all.of.items():
            scopes = {one.scope for one in bindings}
            if target.endswith("()"):
                scopes = {self._scopes.all[scope].around for scope in scopes}
            if MODULE in scopes and "." not in target and (kind := self.kind(target, len(self._text))):
                found[target] = kind
        return found

    def _kind(self, expression: str, at: int, depth: int) -> str | None:
        if depth <= 0 or not expression:
            return None
        if "[" in expression:
            return self._part(expression, at, depth - 1)
        if expression.endswith("()"):
            return self._called(expression[:-2], at, depth - 1)
        receiver, _, last = expression.rpartition(".")
        return self._attribute(receiver, last, at, depth - 1) if receiver else self._name(expression, at, depth - 1)

    def _value(self, binding: Binding, depth: int) -> str | None:
        """What a binding makes of its name."""
        if binding.kind or binding.value == NOWHERE:
            return binding.kind or None
        expression = reduce(self._text[binding.value : binding.value + LONGEST])
        return self._kind(expression + binding.part if expression else "", binding.at, depth)

    def _part(self, expression: str, at: int, depth: int) -> str | None:
        """What a part of what one of the file's functions returns is, `f()[0]`; nothing for all other parts."""
        found = _PART.fullmatch(expression)
        if found and found[1]:
            owner = self._kind(found[1], at, depth)
            return self._of_method(int(owner[1:]), found[2], depth) if owner and owner.startswith(OWN) else None
        for one in self._all.of.get(expression, ()) if found else ():
            if not self._is_method(one.scope):
                return self._value(one, depth)
        return None

    def _name(self, name: str, at: int, depth: int) -> str | None:
        """What a name without dots is: by the scopes around the place, innermost first, else by others."""
        if self._is_lambdas(name, at):
            return None
        if name in ("self", "cls") and (around := self._scopes.class_of(self._scopes.at(at))) != MODULE:
            return f"{OWN}{around}"
        for scope in self._scopes.visible(at):
            own = self._all.telling(self._all.within.get((scope, name)))
            if name in self._all.parameters(scope):
                if own and own[0].at < at:
                    return self._value(nearest(own, at), depth)
                return self._parameter(name, scope, depth)
            if own:
                return self._value(nearest(own, at), depth)
        return self._elsewhere(name, at, MODULE, depth)

    def _elsewhere(self, name: str, at: int, scope: int, depth: int) -> str | None:
        """What a name is in the scopes that are not around a place, and not a given one: most files call things one."""
        others = [one for one in self._all.telling(self._all.of.get(name)) if one.scope != scope]
        return self._value(nearest(others, at), depth) if others else None

    def _is_lambdas(self, name: str, at: int) -> bool:
        """Whether a name is a parameter of a lambda that a place is in."""
        line = self._text[self._text.rfind("\n", 0, at) + 1 : at]
        for found in re.finditer(r"\blambda\b([^:]*):", line) if "lambda" in line else ():
            depth = 0
            for mark in line[found.end() :]:
                depth += (mark in "([{") - (mark in ")]}")
                if depth < 0 or (depth == 0 and mark == ","):
                    break
            else:
                if re.search(rf"\b{re.escape(name)}\b", found[1]):
                    return True
        return False

    def _parameter(self, name: str, scope: int, depth: int) -> str | None:
        """What a function's parameter is: each is looked at once, so that calls in a circle end."""
        key = (scope, name)
        if key not in self._passed:
            self._passed[key] = None
            self._passed[key] = self._what_is_passed(name, scope, depth)
        return self._passed[key]

    def _what_is_passed(self, name: str, scope: int, depth: int) -> str | None:
        """By its annotation, its default, the arguments that the file passes, a fixture or its namesakes elsewhere."""
        parameters, function = self._all.parameters(scope), self._scopes.all[scope]
        stars, annotation, default = parameters[name]
        kind = self._all.said(annotation) if annotation else None
        if kind or stars or (annotation and not _SAYS_NOTHING.fullmatch(annotation)) or _LITERAL.match(default):
            return kind if not stars else None
        if default and default != "None" and (kind := self._kind(reduce(default), function.at, depth)):
            return kind
        order = list(parameters)
        index = order.index(name) - (order[0] in ("self", "cls"))
        called = function.name if function.name != "__init__" else self._name_of_class(scope)
        return (
            self._argument(called, name, index, depth)
            or self._returned(name, depth)
            or self._elsewhere(name, function.at, scope, depth)
        )

    def _name_of_class(self, scope: int) -> str:
        """What constructs the class that a scope is in; empty if it is in none."""
        found = self._scopes.class_of(scope)
        return self._scopes.all[found].name if found != MODULE else ""

    def _argument(self, function: str, name: str, index: int, depth: int) -> str | None:
        """What is passed for a parameter, in the first call that tells."""
        for call in re.finditer(rf"(?<!def )\b{re.escape(function)}\(", self._text) if function and depth > 0 else ():
            parts = arguments(self._text, call.end() - 1)
            named = [part.partition("=")[2] for part in parts if re.match(rf"\s*{name}\s*=(?!=)", part)]
            passed = named or [part for part in parts[index : index + 1] if "=" not in part]
            if passed and (kind := self._kind(reduce(passed[0]), call.start(), depth)):
                return kind
        return None

    def _returned(self, function: str, depth: int) -> str | None:
        """What a function of this file or another one returns, that is no method."""
        for one in self._all.of.get(f"{function}()", ()):
            if not self._is_method(one.scope):
                return self._value(one, depth)
        return self._exports.get(f"{self._all.foreign[function]}()") if function in self._all.foreign else None

    def _is_method(self, function: int) -> bool:
        around = self._scopes.all[function].around
        return around != MODULE and self._scopes.all[around].is_class

    def _attribute(self, receiver: str, name: str, at: int, depth: int) -> str | None:
        """What an attribute is: of an object that it is bound for, or of a class of the file."""
        owner = self._kind(receiver, at, depth)
        if owner and owner.startswith(OWN) and (kind := self._of_class(int(owner[1:]), name, at, depth)):
            return kind
        if receiver in ("self", "cls") and owner:
            return None
        if bound := self._all.telling(self._all.of.get(f"{receiver}.{name}")):
            return self._value(nearest(bound, at), depth)
        # `request.app.state.client`, where `app.state.client` is bound.
        parts = receiver.split(".")
        for begin in range(1, len(parts) - 1):
            if bound := self._all.telling(self._all.of.get(".".join((*parts[begin:], name)))):
                return self._value(nearest(bound, at), depth)
        return None

    def _of_class(self, scope: int, name: str, at: int, depth: int) -> str | None:
        """What an attribute of a class of the file is."""
        every = self._all.of
        attributes = (*every.get(f"self.{name}", ()), *every.get(f"cls.{name}", ()))
        bound = [one for one in attributes if self._is_in(one, scope)]
        if own := self._all.telling(sorted(bound)) or self._all.telling(self._all.within.get((scope, name))):
            return self._value(nearest(own, at), depth)
        for one in every.get(f"{name}()", ()):
            if self._scopes.all[one.scope].around == scope and self._is_property(one.scope):
                return self._value(one, depth)
        # A parameter that became an attribute where nobody sees it.
        said = {one.kind for one in every.get(name, ()) if one.kind and self._is_in(one, scope)}
        if len(said) == 1:
            return said.pop()
        bases = (self._all.classes.get(base, MODULE) for base in self._all.bases(scope))
        inherited = (self._of_class(base, name, at, depth - 1) for base in bases if base not in (MODULE, scope))
        return next(filter(None, inherited), None) if depth > 0 else None

    def _is_in(self, binding: Binding, scope: int) -> bool:
        return self._scopes.class_of(binding.scope) == scope

    def _is_property(self, function: int) -> bool:
        """Whether a function's decorator makes it a property."""
        above = self._text[: self._scopes.all[function].at].rstrip()
        line = above[above.rfind("\n") + 1 :].lstrip()
        return line.startswith("@") and "property" in line

    def _called(self, function: str, at: int, depth: int) -> str | None:
        """What a call returns."""
        receiver, _, last = function.rpartition(".")
        name = self.imported.get(last, last) if not receiver else last
        if (kind := FACTORIES.get(name) or CLASSES.get(name)) and self._all.is_chromadbs(function):
            return kind
        if not receiver:
            found = self._all.classes.get(last)
            return self._returned(last, depth) if found is None else f"{OWN}{found}"
        owner = self._kind(receiver, at, depth)
        if owner and owner.startswith(OWN):
            return self._of_method(int(owner[1:]), f"{last}()", depth)
        if last in MAKERS:
            if owner in ("client", "async_client"):
                return owner.replace("client", "collection")
            guessed = self.uses_chromadb and not self.other_databases and not self.is_defined(last)
            return "collection" if owner is None and guessed else None
        return _RESULTS.get(last) if owner in _COLLECTIONS else None

    def _of_method(self, scope: int, call: str, depth: int) -> str | None:
        """What a method of a class of the file returns, `f()`, or a part of that."""
        if scope == MODULE or depth <= 0:  # a base of another file
            return None
        for one in self._all.of.get(call, ()):
            if self._scopes.all[one.scope].around == scope:
                return self._value(one, depth)
        bases = (self._all.classes.get(base, MODULE) for base in self._all.bases(scope))
        return next(filter(None, (self._of_method(base, call, depth - 1) for base in bases)), None)


def _of_chromadb(kind: str | None) -> str | None:
    return None if kind and kind.startswith(OWN) else kind
