"""The tokenizer: exact for any text, whole for both vocabularies, honest about damaged files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import CheckpointDamaged, CheckpointMissing
from slm_lsp.model.runtime.tokenizer import SPECIAL_TOKENS, Tokenizer, byte_alphabet

OURS = Tokenizer.from_file(vocabulary("chroma8k"))
GPT2 = Tokenizer.from_file(vocabulary("gpt2"))
BOTH = pytest.mark.parametrize("tokenizer", [OURS, GPT2], ids=["chroma8k", "gpt2"])

GPT2_TABLE_SHA256 = "22f185846c3da6972451b865f7a74e12f84c19a13b961e0eeae8468a17aa78fa"
CODE = 'def add(self, ids):\n\n    """é 漢字 🙂"""\n\tx = 2026  # note\r\n        return self._ids[ids:]\n'


@BOTH
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@settings(max_examples=200, deadline=None)
def test_any_text_survives_the_round_trip(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert b"".join(map(tokenizer.bytes_of, ids)) == text.encode()


@BOTH
@given(text=st.text(alphabet=st.sampled_from("a_ 1\t\r\n\u2028\x00é🙂(<|end>\ud83d\ude42")))
@settings(max_examples=200, deadline=None)
def test_lone_surrogates_become_the_replacement_character(tokenizer: Tokenizer, text: str) -> None:
    expected = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert tokenizer.decode(tokenizer.encode(text)) == expected


@BOTH
def test_batches_and_single_texts_agree(tokenizer: Tokenizer) -> None:
    texts = [CODE, "", "x\ud800", "a" * 5_000]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]


@BOTH
def test_the_empty_text_has_no_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


@BOTH
def test_text_that_spells_a_special_token_stays_text(tokenizer: Tokenizer) -> None:
    text = "x<|end|><|fim_middle|> <|endoftext|>\n<|file|>"
    ids = tokenizer.encode(text)
    special = {tokenizer.special(name) for name in ("end", "fim_prefix", "fim_suffix", "fim_middle", "file", "repo")}
    assert special.isdisjoint(ids)
    assert tokenizer.decode(ids) == text


@BOTH
def test_a_character_cut_in_two_is_joined_again(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("🦜")
    assert len(ids) > 1
    assert tokenizer.decode(ids) == "🦜"
    assert tokenizer.decode(ids[:1]) == "\ufffd"


@BOTH
def test_a_saved_vocabulary_gives_the_same_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        again = Tokenizer.from_file(path)
        assert again.encode(CODE) == tokenizer.encode(CODE)
        assert again.vocab_size == tokenizer.vocab_size
        assert again.special("end") == tokenizer.special("end")
        assert (
            again.sha256 == tokenizer.sha256 == hashlib.sha256((tmp_path / "tokenizer.json").read_bytes()).hexdigest()
        )
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def test_special_tokens_come_first_in_our_vocabulary() -> None:
    names = ("end", "fim_prefix", "fim_suffix", "fim_middle", "file", "repo")
    assert [OURS.special(name) for name in names] == list(range(6))
    assert OURS.special("nonsense") is None
    table = json.loads((vocabulary("chroma8k") / "tokenizer.json").read_text(encoding="utf-8"))
    assert [table["model"]["vocab"][token] for token in SPECIAL_TOKENS] == list(range(16))
    assert OURS.vocab_size == 8_192
    assert OURS.bytes_of(0) == b""
    assert OURS.decode([4, *OURS.encode("x"), 0]) == "x"


def test_every_byte_has_a_token() -> None:
    for tokenizer in (OURS, GPT2):
        assert {bytes([byte]) for byte in range(256)} <= {tokenizer.bytes_of(n) for n in range(tokenizer.vocab_size)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x\n        y", ["x", "\n        ", "y"]),
        ("\n\n\n", ["\n", "\n", "\n"]),
        ("  \n", ["  ", "\n"]),
        (" = 2026", [" =", " 2", "0", "2", "6"]),
        ("x12", ["x", "1", "2"]),
        ("chromadb", ["chromadb"]),
        ("collection", ["collection"]),
        ("    \n    return", ["    ", "\n    ", "return"]),
    ],
)
def test_tokens_follow_the_shape_of_python(text: str, expected: list[str]) -> None:
    assert [OURS.bytes_of(number).decode() for number in OURS.encode(text)] == expected


def test_no_token_crosses_a_line_break_or_holds_two_digits() -> None:
    for number in range(OURS.vocab_size):
        content = OURS.bytes_of(number)
        assert b"\n" not in content.lstrip(b"\r")[1:], content
        assert sum(byte in b"0123456789" for byte in content) <= 1, content


def test_gpt2_has_its_published_ids() -> None:
    """Known ids of the published vocabulary, and a hash of the whole table made from its encoder.json."""
    assert GPT2.vocab_size == 50_257
    assert GPT2.special("end") == 50_256
    assert [GPT2.special(name) for name in ("fim_prefix", "fim_suffix", "fim_middle", "file", "repo")] == [None] * 5
    assert GPT2.encode("Hello world") == [15496, 995]
    assert GPT2.encode("That's my beautiful and sweet string") == [2504, 338, 616, 4950, 290, 6029, 4731]
    table = b"".join(b"%d %s\n" % (n, GPT2.bytes_of(n).hex().encode()) for n in range(50_256))
    assert hashlib.sha256(table).hexdigest() == GPT2_TABLE_SHA256


def test_gpt2s_licence_lies_beside_it() -> None:
    notice = (vocabulary("gpt2") / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright (c) 2019 OpenAI" in notice
    assert "Copyright (c) 2023" in notice


def test_the_byte_alphabet_is_one_to_one() -> None:
    alphabet = byte_alphabet()
    assert sorted(alphabet) == list(range(256))
    assert len(set(alphabet.values())) == 256
    assert alphabet[ord(" ")] == "Ġ"


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        with pytest.raises(CheckpointMissing, match=str(tmp_path)):
            Tokenizer.from_file(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b"[]"),
        ("tokenizer.json", b"\xff\xfe"),
        ("tokenizer.json", b'{"model": {"type": "BPE"}}'),
        ("merges.txt", b"a b c\n"),
        ("merges.txt", b"not-a-pair\n"),
    ],
)
def test_a_damaged_vocabulary_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointDamaged, match=name):
        Tokenizer.from_file(tmp_path)


def test_saving_makes_the_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    OURS.save(tmp_path / "new" / "tokenizer.json")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["tokenizer.json"]
