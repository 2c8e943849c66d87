"""What to offer where ChromaDB expects something.

Knows: places and facts, and how an offer is written. Must not know: LSP, files, how facts are found.

A wrong offer is a defect: when in doubt there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from slm_lsp.server.chroma.facts import Facts, Parameter
from slm_lsp.server.chroma.names import Names
from slm_lsp.server.chroma.places import Place, Reader
from slm_lsp.server.chroma.ranking import KEYWORDS, MEMBERS, VALUES, ranked
from slm_lsp.server.chroma.scan import Spot, names_behind, spot_at, statement_start

OfferKind = Literal["method", "attribute", "class", "keyword", "value", "operator", "key", "collection", "variable"]

MOST = 60
"""Offers at one place."""
LONGEST_WORD = 200
"""Characters of a word that are looked at."""
_OWN = re.compile(
    r"^[ \t]*(?:from[ \t]+chromadb\.utils\.embedding_functions\b|class[ \t]+(\w+)\(.*EmbeddingFunction)", re.M
)
_LOCAL = re.compile(r"^[ \t]*((?:self\.)?\w+)[ \t]*=[ \t]*(?:\w+\.)*(\w+)\(", re.M)


@dataclass(frozen=True)
class Offer:
    """Something that ChromaDB takes at the cursor."""

    label: str
    insert: str
    """What takes the place of what was typed of it."""
    detail: str
    """Type and default, or what it is."""
    documentation: str
    """One line; may be empty."""
    kind: OfferKind
    replaces: int
    """Characters before the cursor that `insert` takes the place of."""


def offers(before: str, after: str, facts: Facts) -> list[Offer]:
    """What ChromaDB takes at the cursor between two parts of a text, best first; empty where nothing is certain.

    All offers begin with what has been typed of them, whatever its case. Never raises for any text.
    """
    before, after = _with_newlines(before), _with_newlines(after)
    spot = _spot(before)
    if spot is None:
        return []
    # Without what is typed of the word, so that names are read once for the whole of it.
    at = len(before) - len(spot.text)
    text = before[:at] + after
    lists_collections = not facts.installed.version.startswith("0.6.")
    names = _names(text, _Same(facts.used.exports), lists_collections=lists_collections)
    reader = Reader(text, names, facts)
    line = before[before.rfind("\n") + 1 :]
    writer = _Writer(spot, before, after, facts, names)
    found: dict[str, Offer] = {}
    for place in reader.places(spot, at, line):
        for offer in writer.offers(place):
            if offer.label.lower().startswith(spot.text.lower()):
                found.setdefault(offer.label, offer)
    return list(found.values())[:MOST]


def typed(before: str) -> str:
    """What a person has typed of the word at the cursor, or of the string where something can be expected in it."""
    spot = _spot(_with_newlines(before))
    return spot.text if spot else re.split(r"\W", before[-LONGEST_WORD:])[-1]


class _Same:
    """Something that is equal to nothing but itself."""

    def __init__(self, exports: Mapping[str, str]) -> None:
        self.exports = exports

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.exports is other.exports

    def __hash__(self) -> int:
        return id(self.exports)


@lru_cache(maxsize=2)
def _names(text: str, exports: _Same, *, lists_collections: bool) -> Names:
    return Names(text, exports.exports, lists_collections=lists_collections)


def _with_newlines(text: str) -> str:
    """The text with \\n at the ends of its lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@lru_cache(maxsize=2)
def _spot(before: str) -> Spot | None:
    """What the cursor stands in, if anything can be expected there."""
    # Imported here: the package brings numpy and ONNX Runtime, which `initialize` must not wait for.
    from slm_lsp.model.completion.syntax import Place as Surroundings
    from slm_lsp.model.completion.syntax import place_at

    start = statement_start(before)
    while start and place_at(before[:start]) is not Surroundings.CODE:
        start = statement_start(before[: start - 1])
    spot = spot_at(before, start)
    return spot if spot and (spot.frames or spot.receiver is not None) else None


