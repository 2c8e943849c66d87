"""Rows with a hole: nothing is lost, cut where the served prompt ends, and the same for the same step."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.data import vocabulary
from slm_lsp.model.completion.prompt import stem_of
from slm_lsp.model.errors import ConfigError
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.rows import Holes, Mix

TOKENIZER = Tokenizer.from_file(vocabulary("chroma8k"))
HOLES = Holes(TOKENIZER)
CODE = np.array(TOKENIZER.encode(inspect.getsource(json.decoder) + inspect.getsource(json.encoder)))
SUFFIX, PREFIX, MIDDLE, END = (TOKENIZER.special(name) for name in ("fim_suffix", "fim_prefix", "fim_middle", "end"))


def parts_of(row: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Prefix, middle and suffix of a row with a hole."""
    ids = row.tolist()
    assert (ids[0], ids[-1]) == (SUFFIX, END)
    prefix, middle = ids.index(PREFIX), ids.index(MIDDLE)
    return ids[prefix + 1 : middle], ids[middle + 1 : -1], ids[1:prefix]


@given(st.integers(0, len(CODE) - 600), st.integers(40, 513), st.integers(0, 99))
def test_a_hole_loses_nothing_and_stands_where_prompts_end(start: int, length: int, seed: int) -> None:
    row = CODE[start : start + length]
    holed = HOLES.cut(row, np.random.default_rng(seed))
    assert len(holed) == len(row)
    if holed is row:
        return
    prefix, middle, suffix = parts_of(holed)
    assert prefix + middle + suffix == row[: length - 4].tolist()
    assert middle and 0 < len(suffix) <= length // 4 + 1
    assert TOKENIZER.decode(suffix).startswith("\n")
    text, rest = TOKENIZER.decode(prefix), TOKENIZER.decode(middle)
    # A person who typed the middle's first sign would be asked for with a prompt that ends here.
    assert stem_of(text + rest[0], joins_indent=True) == rest[0] or rest[0] == "\n"


def test_most_rows_of_code_can_have_a_hole() -> None:
    rows = [CODE[start : start + 257] for start in range(0, len(CODE) - 257, 97)]
    cut = sum(HOLES.cut(row, np.random.default_rng(7)) is not row for row in rows)
    assert cut > 0.75 * len(rows)


def test_no_hole_spans_two_files_and_none_is_cut_where_there_are_no_lines() -> None:
    words = np.full(200, TOKENIZER.encode(" word")[0])
    assert HOLES.cut(words, np.random.default_rng(0)) is words
    border = CODE[:200].copy()
    border[120:] = END
    assert HOLES.cut(border, np.random.default_rng(0)) is border


def test_shares_that_are_none_are_named() -> None:
    with pytest.raises(ConfigError, match=r"holes must be in 0\.\.1, not 2; rows must be at least 1"):
        Mix(holes=2, rows=0)
