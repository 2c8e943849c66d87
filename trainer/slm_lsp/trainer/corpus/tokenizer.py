"""Trains the vocabulary: byte-level BPE whose pre-tokens follow the shape of Python.

Knows: the pre-tokenization pattern and BPE training. Must not know: archives, packs, models.

A merge never crosses a pre-token. These are: a line break with the indentation after it; one digit, a whole
identifier or a run of punctuation, each with at most one space before it; other white space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from slm_lsp.model.runtime.tokenizer import SPECIAL_TOKENS, Tokenizer, byte_alphabet
from slm_lsp.trainer.corpus.select import SourceFile, require_split

VOCAB_SIZE = 8_192
"""Tokens of the base model's vocabulary, special ones included."""
CHROMA_WEIGHT = 8
"""How often a file that uses ChromaDB is counted, so that the words of its API get tokens of their own."""

PATTERN = (
    r"\r?\n[ \t]*"  # a line break and the next line's indentation: a blank line is one token
    r"| ?\p{N}"  # every digit alone: numbers are spelled out, no token is a year
    r"| ?[\p{L}\p{M}_]+"  # an identifier, underscores included
    r"| ?[^\s\p{L}\p{M}\p{N}_]+"  # punctuation
    r"|[^\S\r\n]+(?!\S)"  # white space, up to the space that belongs to the next word
    r"|[^\S\r\n]+"
    r"|\r"
)
"""Oniguruma pattern of a pre-token; every text is covered by its matches."""


def train_tokenizer(files: Sequence[SourceFile], vocab_size: int = VOCAB_SIZE, *, progress: bool = False) -> Tokenizer:
    """A vocabulary of `vocab_size` tokens fitted to the files; the same files give the same vocabulary.

    Raises CorpusError when a file is not of the split `train`.
    """
    require_split(files, "train")
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(byte_alphabet().values()),
        show_progress=progress,
    )
    backend.train_from_iterator(_weighted(files), trainer)
    return Tokenizer(backend)


def _weighted(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for _ in range(CHROMA_WEIGHT if file.chroma else 1):
            yield file.text


def bytes_per_token(tokenizer: Tokenizer, files: Sequence[SourceFile]) -> float:
    """UTF-8 bytes of the files for each of their tokens; 0 when there are none."""
    tokens = sum(map(len, tokenizer.encode_batch(file.text for file in files)))
    return sum(len(file.text.encode()) for file in files) / tokens if tokens else 0.0
