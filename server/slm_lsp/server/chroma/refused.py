"""What ChromaDB would refuse of a text that is about to be offered.

Knows: what ChromaDB asks of a collection's name, in every version. Must not know: why the text is offered, LSP.
"""

from __future__ import annotations

import re

from slm_lsp.server.chroma.bindings import OTHER_DATABASES

_NAMED = re.compile(
    r"""\b(?:get|create|get_or_create|delete)_collection\(\s*(?:name\s*=\s*)?"""
    r"""(?P<quote>["'])(?P<name>[^"'\n\\]*)(?P=quote)\s*(?:[,)]|\Z)"""
)
"""A call with a name that is one string, and nothing else."""
_IMPORT = re.compile(r"^[ \t]*(?:from|import)\b[^\n#]*chroma", re.M | re.I)
_OTHERS = re.compile(rf"^[ \t]*(?:from|import)\b[^\n#]*\b(?:{'|'.join(sorted(OTHER_DATABASES))})\b", re.M)
_VALID = re.compile(r"[a-zA-Z0-9](?!.*\.\.)[\w.-]{1,510}[a-zA-Z0-9]", re.A)
_LONGEST_CALL = 600
"""Characters before the cursor in which the call begins that a text goes on with."""


def is_refused(before: str, text: str) -> bool:
    """Whether a text, put behind another one, writes a name that no version of ChromaDB gives to a collection.

    Only where that other text imports ChromaDB, and no other database that has collections.
    """
    near = before[-_LONGEST_CALL:]
    written = (one for one in _NAMED.finditer(near + text) if one.end() > len(near))
    if all(_VALID.fullmatch(one["name"]) for one in written):
        return False
    return _IMPORT.search(before) is not None and _OTHERS.search(before) is None
