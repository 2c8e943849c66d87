"""The popup: `textDocument/completion`, filled with the names that exist and are wanted.

Knows: LSP's completion items, how long static analysis is waited for. Must not know: how names are found or ranked.
"""

from __future__ import annotations

import asyncio
import keyword
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.workspace import ServerTextPosition

from slm_lsp.model.errors import Cancelled
from slm_lsp.server.app import Answer, SlmLspServer, Tools
from slm_lsp.server.chroma import Offer, is_code
from slm_lsp.server.documents import Document
from slm_lsp.server.features.chroma_items import (
    ALONE,
    MEMBERS,
    TRIGGERS,
    explain,
    items_of_offers,
    offers_at,
    without_repeats,
)
from slm_lsp.server.features.foreseen import may_take_dot
from slm_lsp.server.static.analysis import Names, within
from slm_lsp.server.tally import Outcome

if TYPE_CHECKING:
    from slm_lsp.model.completion.ranking import Ranked

SECONDS = 0.065
"""How long static analysis is waited for at most; a later answer is there for the next keystroke."""
LEAST_SECONDS = 0.03
"""How long it is waited for at least, however slow the rest is."""
ALL_SECONDS = 0.08
"""What a popup should take in all: what it usually takes to put names in order is taken off the wait."""
FEW = 3
"""Most items beside another server that fills the same popup."""
MARK = "slm-lsp"
"""The detail of those few items."""

_BEHIND_VALUE = re.compile(r"(?:(?<!\w)[^\W\d]\w*|[)\]}\"'])[ \t]*\.\Z|\A[ \t]*\.\Z")
"""A dot behind a name, a call, a string, or at the beginning of a line that goes on from the one above."""
_RELATIVE = re.compile(r"[ \t]*from[ \t]+\.+\Z")
_CALLS_SEEN = 20_000
"""Characters on either side of the cursor in which a call shows that a name is a function."""
_Kind = types.CompletionItemKind
_KINDS = {
    "module": _Kind.Module, "namespace": _Kind.Module, "class": _Kind.Class, "function": _Kind.Function,
    "property": _Kind.Property, "keyword": _Kind.Keyword, "param": _Kind.Variable,
}  # fmt: skip
"""jedi's words that mean the same everywhere."""


async def completion(ls: SlmLspServer, params: types.CompletionParams) -> types.CompletionList:
    """The names that could be meant, best first; asked for again with every character."""
    settings = ls.settings
    trigger = params.context.trigger_character if params.context else None

    async def answer(document: Document) -> Answer[types.CompletionItem]:
        at = document.position_from_client_units(params.position)
        word, range_of = _word(document, at), ranges_at(document, at)
        name, known_as = ls.name_of(document), ls.memory_name(document, ls.root_of(document))
        dotted = trigger == "." and not word.typed
        plain = trigger not in TRIGGERS and not word.typed[:1].isdigit()
        if dotted and not (has_names(word.before) and is_code(word.before)):
            plain = False
        names: Names | None = None
        offers: list[Offer] = []

        def offers_here(tools: Tools) -> list[Offer]:
            """What ChromaDB takes here and has behind this dot; found once."""
            offers.extend(() if offers else offers_at(tools, known_as, word.before, word.after))
            return offers

        if plain and is_code(word.before):
            names = await _existing(ls, document, word, name, offers_here)
            if not ls.is_newest("popup", params):
                raise Cancelled("a newer request took this one's place")

        def find(tools: Tools) -> tuple[list[Offer], list[Offer], list[Ranked] | None]:
            """What ChromaDB takes here, what it has behind this dot, and all names in order, where one can stand."""
            members = _members(offers_here(tools), word)
            offered = [one for one in offers if one not in members]
            if dotted and not _in_code(word.before):
                return offered, [], None
            if not plain or any(one.kind in ALONE for one in offered):
                return offered, [], None
            return offered, members, _ranked(tools, word, name, names, members)

        began = perf_counter()
        offered, members, ranked = await ls.compute("popup", document, find)
        if ranked is not None:
            ls.ordering += (perf_counter() - began - ls.ordering) / 8
        if names and may_take_dot(names, word.typed):  # now that jedi keeps nobody from the processor
            ls.static.foresee(ls.source_of(document, word.before + word.after), len(word.before), ".")
        named = items_of([one.name for one in ranked or ()], names, word)
        explain(named, members)
        text = word.before[: len(word.before) - len(word.typed)] + word.after
        items = without_repeats(named, items_of_offers(offered, range_of), text)
        few = settings.popup == "auto" and settings.neighbor and ranked is not None
        return Answer(Outcome.SHOWN if items else Outcome.NOTHING, marked(items[:FEW]) if few else items)

    items = await ls.serve("popup", params, settings.popup != "off", answer)
    return types.CompletionList(is_incomplete=True, items=items)


def has_names(before: str) -> bool:
    """Whether names can stand behind the dot that a text ends with: not behind those of 3. and of ..."""
    line = before[before.rfind("\n") + 1 :]
    return _BEHIND_VALUE.search(line) is not None or _RELATIVE.match(line) is not None


def _in_code(before: str) -> bool:
    """Whether the text before a cursor ends in code; the format of an f-string is none."""
    # Imported here: the package brings numpy and ONNX Runtime, which `initialize` must not wait for.
    from slm_lsp.model.completion.syntax import Place, place_at

    return place_at(before) is Place.CODE


