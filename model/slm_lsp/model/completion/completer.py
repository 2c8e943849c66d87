"""The Completer: text around a cursor in, a suggestion or a list of names out.

Knows: one checkpoint and how its parts work together. Must not know: LSP, editors, which model a workspace uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slm_lsp.model.completion.decoding import Decoded, Decoder, never
from slm_lsp.model.completion.identifiers import Candidate, IdentifierSearch
from slm_lsp.model.completion.prompt import PromptBuilder, unix_newlines
from slm_lsp.model.completion.trimming import fit, opens_block
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

_TYPED = re.compile(r"[^\W\d]\w*$")
_NEARBY = 4096
"""Characters after the cursor that matter for what is shown."""


@dataclass(frozen=True)
class Suggestion:
    """Text that could be shown at the cursor."""

    text: str
    """What to insert, with the document's line endings."""
    confidence: float
    """From 0 to 1: the model's probability of exactly this text."""
    shown: bool
    """Whether this model's gate lets an editor show it."""
    tokens: int
    """Passes of the engine that it took, after the prompt."""


class Completer:
    """Completes with one model. Holds a KV cache, which makes it fast while typing and unsafe for two threads."""

    def __init__(self, checkpoint: Checkpoint, *, threads: int = 1) -> None:
        self.name = checkpoint.name
        """The checkpoint's name."""
        self.checkpoint = checkpoint
        self._engine = Engine.load(checkpoint, threads=threads)
        vocabulary = Vocabulary(checkpoint.tokenizer())
        self._prompts = PromptBuilder(vocabulary, checkpoint.config, checkpoint.prompt)
        self._decoder = Decoder(self._engine, vocabulary)
        self._identifiers = IdentifierSearch(self._engine, vocabulary)
        self._least_confidence = float(checkpoint.gate.get("min_confidence", 0.0))

    @classmethod
    def load(cls, folder: str | Path, *, threads: int = 1) -> Completer:
        """The completer of a checkpoint folder, run by `threads` threads; raises CheckpointError."""
        return cls(Checkpoint.open(folder), threads=threads)

    def complete(
        self,
        prefix: str,
        suffix: str,
        *,
        path: str = "",
        gated: bool = False,
        cancelled: Callable[[], bool] = never,
    ) -> Suggestion | None:
        """What to insert between `prefix` and `suffix`, the document's text around the cursor; None for nothing.

        One line, or several where the cursor stands on an empty line that opens a block. `path` is the document's,
        relative to its workspace. With `gated`, decoding ends as soon as the gate is sure to hide the suggestion:
        the text of one that is not `shown` may then be unfinished. Raises Cancelled within one decoding step after
        `cancelled()` turns true.
        """
        if cancelled():
            raise Cancelled("the request was cancelled")
        nearby = unix_newlines(prefix[-_NEARBY:])
        prompt = self._prompts.build(prefix, suffix, path)
        logits = self._engine.prefill(prompt.ids)
        floor = self._least_confidence if gated else 0.0
        decoded = self._decode(logits, prompt.stem, nearby, floor, cancelled)
        shown = decoded.probability >= self._least_confidence
        text = fit(decoded.text, unix_newlines(suffix[:_NEARBY]))
        if not text and (shown or not gated):
            return None
        newline = "\r\n" if "\r\n" in prefix[-_NEARBY:] else "\n"
        return Suggestion(text.replace("\n", newline), decoded.probability, shown, decoded.tokens)

    def identifiers(
        self, prefix: str, suffix: str, *, path: str = "", limit: int = 10, cancelled: Callable[[], bool] = never
    ) -> list[Candidate]:
        """The likeliest identifiers at the cursor, best first, each with the part already typed. Raises Cancelled."""
        if cancelled():
            raise Cancelled("the request was cancelled")
        prompt = self._prompts.build(prefix, suffix, path)
        logits = self._engine.prefill(prompt.ids)
        found = _TYPED.search(prefix[-_NEARBY:])
        return self._identifiers.search(logits, prompt.stem, found.group() if found else "", limit, cancelled)

    def _decode(self, logits: Floats, stem: bytes, nearby: str, floor: float, cancelled: Callable[[], bool]) -> Decoded:
        if opens_block(nearby) and not stem:
            return self._decoder.block(logits, nearby.rpartition("\n")[2], floor, cancelled)
        return self._decoder.line(logits, stem, floor, cancelled)
