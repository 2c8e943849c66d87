"""What people do not say twice, and what they may well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.completion.repetition import says_again

AGAIN = [
    ("import os\n", "import os", ""),
    ("import os\nimport re\n", "import os", ""),
    ("xs = 1\n\n", "xs = 1", ""),  # blank lines do not count
    ("    self.client = make()\n    self.", "client = make()", ""),
    ("rows = [\n    Point(1),\n    dict(\n        name=one,\n        size=2,\n        ", "name=two,", ""),
    ("__all__ = (\n    'first',\n    'second',\n    ", "'first',", "\n)\n"),
    ("f(\n    count=1,\n    size=2,\n    ", "count=3,", "\n)\n"),
    ("f(\n    ", "count=3,", "\n    count=1,\n)\n"),
    ("f(size=2,\n  name=a,\n  ", "name=b)", "\n"),
    ("x = {\n    'aa': 1,\n    'bb': [\n        2,\n    ],\n    ", "'aa': 3", ""),
    ("from m import (\n    One,\n    Two,\n    ", "One", "\n)"),
    ("def f(\n    one: int,\n    two: int,\n    ", "one: str", ""),
    ("class A:\n    def f(self):\n        return 1\n\n    ", "def f(self, x):", ""),
    ("def f():\n    pass\n\n\n", "def f():", ""),
    ("", "class A:", "\n    x = 1\n\n\nclass A(B):\n    pass\n"),
]
NOT_AGAIN = [
    ("import os\n", "import re", ""),
    ("x = []\nx.append(1)\ny()\nz()\n", "x.append(1)", ""),  # a call may be made again
    ("rows = [\n    None,\n    ", "None,", "\n]"),
    ("rows = [\n    0.5,\n    ", "0.5,", "\n]"),
    ("f(\n    Point(\n        x=1,\n    ),\n    ", "Point(", ""),  # what is in it may differ
    ("f(\n    Point(\n        x=1,\n    ),\n    Point(\n        ", "x=2,", ""),
    ("f(\n    x=1,\n)\nf(\n    ", "x=1,", "\n)"),
    ("class A:\n    def f(self):\n        pass\n\n\nclass B:\n    ", "def f(self):", ""),
    ("@overload\ndef f(x: int): ...\n@overload\n", "def f(x: str): ...", ""),
    ("if a:\n    def f():\n        return 1\nelse:\n    ", "def f():", ""),
    ("def f(\n    x,\n) -> None:\n    pass\n\n\ndef g(\n    x,\n", ") -> None:", ""),
    ("class AError(Exception):\n    pass\n\n\nclass BError(Exception):\n    ", "pass", ""),
    ("if a is None:\n    return False\nif b is None:\n    ", "return False", ""),
    ("names = [\n    'first',\n    'second',\n    ", "'first',", "\n]\n"),  # in a list things may be equal
    ("f(\n    metadatas=[\n        {'source': 'web'},\n        ", "{'source': 'web'},", "\n    ]\n)"),
    ("calls = (\n    lambda: one(),\n    ", "lambda: two(),", "\n)"),
    ("@overload\ndef f(x: int) -> int: ...\n", "@overload", "\n"),
    ("@overload\ndef f(x: int): ...\n@overload\ndef f(x: str): ...\n", "def f(x):", "\n    return x\n"),
    ("def f(x):\n    pass\n\n\n@register(\n    str,\n)\n# why\n", "def f(x):", ""),
]


@pytest.mark.parametrize(("before", "text", "after"), AGAIN)
def test_said_again(before: str, text: str, after: str) -> None:
    assert says_again(before, text, after)


@pytest.mark.parametrize(("before", "text", "after"), NOT_AGAIN)
def test_not_said_again(before: str, text: str, after: str) -> None:
    assert not says_again(before, text, after)


PIECES = ["a1", "bc", "\n", "\n    ", "(", ")", "[", ",", ":", "=", "def ", "class ", "@", "'", '"""', "#", " ", "\t"]
CODE = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(before=CODE, text=CODE, after=CODE)
def test_it_never_raises_and_looks_at_the_first_line_alone(before: str, text: str, after: str) -> None:
    assert says_again(before, text, after) == says_again(before, text.split("\n", 1)[0], after)
