"""A document's tokens are those of its whole text, however it came about."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.data import ROOT
from slm_lsp.model.memory.document import BREAK, LONGEST_PIECE, Document, frozen_tokens, unix_newlines
from slm_lsp.model.runtime.tokenizer import Tokenizer

VOCABULARIES = {name: Tokenizer.from_file(ROOT / "vocabularies" / name) for name in ("chroma8k", "gpt2")}
each_vocabulary = pytest.mark.parametrize("tokenizer", VOCABULARIES.values(), ids=VOCABULARIES)

# White space of every sort, also the sorts that Python and the vocabularies see differently.
SPACE = "\n \t\x0b\x0c\x1c\x85\xa0\u1680\u2003\u200b\u2028\u3000\u180e\ufeff"
WORDS = ("\n\n", "    ", "x", "def f(", ")", "''", '"a b"', "12", "é", "日本", "'s", " # x\n", "😀")
FRAGMENTS = st.sampled_from([*SPACE, *WORDS])
TEXTS = st.lists(FRAGMENTS, max_size=30).map("".join)


@each_vocabulary
@given(text=TEXTS)
def test_pieces_have_the_tokens_of_the_whole(tokenizer: Tokenizer, text: str) -> None:
    assert Document.of(tokenizer, text).ids.tolist() == tokenizer.encode(text)


@each_vocabulary
@given(before=TEXTS, old=TEXTS, new=TEXTS, after=TEXTS)
def test_an_edit_equals_a_fresh_document(tokenizer: Tokenizer, before: str, old: str, new: str, after: str) -> None:
    edited = Document.of(tokenizer, before + old + after).edited(tokenizer, before + new + after)
    fresh = Document.of(tokenizer, before + new + after)
    assert edited.ids.tolist() == fresh.ids.tolist()
    assert edited.starts.tolist() == fresh.starts.tolist()
    assert edited.firsts.tolist() == fresh.firsts.tolist()


@each_vocabulary
@given(before=TEXTS, hole=TEXTS, after=TEXTS)
def test_around_a_hole_are_two_texts(tokenizer: Tokenizer, before: str, hole: str, after: str) -> None:
    document = Document.of(tokenizer, before + hole + after)
    left, right = document.around(tokenizer, len(before), len(before + hole))
    assert (left.tolist(), right.tolist()) == (tokenizer.encode(before), tokenizer.encode(after))


@each_vocabulary
@given(text=TEXTS)
def test_a_frozen_text_has_the_same_tokens_and_an_end(tokenizer: Tokenizer, text: str) -> None:
    assert frozen_tokens(tokenizer, text).tolist() == [*tokenizer.encode(text), BREAK]


@each_vocabulary
def test_an_overlong_line_is_cut_off(tokenizer: Tokenizer) -> None:
    text = "start = 1\n" + "x = '" + "ab " * LONGEST_PIECE + "'\nend = 2\n"
    ids = Document.of(tokenizer, text).ids.tolist()
    assert ids == frozen_tokens(tokenizer, text).tolist()[:-1]
    assert ids.count(BREAK) == 1
    assert len(ids) < LONGEST_PIECE
    assert ids[ids.index(BREAK) + 1 :] == tokenizer.encode("\nend = 2\n")


@each_vocabulary
def test_before_the_cursor_in_an_overlong_line_is_what_was_just_written(tokenizer: Tokenizer) -> None:
    text = "x = '" + "ab " * LONGEST_PIECE
    left, _ = Document.of(tokenizer, text).around(tokenizer, len(text), len(text))
    assert left.tolist()[-4:-1] == tokenizer.encode(" ab ab ab")


class Counting(Tokenizer):
    """A tokenizer that remembers how many characters it was given."""

    characters = 0

    def encode(self, text: str) -> list[int]:
        self.characters += len(text)
        return super().encode(text)

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        kept = list(texts)
        self.characters += sum(map(len, kept))
        return super().encode_batch(kept)


def test_only_changed_lines_are_tokenized_again() -> None:
    tokenizer = Counting.from_file(ROOT / "vocabularies" / "chroma8k")
    assert isinstance(tokenizer, Counting)
    lines = [f"value_{number} = compute({number})" for number in range(2_000)]
    document = Document.of(tokenizer, "\n".join(lines))
    assert tokenizer.characters == len(document.text)
    lines[1_000] += " + 1"
    edited = document.edited(tokenizer, "\n".join(lines))
    assert edited.text == "\n".join(lines)
    assert 0 < tokenizer.characters - len(document.text) < 200


def test_line_endings_are_the_vocabularys() -> None:
    assert unix_newlines("a\r\nb\rc\nd") == "a\nb\nc\nd"
