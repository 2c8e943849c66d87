"""The popup: `textDocument/completion`, filled with the identifiers the model expects next.

Knows: LSP's completion items. Must not know: how identifiers are ranked.
"""

from __future__ import annotations

import keyword
import re

from lsprotocol import types
from pygls.workspace import ServerTextPosition, ServerTextRange

from slm_lsp.server.app import Answer, SlmLspServer
from slm_lsp.server.documents import Document
from slm_lsp.server.tally import Outcome

LIMIT = 10
"""Most items in the popup."""

_CALLS_SEEN = 20_000
"""Characters on either side of the cursor in which a call shows that a name is a function."""


async def completion(ls: SlmLspServer, params: types.CompletionParams) -> types.CompletionList:
    """The likeliest next identifiers, best first; asked for again with every character."""

    async def answer(document: Document) -> Answer[types.CompletionItem]:
        at = document.position_from_client_units(params.position)
        line = document.lines[at.line][: at.character]
        word = re.split(r"\W", line)[-1]
        if word[:1].isdigit():
            return Answer(Outcome.NOTHING)
        start = ServerTextPosition(at.line, at.character - len(word))
        range_ = document.range_to_client_units(ServerTextRange(start, at))
        before, after = document.before_and_after(at)
        name = ls.name_of(document)
        candidates = await ls.compute(
            "popup",
            document,
            lambda tools: tools.completer.identifiers(
                before, after, path=name, memory=tools.memory, limit=LIMIT, cancelled=tools.cancelled
            ),
        )
        names = [candidate.name for candidate in candidates]
        kinds = kinds_of(names, before[-_CALLS_SEEN:] + after[:_CALLS_SEEN], line.endswith(f".{word}"))
        items = [_item(name, kinds[name], rank, range_) for rank, name in enumerate(names)]
        return Answer(Outcome.SHOWN if items else Outcome.NOTHING, items)

    items = await ls.serve("popup", params, ls.settings.popup, answer)
    return types.CompletionList(is_incomplete=True, items=items)


def kinds_of(names: list[str], text: str, after_dot: bool) -> dict[str, types.CompletionItemKind]:
    """What each name probably is, from its spelling and from the calls in a text."""
    kind = types.CompletionItemKind
    called = set(re.findall(r"(\w+)\(", text)) if names else set()

    def guess(name: str) -> types.CompletionItemKind:
        if keyword.iskeyword(name):
            return kind.Keyword
        if name[:1].isupper() and not name.isupper():
            return kind.Class
        if name in called:
            return kind.Method if after_dot else kind.Function
        return kind.Field if after_dot else kind.Variable

    return {name: guess(name) for name in names}


def _item(name: str, kind: types.CompletionItemKind, rank: int, range_: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        label=name,
        kind=kind,
        sort_text=f"{rank:03}",
        filter_text=name,
        text_edit=types.TextEdit(range_, name),
    )
