"""What the server can do: one feature a file. Here they are registered, in one list."""

from __future__ import annotations

from lsprotocol import types

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.features import (
    chroma_items,
    completion,
    configuration,
    described,
    dismissed,
    foreseen,
    inline_completion,
    lifecycle,
    status,
)


def register_features(server: SlmLspServer) -> None:
    """Make the server answer every request and notification we know."""
    feature = server.feature
    feature(types.INITIALIZE)(configuration.initialize)
    feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(configuration.did_change_configuration)
    feature(types.INITIALIZED)(lifecycle.initialized)
    feature(types.SHUTDOWN)(lifecycle.shutdown)
    feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(inline_completion.inline_completion)
    popup = types.CompletionOptions(trigger_characters=[".", *chroma_items.TRIGGERS], resolve_provider=True)
    feature(types.TEXT_DOCUMENT_COMPLETION, popup)(completion.completion)
    feature(types.COMPLETION_ITEM_RESOLVE)(described.resolve)
    feature(types.TEXT_DOCUMENT_DID_OPEN)(foreseen.did_open)
    feature(types.TEXT_DOCUMENT_DID_CHANGE)(foreseen.did_change)
    feature(types.TEXT_DOCUMENT_DID_SAVE)(foreseen.did_save)
    feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)(foreseen.did_open_notebook)
    feature(dismissed.METHOD)(dismissed.dismissed)
    feature(status.METHOD)(status.status)
    server.command(inline_completion.ACCEPTED)(inline_completion.accepted)
