"""The Completer: text around a cursor in, a suggestion or a list of names out.

Knows: one checkpoint and how its parts work together. Must not know: LSP, editors, which model a workspace uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slm_lsp.model.completion.decoding import Decoded, Decoder, Taken, never
from slm_lsp.model.completion.filter import Level, filter_of
from slm_lsp.model.completion.forks import TRIES, likeliest
from slm_lsp.model.completion.identifiers import Candidate, IdentifierSearch, typed_name
from slm_lsp.model.completion.mixture import gate_of
from slm_lsp.model.completion.prompt import Prompt, PromptBuilder, unix_newlines
from slm_lsp.model.completion.repetition import says_again
from slm_lsp.model.completion.scope import unknown_names
from slm_lsp.model.completion.shape import LINE, wanted
from slm_lsp.model.completion.stages import Stages
from slm_lsp.model.completion.trimming import fit, is_torn
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.memory import Continuations, Match, Memory
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

_TRAILING = re.compile(r"[ \t]+(?=\n)")
_NEARBY = 4096
"""Characters after the cursor that matter for what is shown."""
UNLIKELY = 0.1
"""What is left of a text's confidence that says something again or has names which nothing explains: hardly any is
right."""
SEEN = 40
"""Tokens of a place in memory that are compared with a suggestion, to say where it was seen."""

EVERY_STAGE = Stages()


@dataclass(frozen=True)
class Suggestion:
    """Text that could be shown at the cursor."""

    text: str
    """What to insert, with the document's line endings."""
    confidence: float
    """From 0 to 1: how likely it is exactly right."""
    shown: bool
    """Whether this model's gate lets an editor show it."""
    tokens: int
    """Tokens that were decoded for it."""
    passes: int = 0
    """Passes of the engine after the prompt, those for texts that it stands for included."""
    source: tuple[str, int] | None = None
    """Path and line (from 1) of the place in memory that says the same; None where there is none."""
    probability: float = 0.0
    """Of exactly its first line, as model and memory see it; of what is left where texts were ruled out."""


@dataclass(frozen=True)
class Step:
    """What was expected before a token of a known text."""

    logits: Floats
    """The model's (V,)."""
    memory: Continuations | None
    """The memory's; None without a memory."""
    token: int
    """The token that came."""


