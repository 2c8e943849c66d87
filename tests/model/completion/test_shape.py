"""How much is wanted at a cursor, and where what is written there ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.completion.brackets import Reading
from slm_lsp.model.completion.shape import BLOCK_LINES, LINE, MOST_LINES, Shape, cut, stops, wanted

PIECES = [
    "def f(", "x", " = ", "(", ")", "[", "]", "{", "}", ":", ",", "\n", "\n    ",
    "\n\n", '"', "'", '"""', "# n", "\\", "if ", "return ", "a.b", "else:", "@",
]  # fmt: skip
CODE = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize(
    "before",
    [
        "def f():\n    ",
        "class A:  \n  ",
        "if x:  # a note\n    ",
        "def f(\n    a,\n    b,\n) -> int:\n    ",
        'def f():\n    """What it does."""\n    ',  # the docstring is not yet the body
        "def f():\n    # first\n\n    ",
        "try:\n    ",
        "x = foo(\ndef f():\n    ",  # nobody closed the bracket above
        "x = 'torn\nwith a as b:\n    ",
        '"""It was opened outside the window.\n' + "x = 1\n" * 600 + '"""\nwhile True:\n\t',
    ],
)
def test_the_body_of_a_block_is_wanted(before: str) -> None:
    assert wanted(before) == Shape("block", before.rpartition("\n")[2])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n", ""),  # not indented: the cursor is outside
        ("def f():\n    x", ""),
        ("def f():", ""),  # what comes next is a new line, and that is the editor's
        ("def f():\n    ", "\n    return 1\n"),  # the body is there already
        ("def f():\n    ", "x\n"),
        ("x = 1\n    ", ""),
        ("# a note:\n    ", ""),
        ("f = lambda x:\n    ", ""),
        ("x: int\n    ", ""),
        ("text = 'if x:\n    ", ""),
        ('text = """\nif x:\n    ', ""),
        ("if x: y\n    ", ""),
        ("foo(\n    ", "\n    a,\n)\n"),  # its arguments are there already
        ("foo(\n    ", "b)\n"),
        ("foo(a, ", ""),
        ("foo(\n\nreturn x\n    ", ""),  # nobody closed the bracket above
        ("", ""),
    ],
)
def test_one_line_is_wanted(before: str, after: str) -> None:
    assert wanted(before, after) == LINE


@pytest.mark.parametrize(
    ("before", "after", "bracket", "closed"),
    [
        ("foo(\n    ", "", "(", False),
        ("foo(\n    ", "\n)\n", "(", True),
        ("foo(\n    ", "\n\nx = bar()\n", "(", False),
        ("foo(\n    ", "\n\ndef g(a):\n    return a\n", "(", False),
        ("x = {\n    'a': 1,\n    ", "\n}\n", "{", True),
        ("x = {'a':\n    ", "", "{", False),
        ("foo(a, [\n        ", "\n    ])\n", "[", True),
        ("foo('(', ')',  # (\n    ", "\n)", "(", True),
    ],
)
def test_lines_up_to_the_end_of_a_bracket_are_wanted(before: str, after: str, bracket: str, closed: bool) -> None:
    assert wanted(before, after) == Shape("bracket", before.rpartition("\n")[2], bracket, closed)


BODY = Shape("block", "    ")
ARGUMENTS = Shape("bracket", "    ", "(")
INNER = Shape("bracket", "    ", "(", closed=True)


@pytest.mark.parametrize(
    ("shape", "text", "ended"),
    [
        (LINE, "x = 1", None),
        (LINE, "x = 1\n", "x = 1"),
        (BODY, "x = 1\n    y = 2\n", None),
        (BODY, "x = 1\n\n    y = 2\n\n\ndef", "x = 1\n\n    y = 2"),
        (BODY, "x = foo(\n", None),
        (BODY, 'x = """\nup to here\n', None),  # less indented, but in a string
        (BODY, "x = foo(\n1\n    )\nz", "x = foo(\n1\n    )"),
        (BODY, "f.write(a)\n    f.write(a)\n", "f.write(a)"),  # it goes round in circles
        (BODY, "x)\n", "x"),
        (ARGUMENTS, "a=1,\n    b=(2),\n", None),
        (ARGUMENTS, "a=1,\n)", None),
        (ARGUMENTS, "a=1,\n).go(b)\n", "a=1,\n).go(b)"),
        (ARGUMENTS, "a=1,\n).go(\n", None),
        (ARGUMENTS, "a=1,\nreturn", "a=1,"),
        (ARGUMENTS, "'x',\n    'y',\n    'x',\n", "'x',\n    'y',"),
        (INNER, "a=f(1)", None),
        (INNER, "a=f(1))", "a=f(1)"),
        (INNER, "a=1,\n)", "a=1,"),
    ],
)
def test_the_end(shape: Shape, text: str, ended: str | None) -> None:
    assert stops(text, shape) is (ended is not None)
    if ended is not None:
        assert cut(text, shape, complete=True) == ended


def test_too_many_lines_end_too() -> None:
    lines = [f"x{number} = {number}" for number in range(20)]
    assert not stops("\n    ".join(lines[:BLOCK_LINES]), BODY)
    assert stops("\n    ".join(lines[: BLOCK_LINES + 1]), BODY)
    assert cut("\n    ".join(lines[: BLOCK_LINES + 1]), BODY, complete=True) == "\n    ".join(lines[:BLOCK_LINES])


def test_a_statement_that_goes_on_may_have_more() -> None:
    lines = ["x = ["] + [f"        {number}," for number in range(20)]
    assert not stops("\n".join(lines[:MOST_LINES]), BODY)
    assert stops("\n".join(lines[: MOST_LINES + 1]), BODY)


def test_what_was_not_brought_to_its_end_loses_its_last_line() -> None:
    assert cut("x = 1\n    y = fo", BODY, complete=False) == "x = 1"
    assert cut("x = fo", BODY, complete=False) == "x = fo"
    assert cut("x = 1\n    y = foo(\n        a,\n        b", BODY, complete=False) == "x = 1"
    assert cut("x = foo(\n        a,\n", BODY, complete=True) == "x = foo("
    assert cut("y\n    x = foo(\n        a,\n", BODY, complete=True) == "y"
    assert cut("a=1,\n    b=[\n        2,\n", ARGUMENTS, complete=True) == "a=1,"


@given(CODE, CODE)
def test_any_code_has_a_shape(before: str, after: str) -> None:
    shape = wanted(before, after)
    assert before.endswith(shape.indent) and not shape.indent.strip()
    for end in range(len(after) + 1):
        kept = cut(after[:end], shape, complete=stops(after[:end], shape))
        assert after.startswith(kept) and kept == kept.rstrip()


@given(CODE)
def test_every_character_is_read_once(code: str) -> None:
    reading = Reading(code)
    places = [at for at, _ in reading.closed] + reading.opened
    spans = reading.strings + reading.comments
    assert not any(begin <= at < end for at in places for begin, end in spans)
    assert len(places) == len(set(places)) and sorted(reading.opened) == reading.opened
    assert all(begin < end <= len(code) for begin, end in reading.statements)
