"""The likeliest identifiers at the cursor, for a popup.

Knows: an engine, a vocabulary, what the memory expects, names that may be meant. Must not know: where such names come
from, prompts, editors.

Best-first search over the tokens that can spell an identifier. Names that are known to exist are pursued in preference,
and what is left of one is computed in a single pass as soon as no other name can be meant: few passes give the
probability of each name that could come first. Where passes run out, a name has that of its beginning, times UNREAD.

Shapes: V vocabulary.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_left
from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from slm_lsp.model.completion.decoding import Decoder, never
from slm_lsp.model.completion.mixture import log_softmax
from slm_lsp.model.completion.vocabulary import WORD_BYTES, Vocabulary
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.memory import Match
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

PASSES = 8
"""Most passes of the engine for one list."""
BRANCHES = 12
"""Tokens that are tried after each beginning, beside those of known names."""
UNLIKELY = 1e-3
"""Probability under which a name that is not known is noise."""
PREFERENCE = 3.0
"""How much likelier, as a logarithm, a beginning of a known name counts when passes are given out."""
UNREAD = 0.3
"""What the rest of a known name counts, of which only the beginning was computed."""
MOST_READ = 256
"""Beginnings whose logits are kept while a word is typed; 32 KB each with 8,192 tokens."""
LONGEST = 64
"""Bytes after which a name is given up."""

_TYPED = re.compile(r"[^\W\d]\w*\Z")


def typed_name(before: str) -> str:
    """The part of an identifier that a text ends with; "" where it ends otherwise."""
    found = _TYPED.search(before[-4 * LONGEST :])  # a search from the text's beginning would take its time
    return found.group() if found else ""


@dataclass(frozen=True)
class Candidate:
    """One entry of a popup."""

    name: str
    """The whole identifier, the part already typed included."""
    probability: float
    """The model's and the memory's probability that it is the next one."""


@dataclass(order=True)
class _Beginning:
    urgency: float
    surprise: float = field(compare=False)
    tokens: tuple[int, ...] = field(compare=False)
    stem: bytes = field(compare=False)
    """What of the stem is still to be decoded."""
    text: bytes = field(compare=False)
    """The identifier so far, without the part already typed."""


class _Known:
    """Names that may be meant, as what follows the part already typed."""

    def __init__(self, names: Collection[str], typed: str) -> None:
        self.names = {name[len(typed) :].encode(): name for name in names if name.startswith(typed) and name != typed}
        self._sorted = sorted(self.names)

    def after(self, text: bytes) -> list[bytes]:
        """The rests that begin with a text, that text cut off; one may be empty."""
        low = bisect_left(self._sorted, text)
        high = bisect_left(self._sorted, text + b"\xff" * 8)
        return [rest[len(text) :] for rest in self._sorted[low:high]]

    def goes_on(self, text: bytes) -> bool:
        """Whether some rest begins with a text."""
        place = bisect_left(self._sorted, text)
        return place < len(self._sorted) and self._sorted[place].startswith(text)


class IdentifierSearch:
    """Finds names with an engine that holds the prompt."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, decoder: Decoder) -> None:
        self.engine = engine
        self.vocabulary = vocabulary
        self.decoder = decoder
        self.ids = {piece: token for token, piece in enumerate(vocabulary.tokens) if piece}
        """The token of each piece of text."""
        self._prompt: list[int] = []
        self._read: dict[tuple[int, ...], Floats] = {}

    def read(self) -> dict[tuple[int, ...], Floats]:
        """The logits (V,) after tokens that were read behind the prompt that the engine holds; for more of them.

        While a word is typed its prompt stays the same: what was read for one letter is not read again for the next.
        """
        if self._prompt != self.engine.ids or len(self._read) > MOST_READ:
            self._prompt, self._read = list(self.engine.ids), {}
        return self._read

    def search(
        self, logits: Floats, stem: bytes, typed: str, limit: int, *, match: Match | None = None,
        names: Collection[str] = (), cancelled: Callable[[], bool] = never,
    ) -> list[Candidate]:  # fmt: skip
        """Identifiers that begin with `typed`, best first; `logits` (V,) follow the prompt.

        At most `limit` of the model's and the memory's own, and all of `names` that begin so and are more than what
        is typed, however unlikely. The cache holds the prompt again afterwards. Raises Cancelled.
        """
        found = _Search(self, match, _Known(names, typed), typed, limit).run(logits, stem, cancelled)
        ranked = sorted(found.items(), key=lambda item: -item[1])
        own = [name for name, _ in ranked if name not in names][:limit]
        chosen = {*own, *names}
        return [Candidate(name, probability) for name, probability in ranked if name in chosen]


