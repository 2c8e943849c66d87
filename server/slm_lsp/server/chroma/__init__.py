"""ChromaDB by heart: what to offer where ChromaDB expects something.

Facts come from the chromadb that the user has installed and from what their workspace does with it; `offers` turns
them into offers for a cursor. It knows nothing of LSP and never imports chromadb.
"""

from __future__ import annotations

from slm_lsp.server.chroma.facts import Facts, Installed, Used
from slm_lsp.server.chroma.installed import installed_in
from slm_lsp.server.chroma.knowledge import Knowledge, Known
from slm_lsp.server.chroma.offers import Offer, offers, typed
from slm_lsp.server.chroma.refused import is_refused
from slm_lsp.server.chroma.scan import is_code
from slm_lsp.server.chroma.used import Workspace

__all__ = [
    "Facts",
    "Installed",
    "Knowledge",
    "Known",
    "Offer",
    "Used",
    "Workspace",
    "installed_in",
    "is_code",
    "is_refused",
    "offers",
    "typed",
]
