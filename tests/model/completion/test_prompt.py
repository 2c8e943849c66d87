"""The window over a file: what the model sees, and that typing only appends to it."""

from __future__ import annotations

import pytest

from doubles import PROGRAM, TINY
from slm_lsp.data import vocabulary
from slm_lsp.model.completion.prompt import RESERVED, PromptBuilder
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.config import ModelConfig
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer

CONFIG = ModelConfig(vocab_size=480, context=256, layers=1, width=32, heads=2, hidden=32)
TOKENIZER = Checkpoint.open(TINY).tokenizer()
LONG = PROGRAM * 12


def builder(style: str = "prefix") -> PromptBuilder:
    return PromptBuilder(Vocabulary(TOKENIZER), CONFIG, style)


@pytest.mark.parametrize("style", ["prefix", "fim"])
def test_prompt_and_stem_are_the_end_of_the_prefix(style: str) -> None:
    for cut in range(0, len(LONG), 37):
        prompt = builder(style).build(LONG[:cut], LONG[cut:], "program.py")
        assert 0 < len(prompt.ids) <= CONFIG.context - RESERVED
        seen = TOKENIZER.decode(prompt.ids) + prompt.stem.decode()
        if style == "prefix":
            assert LONG[:cut].endswith(seen.removeprefix("program.py\n"))
        else:
            after = TOKENIZER.decode(prompt.ids[1 : prompt.ids.index(TOKENIZER.special("fim_prefix"))])
            assert LONG[cut:].startswith(after)
            assert LONG[:cut].endswith(seen.removeprefix(after))


def test_most_keystrokes_only_append() -> None:
    """While 300 characters are typed in a long file, the window starts anew at most a few times."""
    build = builder().build
    before = build(LONG[:6000], "").ids
    anew = 0
    for cut in range(6001, 6300):
        ids = build(LONG[:cut], "").ids
        common = next(
            (n for n, (a, b) in enumerate(zip(before, ids, strict=False)) if a != b), min(len(before), len(ids))
        )
        anew += common < len(before) - 3  # a word in the making may be tokenized otherwise
        before = ids
    assert anew <= 6


def test_line_endings_do_not_matter() -> None:
    build = builder().build
    assert build(PROGRAM.replace("\n", "\r\n"), "") == build(PROGRAM, "")


def test_the_opening_names_the_end_of_the_path() -> None:
    for path in ("/home/me/project/pkg/store.py", "C:\\me\\project\\pkg\\store.py"):
        prompt = builder().build("import chromadb\n", "", path)
        assert prompt.ids[0] == TOKENIZER.special("file")
        assert TOKENIZER.decode(prompt.ids).startswith("project/pkg/store.py\nimport chromadb")


@pytest.mark.parametrize(
    ("line", "stem"),
    [
        ("x = colle", " colle"), ("x = ", " "), ("f(", "("), ("f().", "()."), ("    ", ""), ("", ""), ("x  ", "  "),
        ("naïve", "naïve"), ("a.b", "b"), ('["', '["'), ("    re", "re"), ("    @", "@"), ("  # x", " x"),
    ],
)  # fmt: skip
def test_what_is_healed(line: str, stem: str) -> None:
    assert builder().build("import os\n" + line, "").stem.decode() == stem


def test_gpt2_joins_a_space_of_the_indentation_to_the_word() -> None:
    gpt2 = Vocabulary(Tokenizer.from_file(vocabulary("gpt2")))
    assert not gpt2.joins_indent
    build = PromptBuilder(gpt2, CONFIG, "prefix").build
    assert build("def f():\n    ", "").stem == b" "
    assert build("def f():\n    re", "").stem == b" re"
    assert build("re", "").stem == b"re"


def test_a_stem_is_covered_by_the_tokens_that_agree_with_it() -> None:
    known = Vocabulary(TOKENIZER)
    for stem in (b" col", b"(", b"self", b"\n    ", "é".encode()):
        for token in known.agreeing(stem):
            piece = known.tokens[token]
            assert piece.startswith(stem) or stem.startswith(piece)
        wanted = {
            i for i, piece in enumerate(known.tokens) if piece and (piece.startswith(stem) or stem.startswith(piece))
        }
        assert set(known.agreeing(stem).tolist()) == wanted