class _Search:
    """One search: what is still to be tried, what was computed, what was found."""

    def __init__(self, tools: IdentifierSearch, match: Match | None, known: _Known, typed: str, limit: int) -> None:
        self._tools = tools
        self._known = known
        self._typed = typed
        self._limit = limit
        self._start = len(tools.engine.ids)
        self._read = tools.read()
        self._rows: dict[tuple[int, ...], Floats] = {}  # the logits (V,) after some tokens
        self._matches: dict[tuple[int, ...], Match | None] = {(): match}  # where the memory agrees after some tokens
        self._queue: list[_Beginning] = []
        self._found: dict[str, float] = {}

    def run(self, logits: Floats, stem: bytes, cancelled: Callable[[], bool]) -> dict[str, float]:
        """The names found, and all that are known, with their probabilities."""
        self._rows[()] = logits
        self._queue = [_Beginning(0.0, 0.0, (), stem, b"")]
        passes = 1
        try:
            while self._queue and not self._settled():
                if cancelled():
                    raise Cancelled("the request was cancelled")
                beginning = self._queue[0]
                if beginning.tokens not in self._rows:
                    if passes == PASSES:
                        break
                    passes += self._compute(beginning)
                heapq.heappop(self._queue)
                if beginning.tokens in self._rows:
                    self._expand(beginning)
        finally:
            self._tools.engine.rewind(self._start)
        self._guess()
        return self._found

    def _compute(self, beginning: _Beginning) -> bool:
        """Have the engine read a beginning, with the rest of the name where only one can be meant; whether it fits."""
        engine, rests = self._tools.engine, self._known.after(beginning.text)
        draft: list[int] = []
        if len(rests) == 1 and (rest := beginning.stem + rests[0]):
            draft = self._tools.vocabulary.tokenizer.encode(rest.decode("utf-8", "ignore"))
        engine.rewind(self._start)
        draft = draft[: max(engine.free - len(beginning.tokens), 0)]
        if len(beginning.tokens) > engine.free:
            return False
        wanted = [(*beginning.tokens, *draft[:count]) for count in range(1 + len(draft))]
        if any(tokens not in self._read for tokens in wanted):
            self._read |= zip(wanted, engine.append([*beginning.tokens, *draft], last=1 + len(draft)), strict=True)
        self._rows |= {tokens: self._read[tokens] for tokens in wanted}
        return True

    def _expand(self, beginning: _Beginning) -> None:
        """Put what can follow into the queue; the name is found where it can end here."""
        vocabulary, stem = self._tools.vocabulary, beginning.stem
        logs = self._tools.decoder.log_probabilities(
            self._rows.pop(beginning.tokens), self._match_after(beginning.tokens)
        )
        if stem:
            allowed = vocabulary.agreeing(stem)
            logs[allowed] = log_softmax(logs[allowed])
        else:
            allowed = np.flatnonzero(vocabulary.starts_word)
            ends = float(np.exp(logs[~vocabulary.starts_word]).sum())
            self._finish(beginning.text, np.exp(-beginning.surprise) * ends)
        likeliest = allowed[np.argpartition(-logs[allowed], min(BRANCHES, len(allowed)) - 1)[:BRANCHES]]
        for token in {*likeliest.tolist(), *self._spelling(beginning)}:
            piece, left = vocabulary.tokens[token], stem
            piece, left = piece[len(left) :], left[len(piece) :]
            text = beginning.text + piece
            # A token that covers the stem and goes on with something else than a word spells no identifier.
            if len(text) > LONGEST or (piece and piece[0] not in WORD_BYTES):
                continue
            surprise = beginning.surprise - float(logs[token])
            urgency = surprise - (PREFERENCE if self._known.goes_on(text) else 0.0)
            heapq.heappush(self._queue, _Beginning(urgency, surprise, (*beginning.tokens, token), left, text))

    def _match_after(self, tokens: tuple[int, ...]) -> Match | None:
        """The match after some tokens; each is made from the one a token before it, which stays where it is."""
        if tokens not in self._matches:
            before = self._match_after(tokens[:-1])
            further = copy(before)
            if further is not None:
                further.advance(tokens[-1])
            self._matches[tokens] = further
        return self._matches[tokens]

    def _spelling(self, beginning: _Beginning) -> set[int]:
        """The tokens with which what is left of known names can begin."""
        stem, ids = beginning.stem, self._tools.ids
        rests = [stem + rest for rest in self._known.after(beginning.text)]
        pieces = {rest[:cut] for rest in rests for cut in range(1, len(rest) + 1)}
        return {ids[piece] for piece in pieces if piece in ids}

    def _finish(self, text: bytes, probability: float) -> None:
        name = self._typed + text.decode("utf-8", "ignore")
        if text and name.isidentifier() and (probability >= UNLIKELY or text in self._known.names):
            self._found[name] = max(self._found.get(name, 0.0), float(probability))

    def _settled(self) -> bool:
        """Whether no beginning that is left can lead to a name among the best."""
        possible = float(np.exp(-self._queue[0].urgency))
        if possible < UNLIKELY:
            return True
        if len(self._found) < self._limit:
            return False
        return sorted(self._found.values())[-self._limit] >= possible

    def _guess(self) -> None:
        """Give each known name that was not reached the probability of its beginning, times UNREAD."""
        reached: dict[bytes, float] = {}
        for beginning in self._queue:
            for rest in self._known.after(beginning.text) if self._known.names else ():
                whole = beginning.text + rest
                reached[whole] = max(reached.get(whole, 0.0), float(np.exp(-beginning.surprise)) * UNREAD)
        for rest, name in self._known.names.items():
            self._found.setdefault(name, reached.get(rest, 0.0))
