"""Ghost text: `textDocument/inlineCompletion`, and the command that tells us when one was accepted.

Knows: LSP's inline completion. Must not know: how a suggestion is computed.
"""

from __future__ import annotations

from lsprotocol import types

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.documents import Document
from slm_lsp.server.tally import Outcome

ACCEPTED = "slmLsp.accepted"
"""The command an editor runs after it inserted a suggestion: the only way to learn of it."""


async def inline_completion(ls: SlmLspServer, params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """One suggestion or none; never null, on which Neovim would leave stale text on the screen."""

    async def answer(document: Document) -> tuple[Outcome, list[types.InlineCompletionItem]]:
        range_, selected, before, after = _context(document, params)
        name, gated = ls.name_of(document), ls.settings.suggest == "balanced"
        suggestion = await ls.compute(
            "inline",
            document,
            lambda completer, cancelled: completer.complete(before, after, path=name, gated=gated, cancelled=cancelled),
        )
        if suggestion is None:
            return Outcome.NOTHING, []
        if gated and not suggestion.shown:
            return Outcome.LOW_CONFIDENCE, []
        accepted = types.Command("Accepted", ACCEPTED)
        return Outcome.SHOWN, [types.InlineCompletionItem(selected + suggestion.text, range=range_, command=accepted)]

    return types.InlineCompletionList(await ls.serve("inline", params.text_document.uri, ls.settings.inline, answer))


def _context(document: Document, params: types.InlineCompletionParams) -> tuple[types.Range, str, str, str]:
    """The range to replace, the text that must begin the suggestion, the text before and after.

    The range is empty at the cursor, unless an item of the popup is selected: then the suggestion must go on
    from that item, and replaces what it would replace.
    """
    selected = params.context.selected_completion_info
    asked = selected.range if selected else types.Range(params.position, params.position)
    range_ = document.range_from_client_units(asked)
    before, _ = document.before_and_after(range_.start)
    _, after = document.before_and_after(range_.end)
    text = selected.text if selected else ""
    return document.range_to_client_units(range_), text, before + text, after


def accepted(ls: SlmLspServer, *_: object) -> None:
    """Count a suggestion that was taken."""
    ls.accepted += 1
