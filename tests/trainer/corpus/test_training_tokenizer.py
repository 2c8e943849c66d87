"""Training a vocabulary: the same one each time, only from the training split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from archives import code

from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.select import SourceFile
from slm_lsp.trainer.corpus.tokenizer import bytes_per_token, train_tokenizer

FILES = [SourceFile("demo", "train", f"{n}.py", code(f"name_{n}"), False) for n in ("a", "b", "c")]
CHROMA = SourceFile("demo", "train", "chroma.py", "get_or_create_collection\n" * 2, True)


def test_the_same_files_give_the_same_vocabulary() -> None:
    one, other = (train_tokenizer([*FILES, CHROMA], 350) for _ in range(2))
    assert one.vocab_size == 350
    assert one.sha256 == other.sha256
    assert one.decode(one.encode(FILES[0].text)) == FILES[0].text


def test_chromadb_files_weigh_more() -> None:
    rare = replace(CHROMA, chroma=False)
    weighted, plain = (train_tokenizer([*FILES, file], 340) for file in (CHROMA, rare))
    assert bytes_per_token(weighted, [CHROMA]) > bytes_per_token(plain, [CHROMA])


def test_a_vocabulary_is_never_trained_on_another_split() -> None:
    with pytest.raises(CorpusError, match=r"demo \(tune\)"):
        train_tokenizer([*FILES, replace(CHROMA, split="tune")], 400)


def test_bytes_per_token_counts_bytes() -> None:
    tokenizer = train_tokenizer(FILES, 272)  # special tokens and bytes only
    assert bytes_per_token(tokenizer, [replace(CHROMA, text="é漢x")]) == 1.0
    assert bytes_per_token(tokenizer, []) == 0.0
