"""Names that mean something where they stand, and those that do not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_lsp.model.completion.scope import unknown_names

FILE = '''"""Speaks of phantom."""
import os
from typing import (
    Any,
)

LIMIT = 5


def load(path: str, mode="r"):  # phantom
    text = [line for line in open(path)]
    return text


class Store:
    size = 3

    def __init__(self, client, name):
        self.client = client
        kept = {"phantom": name}

    async def add(
        self,
        documents: list[str],
        *more,
    ) -> None:
        if documents:
            ids = [str(number) for number, _ in enumerate(documents)]
            '''

AFTER = """

            last = 1

    def later(self, other):
        hidden = other


def tail():
    inner = 1


FINAL = tail()
"""


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("self.client.add(ids=ids, documents=documents)", []),
        ("print(os.path, Any, LIMIT, FINAL, load, tail, Store, more, last)", []),
        ("self.phantom.ghost(phantoms=1)", []),
        ("client.add(ids)", ["client"]),
        ("kept[name]", ["kept", "name"]),
        ("x = path + mode + text", ["path", "mode", "text"]),
        ("print(other, hidden, inner)", ["other", "hidden", "inner"]),
        ("number + line", ["number", "line"]),
        ("size", []),
        ("phantom", ["phantom"]),
        ('ids.append("phantom" + f"{x}")  # phantom', []),
        ("b = b'x' + rb\"phantom\"", []),
        ("[one for one in ids if one]", []),
        ("{key: value for key, value in ids}", []),
        ("for one in ids: print(one)", []),
        ("for one in gone:", ["gone"]),
        ("call(lambda one, two: one + two + three)", ["call", "three"]),
        ("with open(ids) as file, file.x as other: file.read(other)", []),
        ("if (found := ids): found", []),
        ("a, b = ids; a + b", []),
        ("label: str = ids", []),
        ("a: list[Missing] = ids", ["Missing"]),
        ("def other(one, two=one): ...", []),
        ("import phantom", []),
        ("from phantom import ghost", []),
        ("global phantom", []),
        ("return ids\n    phantom", []),
        ("not None is True or __name__ and match", []),
        ("1e5 + 0x1f", []),
        ("", []),
    ],
)
def test_names_in_a_method(text: str, unknown: list[str]) -> None:
    assert unknown_names(FILE, text, AFTER) == unknown


@pytest.mark.parametrize(
    ("before", "text", "after", "unknown"),
    [
        ("x = 1\nphan", "tom", "", ["phantom"]),
        ("phantom = 1\nphan", "tom", "", []),
        ("phantom=1\nphan", "tom", "", []),
        ("x.phan", "tom", "", []),
        ("f(phan", "tom=1)", "", []),
        ("f(phantom=1)\n", "phantom", "", ["phantom"]),
        ("from os import *\n", "phantom", "", []),
        ("from os import (\n    path,\n", "    phantom,", "\n)", []),
        ("def f(\n    a,\n", "    phantom: int,", "\n):\n    pass\n", []),
        ("f(\n    a,\n", "    phantom,", "\n)\n", ["phantom"]),
        ("phantom, x = 1, 2\n", "x", "", []),
        ("def f(a):\n    b = a\n", "a", "", ["a"]),
        ("def f(a):\n    b = a\n", "    a", "", []),
        ("def f(a):\n    def g(b):\n        return ", "a + b + c", "\n", ["c"]),
        ("def f(a):\n    def g(b):\n        return b\n    return ", "a + b", "\n", ["b"]),
        ("def f():\n    '''\nfree text\n    '''\n    a = 1\n    ", "a", "", []),
        ("class A:\n    def phantom(self):\n        ", "phantom()", "", []),
        ("x = phan", "tom", "\nphantom = 1\n", []),
    ],
)
def test_names_elsewhere(before: str, text: str, after: str, unknown: list[str]) -> None:
    assert unknown_names(before, text, after) == unknown


PIECES = [*"ab =:()[]{}\"'#.,\n\\", "    ", "def ", "for ", " in ", "lambda ", "class ", '"""']
codes = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(codes, codes, codes)
@settings(max_examples=300, deadline=None)
def test_any_text_is_survived(before: str, text: str, after: str) -> None:
    assert isinstance(unknown_names(before, text, after), list)


def test_long_files_take_little_time() -> None:
    text = FILE * 60
    unknown_names(text, "warm", text)
    began = time.process_time()
    for number in range(20):
        assert unknown_names(text, f"phantom{number}(path, ids)", text) == [f"phantom{number}", "path"]
    assert (time.process_time() - began) / 20 < 0.1


def test_a_line_that_nobody_writes_by_hand_takes_no_time() -> None:
    start = time.monotonic()
    assert unknown_names('DATA = (\n    "' + "A" * 100_000 + '"', ".join(phantom", "\n)\n") == []
    assert unknown_names("x = 1\n" + " " * 1_900, "phantom", "\n") == ["phantom"]
    assert time.monotonic() - start < 5
