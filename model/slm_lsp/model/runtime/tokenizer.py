"""Text to tokens and back, exactly, for our own vocabulary and for GPT-2's.

Knows: how a vocabulary is stored, the byte-level alphabet, the names of the special tokens.
Must not know: prompts, models, how a vocabulary is trained.

Both vocabularies are byte-level BPE, so that any text has tokens and `decode(encode(text)) == text`. The one
exception is a lone surrogate, which has no UTF-8 form: it becomes U+FFFD.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from slm_lsp.model.durable import write_file
from slm_lsp.model.errors import CheckpointDamaged, CheckpointMissing

SPECIAL_TOKENS = (
    "<|end|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|file|>",
    "<|repo|>",
    *(f"<|reserved_{n}|>" for n in range(10)),
)
"""The special tokens of our own vocabulary, ids 0 to 15 in this order."""

GPT2_END = "<|endoftext|>"
"""The only special token of GPT-2's vocabulary, and its last id."""

_SPELLINGS = {
    "end": ("<|end|>", GPT2_END),
    **{name: (f"<|{name}|>",) for name in ("fim_prefix", "fim_suffix", "fim_middle", "file", "repo")},
}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def byte_alphabet() -> dict[int, str]:
    """The printable character that stands for each byte, in the order of GPT-2's first 256 ids."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    alphabet = {byte: chr(byte) for byte in printable}
    rest = (byte for byte in range(256) if byte not in alphabet)
    return alphabet | {byte: chr(256 + n) for n, byte in enumerate(rest)}


class Tokenizer:
    """A byte-level BPE vocabulary; ids are ints from 0 to vocab_size - 1."""

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        backend.encode_special_tokens = True  # text that merely spells a special token stays text
        self._backend = backend
        self.vocab_size: int = backend.get_vocab_size()
        """Tokens in the vocabulary, special ones included."""
        added = backend.get_added_tokens_decoder()
        self._special = {token.content: number for number, token in added.items()}
        bytes_by_character = {character: byte for byte, character in byte_alphabet().items()}
        self._bytes = [
            b"" if number in added else bytes(bytes_by_character[c] for c in _token(backend, number))
            for number in range(self.vocab_size)
        ]

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """The vocabulary in a tokenizer.json, in a GPT-2 merges.txt, or in a folder that holds one of them.

        Raises CheckpointMissing when there is none, CheckpointDamaged when it cannot be read.
        """
        path = Path(path)
        if path.is_dir():
            path = next((path / n for n in ("tokenizer.json", "merges.txt") if (path / n).is_file()), path)
        if not path.is_file():
            raise CheckpointMissing(f"no vocabulary (tokenizer.json or merges.txt) at {path}")
        try:
            text = path.read_text(encoding="utf-8")
            return cls(_gpt2(text) if path.suffix == ".txt" else tokenizers.Tokenizer.from_str(text))
        except Exception as error:  # the parser raises bare Exception
            raise CheckpointDamaged(f"{path} is not a vocabulary: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes) -> Tokenizer:
        """The vocabulary in the bytes of a tokenizer.json; raises CheckpointDamaged when they are not one."""
        try:
            return cls(tokenizers.Tokenizer.from_buffer(data))
        except Exception as error:  # the parser raises bare Exception
            raise CheckpointDamaged(f"not a vocabulary: {error}") from error

    def to_bytes(self) -> bytes:
        """The vocabulary as compact JSON, as `save` writes it."""
        return self._json.encode("utf-8")

    def save(self, path: Path) -> None:
        """Write the vocabulary as compact JSON, replacing `path` atomically. Raises Unwritable."""
        write_file(Path(path), self.to_bytes())

    def encode(self, text: str) -> list[int]:
        """The tokens of the text; [] for the empty text."""
        return list(self._backend.encode(_encodable(text), add_special_tokens=False).ids)

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """`encode` of every text, on all cores."""
        batch = self._backend.encode_batch_fast([_encodable(text) for text in texts], add_special_tokens=False)
        return [list(encoding.ids) for encoding in batch]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the tokens: special tokens are no text, bytes that are not UTF-8 become U+FFFD."""
        return b"".join([self._bytes[number] for number in ids]).decode("utf-8", errors="replace")

    def bytes_of(self, number: int) -> bytes:
        """The bytes a token stands for; b"" for a special token. May be part of a character."""
        return self._bytes[number]

    def special(self, name: str) -> int | None:
        """The id of a special token; None when the vocabulary has none of that name.

        Names: end, fim_prefix, fim_suffix, fim_middle, file, repo.
        """
        return next((self._special[s] for s in _SPELLINGS.get(name, ()) if s in self._special), None)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the saved vocabulary: two tokenizers with the same one give the same ids."""
        return hashlib.sha256(self._json.encode("utf-8")).hexdigest()

    @cached_property
    def _json(self) -> str:
        return str(self._backend.to_str())


def _token(backend: tokenizers.Tokenizer, number: int) -> str:
    token = backend.id_to_token(number)
    if token is None:
        raise CheckpointDamaged(f"the vocabulary has no token with the id {number}")
    return token


def _encodable(text: str) -> str:
    """The text with lone surrogates, which have no UTF-8 form, replaced."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _gpt2(merges: str) -> tokenizers.Tokenizer:
    """GPT-2's vocabulary from its merges alone: the ids are 256 bytes, then one a merge, then the end."""
    lines = (line for line in merges.splitlines() if line and not line.startswith("#version"))
    pairs: list[tuple[str, str]] = []
    for line in lines:
        left, right = line.split(" ")
        pairs.append((left, right))
    tokens = [*byte_alphabet().values(), *(left + right for left, right in pairs)]
    backend = tokenizers.Tokenizer(models.BPE({token: n for n, token in enumerate(tokens)}, pairs))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([GPT2_END])
    return backend
