"""What ChromaDB would refuse of a text that is about to be offered.

Knows: what ChromaDB asks of a collection's name, in every version. Must not know: why the text is offered, LSP.
"""

from __future__ import annotations

import re

_NAMED = re.compile(
    r"""\b(?:get|create|get_or_create|delete)_collection\(\s*(?:name\s*=\s*)?(?P<quote>["'])(?P<name>[^"'\n\\]*)(?P=quote)"""
)
_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+\w*chroma", re.M | re.I)
_VALID = re.compile(r"[a-zA-Z0-9](?!.*\.\.)[\w.-]{1,510}[a-zA-Z0-9]", re.A)
_LONGEST_CALL = 600
"""Characters before the cursor in which the call begins that a text goes on with."""


def is_refused(before: str, text: str) -> bool:
    """Whether a text, put behind another one, writes a collection's name that no version of ChromaDB takes."""
    near = before[-_LONGEST_CALL:]
    written = (one for one in _NAMED.finditer(near + text) if one.end() > len(near))
    return any(not _VALID.fullmatch(one["name"]) for one in written) and _IMPORT.search(before) is not None
