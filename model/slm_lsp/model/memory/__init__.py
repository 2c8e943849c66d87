"""The live memory: a longest-suffix index over what is open and what the workspace holds, in tokens.

document.py   one text as tokens, cheap to edit        shelf.py   many texts that do not change, sorted
sources.py    where a context can be found             match.py   the places that agree with it, while decoding
store.py      what is kept between sessions            memory.py  the door: Memory

Knows: a tokenizer, texts, cursors. Must not know: LSP, models, prompts, which files a workspace has.
"""

from slm_lsp.model.memory.match import NOTHING, Continuations, Match
from slm_lsp.model.memory.memory import Memory, textbook_of
from slm_lsp.model.memory.shelf import Shelf
from slm_lsp.model.memory.store import Stamp

__all__ = ["NOTHING", "Continuations", "Match", "Memory", "Shelf", "Stamp", "textbook_of"]
