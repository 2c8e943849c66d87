"""Fill-in-the-middle: pieces and holes lose no character, and come out the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from archives import code
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import ConfigError
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.fim import DocumentWriter, FimRecipe, Part, cut, pieces

TOKENIZER = Tokenizer.from_file(vocabulary("chroma8k"))
SMALL = FimRecipe(share=0.5, piece_tokens=(10, 30))
TEXTS = st.text(alphabet=st.sampled_from("ab \t\n():é🙂"), max_size=400)


@given(text=TEXTS, seed=st.integers(0, 9))
def test_pieces_are_the_text_cut_at_line_starts(text: str, seed: int) -> None:
    found = pieces(text, (5, 9), random.Random(seed))
    assert "".join(found) == text
    assert all(piece.endswith("\n") for piece in found[:-1])
    assert all(found)


@given(text=TEXTS, seed=st.integers(0, 99))
def test_a_hole_loses_nothing(text: str, seed: int) -> None:
    hole = cut(text, SMALL, random.Random(seed))
    if hole is None:
        assert not [line for line in text.split("\n") if line.strip()]
    else:
        assert hole.prefix + hole.middle + hole.suffix == text
        assert hole.middle


def test_most_holes_are_the_rest_of_a_line() -> None:
    rng = random.Random(1)
    text = code("demo")
    holes = [hole for _ in range(1_000) if (hole := cut(text, SMALL, rng))]
    rest = [h for h in holes if "\n" not in h.middle and h.suffix.startswith("\n")]
    whole_lines = [h for h in holes if h.prefix[-1:] in ("", "\n") and h.middle.endswith("\n")]
    assert 650 < len(rest) < 800
    assert 150 < len(whole_lines) < 260
    assert max(h.middle.count("\n") for h in whole_lines) == SMALL.max_lines


def text_of(parts: list[Part], path: str) -> str:
    """The file's text, put together again from its documents."""
    names = ("file", "end", "fim_prefix", "fim_middle", "fim_suffix")
    file, end, prefix, middle, suffix = (TOKENIZER.special(name) for name in names)
    text = ""
    position = 0
    while position < len(parts):
        assert parts[position] == file
        plain = parts[position + 1]
        assert isinstance(plain, str)
        assert plain.startswith(f"{path}\n")
        text += plain[len(path) + 1 :]
        position += 2
        if parts[position] == suffix:
            marks, strings = parts[position : position + 7 : 2], parts[position + 1 : position + 7 : 2]
            assert marks == [suffix, prefix, middle, end]
            after, before, between = map(str, strings)
            text += before + between + after
            position += 6
        assert parts[position] == end
        position += 1
    return text


@given(text=TEXTS, share=st.sampled_from([0.0, 0.5, 1.0]))
def test_documents_hold_the_whole_file(text: str, share: float) -> None:
    parts = DocumentWriter(TOKENIZER, replace(SMALL, share=share)).parts("pkg/a.py", text)
    assert text_of(parts, "pkg/a.py") == text


def test_a_plain_file_is_one_document() -> None:
    [ids] = DocumentWriter(TOKENIZER, FimRecipe(share=0.0)).encode([("pkg/a.py", "x = 1\n")])
    assert ids == [
        TOKENIZER.special("file"),
        *TOKENIZER.encode("pkg/a.py\nx = 1\n"),
        TOKENIZER.special("end"),
    ]


def test_the_share_is_about_what_was_asked_for() -> None:
    writer = DocumentWriter(TOKENIZER, replace(SMALL, share=0.25))
    text = code("demo", 60)
    middles = sum(part == TOKENIZER.special("fim_middle") for _ in range(20) for part in writer.parts("a.py", text))
    total = 20 * len(pieces(text, SMALL.piece_tokens, random.Random(0)))
    assert 0.2 < middles / total < 0.3


def test_the_seed_decides() -> None:
    files = [(f"{n}.py", code(f"name{n}")) for n in "abc"]

    def encoded(seed: int) -> list[list[int]]:
        return list(DocumentWriter(TOKENIZER, replace(SMALL, seed=seed)).encode(files))

    assert encoded(1) == encoded(1)
    assert encoded(1) != encoded(2)


def test_special_tokens_in_a_file_stay_text() -> None:
    [ids] = DocumentWriter(TOKENIZER, FimRecipe(share=0.0)).encode([("a.py", "x = '<|end|>'\n")])
    assert ids.count(TOKENIZER.special("end") or 0) == 1


def test_a_bad_recipe_lists_its_faults() -> None:
    with pytest.raises(ConfigError, match=r"share .*piece_tokens .*max_lines"):
        FimRecipe(share=2, piece_tokens=(9, 3), max_lines=0)
    with pytest.raises(ConfigError, match="add up"):
        FimRecipe(rest_of_line=0.9, lines=0.9)


def test_a_vocabulary_without_the_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match="special token file"):
        DocumentWriter(Tokenizer.from_file(vocabulary("gpt2")), FimRecipe())