class _Writer:
    """Writes the offers of a place."""

    def __init__(self, spot: Spot, before: str, after: str, facts: Facts, names: Names) -> None:
        self._spot = spot
        self._before = before
        self._after = after
        self._facts = facts
        self._names = names
        self._quote = spot.quote or ("'" if before.count("'") > before.count('"') else '"')
        self._behind = names_behind(after, spot.quote, spot.frames[-1].bracket if spot.frames else "")

    def offers(self, place: Place) -> Iterator[Offer]:
        """What is offered where this is expected."""
        yield from getattr(self, f"_{place.kind}")(place)

    def _literals(
        self, values: Iterable[str], kind: OfferKind, detail: str, place: Place, *, ends: str = ""
    ) -> Iterator[Offer]:
        """Offers of string literals that the bracket does not hold yet."""
        held = {*(place.frame.names if place.frame else ()), *self._behind}
        for value in values:
            if value not in held:
                yield self._literal(value, kind, detail, ends)

    def _literal(self, value: str, kind: OfferKind, detail: str, ends: str = "") -> Offer:
        if self._spot.in_string:
            return self._offer(value, value, detail, "", kind)
        return self._offer(value, f"{self._quote}{value}{self._quote}{ends}", detail, "", kind)

    def _offer(self, label: str, insert: str, detail: str, documentation: str, kind: OfferKind) -> Offer:
        return Offer(label, insert, detail, documentation, kind, len(self._spot.text))

    def _member(self, place: Place) -> Iterator[Offer]:
        members = self._facts.installed.owners.get(place.owner, {})
        order = MEMBERS.get(place.owner.removeprefix("async_"), "")
        for name in ranked(members, order):
            member = members[name]
            kind: OfferKind = "attribute" if member.is_attribute else "method"
            if name[:1].isupper():
                kind = "class" if place.owner == "embedding_functions" else "method"
            detail = member.doc if member.is_attribute else f"({', '.join(one.name for one in member.parameters)})"
            yield self._offer(name, name, detail, "" if member.is_attribute else member.doc, kind)

    def _keyword(self, place: Place) -> Iterator[Offer]:
        assert place.call and place.signature
        held = {*place.call.names, *self._behind}
        is_named = re.match(r"\w*\s*=(?!=)", self._after)
        free = {one.name: one for one in place.signature.parameters[place.call.positional :] if one.name not in held}
        for name in ranked(free, KEYWORDS.get(place.method, "")):
            insert = name if is_named else f"{name}="
            yield self._offer(f"{name}=", insert, _detail(free[name]), free[name].doc, "keyword")

    def _collection(self, place: Place) -> Iterator[Offer]:
        yield from self._counted(self._facts.used.collections, "collection", "collection of this workspace", place)

    def _counted(self, counts: Mapping[str, int], kind: OfferKind, detail: str, place: Place) -> Iterator[Offer]:
        ends = ": " if kind == "key" and self._spot.frames[-1].bracket == "{" else ""
        yield from self._literals(ranked(sorted(counts), "", counts), kind, detail, place, ends=ends)

    def _include(self, place: Place) -> Iterator[Offer]:
        values = self._facts.installed.include.get(place.method, ())
        if "data_loader" not in self._before:
            values = tuple(value for value in values if value != "data")  # refused without a data loader
        yield from self._literals(ranked(values, VALUES["include"]), "value", "include", place)

    def _filter(self, place: Place) -> Iterator[Offer]:
        if self._behind:
            return  # a filter's dict has one key
        operators = ranked(self._facts.installed.logical, VALUES["logical"])
        asked = self._spot.text.startswith("$")
        if not asked:
            yield from self._counted(self._facts.used.keys, "key", "metadata of this workspace", place)
        yield from self._literals(operators, "operator", "all or any of these filters", place, ends=": ")

    def _operator(self, place: Place) -> Iterator[Offer]:
        if not self._behind:
            operators = ranked(self._facts.installed.where, VALUES["where"])
            yield from self._operators(operators, place)

    def _document_filter(self, place: Place) -> Iterator[Offer]:
        if not self._behind:
            operators = ranked(self._facts.installed.where_document, VALUES["where_document"])
            yield from self._operators(operators, place)

    def _operators(self, operators: Iterable[str], place: Place) -> Iterator[Offer]:
        for operator in operators:
            yield self._literal(operator, "operator", _MEANS.get(operator, "operator"), ": ")

    def _metadata(self, place: Place) -> Iterator[Offer]:
        yield from self._counted(self._facts.used.keys, "key", "metadata of this workspace", place)

    def _collection_metadata(self, place: Place) -> Iterator[Offer]:
        yield from self._counted(self._facts.used.collection_keys, "key", "metadata of this workspace", place)
        if place.method != "modify":  # the index of a collection is made once
            yield from self._literals(self._facts.installed.hnsw_metadata, "key", "index", place, ends=": ")

    def _space(self, place: Place) -> Iterator[Offer]:
        installed = self._facts.installed
        if place.owner:
            values = installed.configuration.get(place.method, {}).get(place.owner, {}).get("space", ())
        else:
            values = installed.hnsw_metadata.get("hnsw:space", ())
        for value in ranked(values, VALUES["space"]):
            yield self._literal(value, "value", "distance")

    def _configuration(self, place: Place) -> Iterator[Offer]:
        sections = self._facts.installed.configuration.get(place.method, {})
        if place.owner:
            keys = ranked(sections.get(place.owner, {}), VALUES["hnsw"])
            yield from self._literals(keys, "key", f"{place.owner} index", place, ends=": ")
            return
        assert place.frame
        held = {*place.frame.names, *self._behind}
        one_index = held & {"hnsw", "spann"}
        # Which index a collection has is not known where it is changed; only a hosted one can have the other.
        spann = place.method == "create" or '"spann"' in self._before
        names = [
            name for name in sections if not (name in ("hnsw", "spann") and one_index) and (name != "spann" or spann)
        ]
        yield from self._literals(names, "key", "configuration", place, ends=": ")

    def _embedding_function(self, place: Place) -> Iterator[Offer]:
        """Names of the file that are embedding functions or make them."""
        known = self._facts.installed.owners.get("embedding_functions", {})
        text = self._before + self._after
        own = {found[1] for found in _OWN.finditer(text) if found[1]}
        for found in dict.fromkeys(_LOCAL.findall(self._before)):
            if found[1] in own or self._names.imported.get(found[1], found[1]) in known:
                yield self._offer(found[0], found[0], found[1], "", "variable")
        for alias, name in self._names.imported.items():
            if name in known:
                yield self._offer(alias, f"{alias}(", "embedding function", known[name].doc, "class")
            elif name == "embedding_functions":
                for each in ranked(known, MEMBERS["embedding_functions"]):
                    label = f"{alias}.{each}"
                    yield self._offer(label, f"{label}(", "embedding function", known[each].doc, "class")

    def _result(self, place: Place) -> Iterator[Offer]:
        values = ranked(self._facts.installed.results.get(place.method, ()), VALUES["results"])
        yield from self._literals(values, "key", f"of what {place.method} returns", place)


_MEANS = {
    "$eq": "equal",
    "$ne": "not equal",
    "$gt": "greater, of numbers",
    "$gte": "greater or equal, of numbers",
    "$lt": "less, of numbers",
    "$lte": "less or equal, of numbers",
    "$in": "one of a list",
    "$nin": "none of a list",
    "$contains": "contains",
    "$not_contains": "does not contain",
    "$regex": "matches a regular expression",
    "$not_regex": "does not match a regular expression",
    "$and": "all of these filters",
    "$or": "any of these filters",
}


def _detail(parameter: Parameter) -> str:
    if parameter.default is None:
        return f"{parameter.annotation}, required" if parameter.annotation else "required"
    return f"{parameter.annotation} = {parameter.default}" if parameter.annotation else f"= {parameter.default}"
