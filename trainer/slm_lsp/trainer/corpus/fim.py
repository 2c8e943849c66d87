"""A file's text as token ids: plain text in order, some pieces turned into fill-in-the-middle samples.

Knows: the order of the special tokens, where a cursor may stand. Must not know: files, splits, packs.

A document is <|file|> path \\n text <|end|>. A fill-in-the-middle piece stands in its place in the document:
<|fim_suffix|> S <|fim_prefix|> P <|fim_middle|> M <|end|>. That ends it; what follows in the file starts
a new one with the same path. Suffix first, so that at inference typing only appends to the prompt.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from slm_lsp.model.errors import ConfigError
from slm_lsp.model.runtime.tokenizer import Tokenizer

CHARACTERS_PER_TOKEN = 3.8
"""Of Python code in our vocabulary; only the size of the pieces hangs on it."""


@dataclass(frozen=True)
class FimRecipe:
    """How much of the text becomes fill-in-the-middle samples, and where they are cut.

    Raises ConfigError naming every fault when a figure is out of its range.
    """

    share: float = 0.15
    """Share of the pieces that become fill-in-the-middle samples."""
    piece_tokens: tuple[int, int] = (250, 400)
    """Smallest and largest length of a piece, in tokens, before it is cut; approximate."""
    rest_of_line: float = 0.7
    """Share of the samples whose middle goes from a random place in a line to that line's end."""
    lines: float = 0.2
    """Share of the samples whose middle is a few whole lines; the others are random spans of characters."""
    max_lines: int = 5
    """Most lines in such a middle."""
    max_span: int = 200
    """Most characters in a random span."""
    seed: int = 0
    """Of every random choice."""

    def __post_init__(self) -> None:
        faults = [f"{n} must be in 0..1" for n in ("share", "rest_of_line", "lines") if not 0 <= getattr(self, n) <= 1]
        if self.rest_of_line + self.lines > 1:
            faults.append("rest_of_line and lines must not add up to more than 1")
        if not 0 < self.piece_tokens[0] <= self.piece_tokens[1]:
            faults.append(f"piece_tokens must be a range of positive numbers, not {self.piece_tokens}")
        if self.max_lines < 1 or self.max_span < 1:
            faults.append("max_lines and max_span must be positive")
        if faults:
            raise ConfigError("fill-in-the-middle recipe", faults)


@dataclass(frozen=True)
class Hole:
    """A piece of text cut in three: prefix + middle + suffix is the piece."""

    prefix: str
    middle: str
    suffix: str


Part = str | int
"""What a document is made of: text to encode, or the id of a special token."""


def pieces(text: str, tokens: tuple[int, int], rng: random.Random) -> list[str]:
    """The text cut at line starts into pieces of about so many tokens; joined they are the text."""
    found: list[str] = []
    start = 0
    while start < len(text):
        length = int(rng.randint(*tokens) * CHARACTERS_PER_TOKEN)
        end = text.find("\n", start + length) + 1 or len(text)
        found.append(text[start:end])
        start = end
    return found


def cut(piece: str, recipe: FimRecipe, rng: random.Random) -> Hole | None:
    """Take a middle out of the piece; None when it has no line that is not blank."""
    lines = [match for match in re.finditer(r"[^\n]+", piece) if match[0].strip()]
    if not lines:
        return None
    kind = rng.random()
    line = rng.choice(lines)
    if kind < recipe.rest_of_line:
        first = line.end() - len(line[0].lstrip())
        start, end = rng.randrange(first, line.end()), line.end()
    elif kind < recipe.rest_of_line + recipe.lines:
        start = line.start()
        end = start
        for _ in range(rng.randint(1, recipe.max_lines)):
            end = piece.find("\n", end) + 1 or len(piece)
    else:
        start = rng.randrange(len(piece))
        end = min(len(piece), start + rng.randint(1, recipe.max_span))
    return Hole(piece[:start], piece[start:end], piece[end:])


class DocumentWriter:
    """Turns files into token ids after one recipe; the same files in the same order give the same ids."""

    def __init__(self, tokenizer: Tokenizer, recipe: FimRecipe) -> None:
        self._tokenizer = tokenizer
        self._recipe = recipe
        self._rng = random.Random(recipe.seed)
        self._file, self._end, self._prefix, self._middle, self._suffix = (
            _required(tokenizer, name) for name in ("file", "end", "fim_prefix", "fim_middle", "fim_suffix")
        )

    def parts(self, path: str, text: str) -> list[Part]:
        """One file's documents, as text and special tokens."""
        if not self._recipe.share:
            return [self._file, f"{path}\n{text}", self._end]
        found: list[Part] = []
        header = f"{path}\n"
        plain = header
        for piece in pieces(text, self._recipe.piece_tokens, self._rng):
            hole = cut(piece, self._recipe, self._rng) if self._rng.random() < self._recipe.share else None
            if hole is None:
                plain += piece
                continue
            found += [self._file, plain, self._suffix, hole.suffix, self._prefix, hole.prefix]
            found += [self._middle, hole.middle, self._end]
            plain = header
        if plain != header or not found:
            found += [self._file, plain, self._end]
        return found

    def encode(
        self, files: Sequence[tuple[str, str]], on_file: Callable[[], None] = lambda: None
    ) -> Iterator[list[int]]:
        """The ids of each (path, text), in order; many files are encoded at once, on all cores."""
        for start in range(0, len(files), 256):
            batch = [self.parts(path, text) for path, text in files[start : start + 256]]
            texts = [part for document in batch for part in document if isinstance(part, str)]
            encoded = iter(self._tokenizer.encode_batch(texts))
            for document in batch:
                ids: list[int] = []
                for part in document:
                    ids += [part] if isinstance(part, int) else next(encoded)
                yield ids
                on_file()


def _required(tokenizer: Tokenizer, name: str) -> int:
    number = tokenizer.special(name)
    if number is None:
        raise ConfigError("vocabulary", [f"it has no special token {name}, which documents of the corpus need"])
    return number