def patience(ordering: float) -> float:
    """Seconds for which static analysis is waited for, where putting names in order takes so many."""
    return min(max(ALL_SECONDS - ordering, LEAST_SECONDS), SECONDS)


def _members(offers: Sequence[Offer], word: Word) -> list[Offer]:
    """What ChromaDB has behind the dot before a word: the names among its offers."""
    return [one for one in offers if one.kind in MEMBERS and one.replaces == len(word.typed)]


async def _existing(
    ls: SlmLspServer, document: Document, word: Word, name: str, offers_here: Callable[[Tools], Sequence[Offer]]
) -> Names | None:
    """What static analysis lists, if it does so in time.

    Meanwhile what needs no such list is put in order: what the engine reads for that, it need not read again.
    """
    source, end = ls.source_of(document, word.before + word.after), len(word.before)
    listing = ls.static.names(source, end - len(word.typed), end)
    if listing.done():
        return listing.result()

    def order(tools: Tools) -> list[Ranked]:
        return _ranked(tools, word, name, None, _members(offers_here(tools), word))

    ahead = asyncio.ensure_future(ls.compute("popup", document, order, meanwhile=True))
    ahead.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # the popup itself will complain
    try:
        found: Names | None = await within(patience(ls.ordering), listing)
        return found
    finally:
        ahead.cancel()


def _ranked(tools: Tools, word: Word, name: str, names: Names | None, members: Sequence[Offer]) -> list[Ranked]:
    """The names that could be meant, best first."""
    # Imported here: the package brings numpy and ONNX Runtime, which `initialize` must not wait for.
    from slm_lsp.model.completion.ranking import ranked_names

    existing = {one.name for one in names.listed} if names else set()
    existing |= {offer.insert.rstrip("(") for offer in members}
    return ranked_names(
        tools.completer, word.before, word.after, existing=existing, path=name, memory=tools.memory,
        cancelled=tools.cancelled,
    )  # fmt: skip


@dataclass(frozen=True)
class Word:
    """The word at a cursor."""

    typed: str
    """The part of it that is typed."""
    before: str = field(repr=False)
    """The document's text before the cursor."""
    after: str = field(repr=False)
    """The document's text after the cursor."""
    range: types.Range
    """The typed part, as the client counts."""

    @property
    def after_dot(self) -> bool:
        """Whether it is an attribute."""
        return self.before.endswith(f".{self.typed}")


def _word(document: Document, at: ServerTextPosition) -> Word:
    """The word at a position, which may be a number."""
    typed = re.split(r"\W", document.lines[at.line][: at.character])[-1]
    before, after = document.before_and_after(at)
    return Word(typed, before, after, ranges_at(document, at)(len(typed)))


def ranges_at(document: Document, at: ServerTextPosition) -> Callable[[int], types.Range]:
    """What gives the range of so many characters before a position, also when the document has changed."""
    codec, line = document.position_codec, document.lines[at.line][: at.character]
    end = types.Position(at.line, codec.client_num_units(line))

    def range_of(length: int) -> types.Range:
        return types.Range(types.Position(at.line, codec.client_num_units(line[: len(line) - length])), end)

    return range_of


def items_of(ranked: Sequence[str], names: Names | None, word: Word) -> list[types.CompletionItem]:
    """An item for each name, in order; a keyword argument comes with its "=", and before a variable of its name."""
    guessed = kinds_of(ranked, word.before[-_CALLS_SEEN:] + word.after[:_CALLS_SEEN], word.after_dot)
    listed = {(one.name, one.keyword): one for one in reversed(names.listed)} if names else {}
    items: list[types.CompletionItem] = []
    for name in ranked:
        plain, argument = listed.get((name, False)), listed.get((name, True))
        for one in (argument, plain) if argument and plain else (argument or plain,):
            label = f"{name}=" if one and one.keyword else name
            kind = _Kind.Variable if one and one.keyword else _kind(one.kind if one else "", word.after_dot)
            items.append(_item(label, kind or guessed[name], len(items), word.range))
            if one and names:
                items[-1].data = {"list": names.number, "name": label}
    return items


def marked(items: Iterable[types.CompletionItem]) -> list[types.CompletionItem]:
    """The items marked as ours, and sorted before anybody else's."""
    few = list(items)
    for item in few:
        item.detail = f"{MARK}: {item.detail}" if item.detail else MARK
        item.sort_text = f" {item.sort_text}"
    return few


def kinds_of(names: Iterable[str], text: str, after_dot: bool) -> dict[str, types.CompletionItemKind]:
    """What each name probably is, from its spelling and from the calls in a text."""
    called = set(re.findall(r"(\w+)\(", text)) if names else set()

    def guess(name: str) -> types.CompletionItemKind:
        if keyword.iskeyword(name):
            return _Kind.Keyword
        if name[:1].isupper() and not name.isupper():
            return _Kind.Class
        if name in called:
            return _Kind.Method if after_dot else _Kind.Function
        return _Kind.Field if after_dot else _Kind.Variable

    return {name: guess(name) for name in names}


def _kind(jedis: str, after_dot: bool) -> types.CompletionItemKind | None:
    """LSP's kind for jedi's; None where jedi's word says too little."""
    if jedis == "function" and after_dot:
        return _Kind.Method
    return _KINDS.get(jedis)


def _item(label: str, kind: types.CompletionItemKind, rank: int, range_: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        label=label,
        kind=kind,
        sort_text=f"{rank:03}",
        filter_text=label,
        text_edit=types.TextEdit(range_, label),
    )
