"""A decoded text fitted to what stands around the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.completion.trimming import fit, opens_block


@pytest.mark.parametrize(
    ("text", "suffix", "wanted"),
    [
        ("a, b)", ")\n", "a, b"),
        ("a, b):", "):\n", "a, b"),
        ("call(a)", ")\n", "call(a)"),  # the bracket is the text's own
        ("call(a))", ")\n", "call(a)"),
        ("name", "\nname\n", ""),  # already the next line
        ("name = 1", "  \n\n    name = 1\nmore\n", ""),
        ("value  ", "\n", "value"),
        ("x", "\n", ""),
        ("", "anything", ""),
        ("ids=[1]", "", "ids=[1]"),
        ("syncio", "rgparse\n", ""),  # inside a word
        ("ction.add(", "ction = chroma\n", ""),
        ("self.name", "self._collection.get(key)\n", ""),  # before code that stands there already
        ("name=key, count=2)", ", count=2)\n", "name=key"),
        ("x = 1\n    return x", "\n    return x\n", "x = 1"),  # its second line is there already
    ],
)
def test_fit(text: str, suffix: str, wanted: str) -> None:
    assert fit(text, suffix) == wanted


@given(st.text(alphabet="ab()[] \n", max_size=12), st.text(alphabet="ab()[] \n", max_size=12))
def test_fit_only_ever_shortens(text: str, suffix: str) -> None:
    fitted = fit(text, suffix)
    assert text.startswith(fitted)
    assert fitted == fitted.rstrip()


@pytest.mark.parametrize(
    ("prefix", "opens"),
    [
        ("def f():\n    ", True),
        ("class A:  \n  ", True),
        ("def f():\n", False),  # not indented: the cursor is outside
        ("def f():\n    x", False),
        ("x = 1\n    ", False),
        ("# a note:\n    ", False),
        ("if x:", False),
        ("", False),
    ],
)
def test_opens_block(prefix: str, opens: bool) -> None:
    assert opens_block(prefix) is opens
