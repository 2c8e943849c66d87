"""Ghost text: `textDocument/inlineCompletion`, and the command that tells us when one was accepted.

Knows: LSP's inline completion, where nobody wants to see any. Must not know: how a suggestion is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.workspace import ServerTextPosition

from slm_lsp.server.app import Answer, SlmLspServer, Tools
from slm_lsp.server.chroma import is_refused
from slm_lsp.server.dismissals import spot_at
from slm_lsp.server.documents import Document
from slm_lsp.server.tally import Outcome
from slm_lsp.server.why import REFUSED, seen_in, too_unsure

if TYPE_CHECKING:
    from slm_lsp.model.completion import Suggestion

ACCEPTED = "slmLsp.accepted"
"""The command an editor runs after it inserted a suggestion: the only way to learn of it."""

Item = types.InlineCompletionItem


async def inline_completion(ls: SlmLspServer, params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """One suggestion or none; never null, on which Neovim would leave stale text on the screen.

    Who asks for one by a key or command gets it everywhere. While somebody types there is none in comments and
    strings, none on the line where text was just deleted, and none that was dismissed at this place. What ChromaDB
    would refuse nobody gets.
    """
    asked_for = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked

    async def answer(document: Document) -> Answer[Item]:
        cursor = _cursor(document, params)
        if not asked_for and document.deleted_on == cursor.start.line:
            return Answer(Outcome.DELETION)
        spot = spot_at(document, cursor.start)  # before the document can change
        name, level = ls.name_of(document), ls.settings.suggest

        def ask(tools: Tools) -> Answer[Item]:
            if not asked_for and (outcome := _silence(cursor.before)):
                return Answer(outcome)
            suggestion = tools.completer.complete(
                cursor.before,
                cursor.after,
                path=name,
                memory=tools.memory,
                suggest=level,
                hasty=True,
                begun=len(cursor.selected),
                cancelled=tools.cancelled,
            )
            if suggestion is None:
                return Answer(Outcome.NOTHING)
            if not suggestion.shown:
                reason = too_unsure(suggestion.confidence, tools.completer.filter.threshold(level), level)
                return Answer(Outcome.LOW_CONFIDENCE, reason=reason)
            if is_refused(cursor.before, suggestion.text):
                return Answer(Outcome.NOTHING, reason=REFUSED)
            return Answer(Outcome.SHOWN, [_item(cursor, suggestion)], seen_in(suggestion.source))

        found = await ls.compute("inline", document, ask)
        if not asked_for and any(ls.dismissals.holds(document, spot, _text(item)) for item in found.items):
            return Answer(Outcome.DISMISSED)
        return found

    return types.InlineCompletionList(await ls.serve("inline", params, ls.settings.inline, answer))


@dataclass(frozen=True)
class _Cursor:
    """Where a suggestion is to stand.

    At the cursor, unless an item of the popup is selected: then the suggestion must go on from that item, and
    replaces what it would replace.
    """

    start: ServerTextPosition
    """Of the range to replace."""
    range: types.Range
    """To replace, as the client counts."""
    selected: str
    """What the suggestion must begin with."""
    before: str
    """The document's text before the suggestion, the selected item included."""
    after: str
    """The document's text after the range."""


def _cursor(document: Document, params: types.InlineCompletionParams) -> _Cursor:
    selected = params.context.selected_completion_info
    asked = selected.range if selected else types.Range(params.position, params.position)
    range_ = document.range_from_client_units(asked)
    before, _ = document.before_and_after(range_.start)
    _, after = document.before_and_after(range_.end)
    text = selected.text if selected else ""
    return _Cursor(range_.start, document.range_to_client_units(range_), text, before + text, after)


def _silence(before: str) -> Outcome | None:
    """Why there is nothing to be offered at a cursor with this text before it, if there is a reason."""
    # Imported here: the package brings numpy and ONNX Runtime, which `initialize` must not wait for.
    from slm_lsp.model.completion.syntax import Place, place_at

    return {Place.COMMENT: Outcome.COMMENT, Place.STRING: Outcome.STRING}.get(place_at(before))


def _item(cursor: _Cursor, suggestion: Suggestion) -> Item:
    accepted = types.Command("Accepted", ACCEPTED)
    return Item(cursor.selected + suggestion.text, range=cursor.range, command=accepted)


def _text(item: Item) -> str:
    text = item.insert_text
    return text if isinstance(text, str) else text.value


def accepted(ls: SlmLspServer, *_: object) -> None:
    """Count a suggestion that was taken."""
    ls.accepted += 1