class Completer:
    """Completes with one model. Holds a KV cache, which makes it fast while typing and unsafe for two threads."""

    def __init__(self, checkpoint: Checkpoint, *, threads: int = 1, stages: Stages = EVERY_STAGE) -> None:
        self.name = checkpoint.name
        """The checkpoint's name."""
        self.checkpoint = checkpoint
        self._engine = Engine.load(checkpoint, threads=threads)
        self.tokenizer = checkpoint.tokenizer()
        """The checkpoint's vocabulary; a memory must have the same."""
        vocabulary = self._vocabulary = Vocabulary(self.tokenizer)
        self._stages = stages
        self._prompts = PromptBuilder(vocabulary, checkpoint.config, checkpoint.prompt, healing=stages.healing)
        self._decoder = Decoder(
            self._engine, vocabulary, gate_of(checkpoint.gate.get("mixture")), drafts=stages.drafts
        )  # fmt: skip
        self._identifiers = IdentifierSearch(self._engine, vocabulary, self._decoder)
        self.filter = filter_of(checkpoint.gate)
        """When it is silent."""

    @classmethod
    def load(cls, folder: str | Path, *, threads: int = 1, stages: Stages = EVERY_STAGE) -> Completer:
        """The completer of a checkpoint folder, run by `threads` threads; raises CheckpointError."""
        return cls(Checkpoint.open(folder), threads=threads, stages=stages)

    def complete(
        self,
        prefix: str,
        suffix: str,
        *,
        path: str = "",
        memory: Memory | None = None,
        suggest: Level = "balanced",
        hasty: bool = False,
        begun: int = 0,
        cancelled: Callable[[], bool] = never,
    ) -> Suggestion | None:
        """What to insert between `prefix` and `suffix`, the document's text around the cursor; None for nothing.

        One line, or several on an empty line below the head of a block or in a bracket. `path` is the document's,
        relative to its workspace, by which the `memory` knows it too. What is sure enough for the level `suggest` is
        `shown`. With `hasty`, decoding ends as soon as a suggestion is sure not to be: its text may then be
        unfinished. `begun` characters at the end of `prefix` are offered with the text, see `fit`. Raises Cancelled
        within one decoding step after `cancelled()` turns true.
        """
        before, after = unix_newlines(prefix), unix_newlines(suffix)
        prompt, logits, match = self._begin(prefix, suffix, path, memory, cancelled)
        source = match.source() if match else None
        known = self._vocabulary.text_of(match.draft(SEEN)) if match else ""
        shape = LINE
        if self._stages.lines and not prompt.stem.strip():
            shape = wanted(before[-_NEARBY:], after[:_NEARBY])

        def decode(given: Sequence[Taken], floor: float) -> Decoded:
            follow = self._engine.prefill([*prompt.ids, *(one.token for one in given)]) if given else logits
            own = match.again() if match else None
            return self._decoder.decode(
                follow, prompt.stem, shape, match=own, given=given, floor=floor, cancelled=cancelled
            )

        found = likeliest(
            decode, partial(self._fitted, before[-_NEARBY:], after[:_NEARBY], begun),
            partial(self._is_wrong, before, after), floor=self.filter.floor(suggest),
            tries=TRIES if self._stages.forks else 0, hasty=hasty, room=self._engine.config.context - len(prompt.ids),
        )  # fmt: skip
        text = found.text
        seen = bool(text) and known.startswith(prompt.stem.decode("utf-8", "ignore") + text.split("\n", 1)[0])
        confidence = self.filter.confidence(found.probability) * (UNLIKELY if found.wrong else 1.0)
        shown = found.likely and confidence >= self.filter.threshold(suggest)
        if not text and (shown or not hasty):
            return None
        text = _TRAILING.sub("", text).replace("\n", "\r\n" if "\r\n" in prefix[-_NEARBY:] else "\n")
        return Suggestion(
            text, confidence, shown and bool(text), found.tokens, found.passes, source if seen else None,
            found.probability,
        )  # fmt: skip

    def identifiers(
        self, prefix: str, suffix: str, *, path: str = "", memory: Memory | None = None, limit: int = 10,
        names: Collection[str] = (), cancelled: Callable[[], bool] = never,
    ) -> list[Candidate]:  # fmt: skip
        """The likeliest identifiers at the cursor, best first, each with the part already typed.

        At most `limit` of its own, and all of `names` that can be meant, however unlikely. Raises Cancelled.
        """
        prompt, logits, match = self._begin(prefix, suffix, path, memory, cancelled)
        return self._identifiers.search(
            logits, prompt.stem, typed_name(prefix), limit, match=match, names=names, cancelled=cancelled
        )

    def follow(
        self, prefix: str, text: str, suffix: str, *, path: str = "", memory: Memory | None = None
    ) -> Iterator[Step]:
        """What model and memory expect at each token of a `text` that is known to stand at the cursor."""
        prompt, logits, match = self._begin(prefix, suffix, path, memory, never)
        for token in self.tokenizer.encode(prompt.stem.decode("utf-8", "replace") + text)[: self._engine.free]:
            yield Step(logits, match.continuations() if match else None, token)
            if match:
                match.advance(token)
            logits = self._engine.append([token], last=1)[0]

    def _fitted(self, nearby: str, after: str, begun: int, text: str) -> str:
        """What of a decoded text would be offered."""
        return fit(text, nearby, after, begun) if self._stages.fitting else text

    def _is_wrong(self, before: str, after: str, text: str, fitted: str) -> bool:
        """Whether something around a text, or what it lost by being fitted, tells that it is not what is meant."""
        stages = self._stages
        return (
            (stages.fitting and is_torn(text, fitted, after))
            or (stages.repeats and says_again(before, fitted, after))
            or (stages.names and bool(unknown_names(before, fitted, after)))
        )

    def _begin(
        self, prefix: str, suffix: str, path: str, memory: Memory | None, cancelled: Callable[[], bool]
    ) -> tuple[Prompt, Floats, Match | None]:
        """The prompt, the logits that follow it, and where the memory agrees with it."""
        if cancelled():
            raise Cancelled("the request was cancelled")
        prompt = self._prompts.build(prefix, suffix, path)
        logits = self._engine.prefill(prompt.ids)
        remembers = memory if self._stages.memory else None
        return prompt, logits, remembers.matcher(path, prefix, suffix, prompt.stem) if remembers else None
