"""The baseline without a model: a copier that finds the longest piece of text it has seen before and goes on from it.

Knows: token ids, numpy scans. Must not know: models, the completer's own memory, which it is measured against.

It reads the text around the cursor, then the workspace's other files, then a packed corpus, and copies from where the
most tokens before the cursor agree; nearer text wins between equals, then the most frequent continuation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.completion.prompt import stem_of, unix_newlines
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.runtime.tokenizer import Tokenizer

Ids = NDArray[np.uint16]

LONGEST = 32
"""Most tokens that are compared before a place."""
PLACES = 64
"""Most places at one length that are looked at, the latest ones."""
LINE_TOKENS = 40
"""Most tokens that are copied."""
BEFORE = 2_000
"""Characters before the cursor that are compared."""
GAP = 65_535
"""Stands in for the cursor and for the ends of files: no token has this id."""

_NAME = re.compile(r"\w+")
_TYPED = re.compile(r"[^\W\d]\w*$")


@dataclass(frozen=True)
class Copied:
    """A suggestion of the copier; always shown, with the confidence of its length."""

    text: str
    """The rest of the line, as it stands elsewhere."""
    confidence: float
    """0 to 1: tokens that agreed, of LONGEST."""
    shown: bool = True
    """Whether an editor would be given it."""


@dataclass(frozen=True)
class CopiedName:
    """A name of the copier's popup."""

    name: str
    """The identifier."""


class Copier:
    """A longest-suffix copier over one vocabulary's tokens."""

    def __init__(
        self, tokenizer: Tokenizer, workspace: Mapping[str, str] | None = None, corpus: Sequence[Ids] = ()
    ) -> None:
        """`workspace` are the other files by path; `corpus` is packed in the same vocabulary."""
        self._vocabulary = Vocabulary(tokenizer)
        self._encode = tokenizer.encode
        self._workspace = {path: self._ids(unix_newlines(text)) for path, text in (workspace or {}).items()}
        self._corpus = corpus

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Copied | None:
        """The rest of the line as it goes on where the longest context agrees; None where nothing does."""
        for length, rests in self._levels(prefix, suffix, path):
            text = Counter(rest.split("\n", 1)[0].rstrip() for rest in rests).most_common(1)[0][0]
            return Copied(text, min(length / LONGEST, 1.0)) if text else None
        return None

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[CopiedName]:
        """Names that follow the same context elsewhere, those after the longest first."""
        found = _TYPED.search(prefix[-200:])
        typed = found.group() if found else ""
        names: dict[str, None] = {}
        for _, rests in self._levels(prefix, suffix, path):
            following = (typed + (match.group() if (match := _NAME.match(rest)) else "") for rest in rests)
            names |= {name: None for name in following if name.isidentifier() and name != typed}
            if len(names) >= limit:
                break
        return [CopiedName(name) for name in list(names)[:limit]]

    def _levels(self, prefix: str, suffix: str, path: str) -> Iterator[tuple[int, list[str]]]:
        """Length of agreement, longest first, and how the text goes on there after the cursor, latest first."""
        before = unix_newlines(prefix)
        stem = stem_of(before, joins_indent=self._vocabulary.joins_indent)
        before = before[: len(before) - len(stem)]
        near = before[-BEFORE:]
        context = self._ids(near[near.find("\n") + 1 if len(before) > BEFORE else 0 :])[-LONGEST:]
        opened = np.concatenate([self._ids(before), [GAP], self._ids(unix_newlines(suffix)), [GAP]]).astype(np.uint16)
        others = [ids for name, ids in self._workspace.items() if name != path]
        matched = [_matches(ids, context) for ids in (opened, *others, *self._corpus)]
        sources = (opened, *others, *self._corpus)
        for length in range(len(context), 0, -1):
            rests: list[str] = []
            for ids, levels in zip(sources, matched, strict=True):
                if len(levels) >= length:
                    places = levels[length - 1][::-1][:PLACES]
                    rests += [rest for place in places if (rest := self._rest(ids, int(place), stem)) is not None]
                if rests and ids is opened:
                    break  # the open file outweighs the others at the same length
            if rests:
                yield length, rests

    def _rest(self, ids: Ids, place: int, stem: str) -> str | None:
        """The line from a place on, without the stem it must begin with; None where it does not."""
        tokens = self._vocabulary.tokens
        wanted, raw = stem.encode("utf-8", "replace"), b""
        for token in ids[place : place + LINE_TOKENS]:
            if token == GAP or b"\n" in raw[len(wanted) :]:
                break
            raw += tokens[token]
        if not raw.startswith(wanted) or raw == wanted:
            return None
        return raw[len(wanted) :].decode("utf-8", "ignore")

    def _ids(self, text: str) -> Ids:
        return np.array([*self._encode(text), GAP], dtype=np.uint16)[:-1]


def _matches(ids: Ids, context: Ids) -> list[NDArray[np.int64]]:
    """For each length from 1 on: the places behind which so many tokens agree with the end of the context."""
    levels: list[NDArray[np.int64]] = []
    places = np.arange(0)
    for count, token in enumerate(context[::-1], start=1):
        if count == 1:
            places = np.flatnonzero(ids[:-1] == token) + 1
        else:
            places = places[places >= count]
            places = places[ids[places - count] == token]
        if not len(places):
            break
        levels.append(places)
    return levels


def read_corpus(folder: Path, tokenizer: Tokenizer) -> list[Ids]:
    """The training groups of a packed corpus, memory-mapped; raises CorpusError where it is not in this vocabulary."""
    import json

    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        if meta["tokenizer_sha256"] != tokenizer.sha256:
            raise CorpusError(f"{folder} is packed in another vocabulary; run `make corpus` again")
        return [np.memmap(folder / f"{group}.bin", dtype="<u2", mode="r") for group in ("chroma", "general")]
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(f"no packed corpus in {folder} ({error}); `make corpus` makes one") from error
