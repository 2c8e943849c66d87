"""A decoded text fitted to what stands around the cursor."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from slm_lsp.model.completion.brackets import Reading
from slm_lsp.model.completion.trimming import fit, is_torn

PIECES = [
    "ab", "x", " = ", "(", ")", "[", "]", "{", "}", ":", ", ", "\n", "\n    ", '"', "'",
    '"""', "# n", "\\", "if ", "for ", "return ", ".", "else", " in ", "@", "1", " + ",
]  # fmt: skip
CODE = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


@pytest.mark.parametrize(
    ("before", "text", "after", "wanted"),
    [
        ("f(", "a, b)", ")\n", "a, b"),
        ("def f(", "a, b):", "):\n", "a, b"),
        ("f(", "call(a)", ")\n", "call(a)"),  # the bracket is the text's own
        ("f(", "call(a))", ")\n", "call(a)"),
        ("f(", "a).strip()", ")\n", ""),  # what is behind the bracket belongs behind the cursor's
        ("f(", "name).strip()", ")\n", "name"),
        ("f(g(", "name))", ")\n", "name)"),  # nothing behind the cursor closes the inner one
        ("f(g(", "name))", "", "name))"),
        ("f(g(", "name)))", "", "name))"),  # there is no third one
        ("f(", "name)", "\n)\n", "name"),  # it is closed on another line
        ("f(", "name)", "\nx = (1)\n", "name)"),  # that line is another statement
        ("f('(', ", "name)", "\n", "name)"),  # brackets in strings are none
        ("", "name", "\nname\n", ""),  # already the next line
        ("x = ", "name", "\nname\n", "name"),
        ("self.", "name = 1", "\n\nself.name = 1\n", ""),
        ("", "name = 1", "  \n\n    name = 1\nmore\n", ""),
        ("x = ", "value  ", "\n", "value"),
        ("x = ", "ab", "\n", ""),
        ("x = ", "abc", "\n", "abc"),
        ("", "", "anything", ""),
        ("f(", "ids=[1]", "", "ids=[1]"),
        ("a", "syncio", "rgparse\n", ""),  # inside a word
        ("colle", "ction.add(", "ction = chroma\n", ""),
        ("", "self.name", "self._collection.get(key)\n", ""),  # before code that stands there already
        ("f(", "name=key, count=2)", ", count=2)\n", "name=key"),
        ("    ", "x = 1\n    return x", "\n    return x\n", "x = 1"),  # its second line is there already
        ('print("', 'hello")', '")\n', "hello"),
    ],
)
def test_fit(before: str, text: str, after: str, wanted: str) -> None:
    assert fit(text, before, after) == wanted


@pytest.mark.parametrize(
    ("before", "text", "wanted"),
    [
        ("x = ", "foo(a) bar", "foo(a)"),
        ("x = ", "foo.bar(", "foo.bar("),  # a line may end so
        ("x = 1  # ", "see: [the notes", "see: [the notes"),
        ("x = ", "foo.bar(a,", "foo.bar(a,"),
        ("x = ", "foo.bar(a", "foo.bar"),  # and not so
        ("x = ", 'load("name', "load"),
        ("x = ", "load(a]", "load"),
        ("if ", "ready:", "ready:"),
        ("if ", "ready or ready or", "ready or ready"),
        ("elif ", "ready:", "ready:"),
        ("except ", "ValueError as error:", "ValueError as error:"),
        ("case ", '{"a": 1}:', '{"a": 1}:'),
        ("@", "property", "property"),
        ("    ", "try:\n        load()", "try:\n        load()"),
        ("self.client.", "together import Together", "together"),
        ("x = y = = ", "foo bar", "foo bar"),  # wrong before: nothing to be said about it
        ("    x = [\n        a for a ", "in b", "in b"),
        ("for ", "x in range(3)", "x in range(3)"),  # only the colon is missing
        ("x = ", '"""A text', '"""A text'),  # that goes on in the next line
        ('x = f"{', 'y}"', 'y}"'),
    ],
)
def test_a_text_ends_where_it_is_still_python(before: str, text: str, wanted: str) -> None:
    assert fit(text, before, "") == wanted


def test_what_is_broken_elsewhere_does_not_matter() -> None:
    for broken in ("x = (1\n\ny = 2\n", "def f(:\n    return\n", "x = 'torn\n", "]]] == )\n"):
        assert fit("foo(a)", broken + "def g():\n    return ", "\n\nclass :\n") == "foo(a)"
        assert fit("return foo(a) foo", broken + "def g():\n    ", "\n\n)\n") == "return foo(a)"


@given(CODE, CODE, CODE)
def test_fit_only_ever_shortens(before: str, text: str, after: str) -> None:
    fitted = fit(text, before, after)
    assert text.startswith(fitted)
    assert fitted == fitted.rstrip()


def wrong(code: str) -> int:
    """Closing brackets that close nothing, strings that do not end: what cannot be put right further down."""
    reading = Reading(code)
    return sum(opening < 0 for _, opening in reading.closed) + len(reading.torn)


@given(CODE, CODE)
@example("# n", '"""\n"')
@example('"ab"', '"ab')
@example("", '"\n"\\')
@example("", ')("\\')
@example("", '"\\\\')
def test_nothing_is_closed_twice_and_no_quotes_left_open(before: str, text: str) -> None:
    assume(not before.endswith("\\"))  # what an escape does to the newline is undone by any text
    fitted = fit(text, before, "")
    assert wrong(before + fitted + "\n") <= wrong(before + "\n")


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_anything_is_fitted(before: str, text: str, after: str) -> None:
    assert text.startswith(fit(text, before, after))


@pytest.mark.parametrize(
    "hard", ["(" * 3000, "{0:" * 900, "-" * 3900, "f(" * 40 + "x", "\0", "\ud800", "x" * 100_000, '"' * 99]
)
def test_hard_statements_are_left_alone_in_little_time(hard: str) -> None:
    assert hard.startswith(fit(hard, "x = ", ""))
    assert fit("foo(a)", hard + "\nx = ", "\n" + hard) in ("foo(a)", "")


@pytest.mark.parametrize(("begun", "wanted"), [(0, ""), (5, "()")])
def test_little_is_of_worth_behind_a_selected_item(begun: int, wanted: str) -> None:
    assert fit("()", "x = films.count", "", begun) == wanted
    assert fit("", "x = films.count", "", begun) == ""


@pytest.mark.parametrize(
    ("before", "text", "after", "fitted"),
    [
        ("return ", "value", "  # type: ignore\n", "value"),
        ("x = load(", "path", ")  # noqa\n", "path"),
        ("x = ", "value", " + 1  # added\n", ""),
    ],
)
def test_a_comment_behind_the_cursor_does_not_silence(before: str, text: str, after: str, fitted: str) -> None:
    assert fit(text, before, after) == fitted


@pytest.mark.parametrize(
    ("text", "fitted", "after", "torn"),
    [
        ("key, value)", "key, value)", "", False),
        ("key)):", "key)", "", False),  # brackets that were not its own to close
        ("name=key, count=2)", "name=key", ", count=2)\n", False),  # the rest stands there
        ("key) for key in", "key)", "", True),
        ('"metadatas"][0]', '"metadatas"', "]\n", False),  # it goes on behind the bracket that closes there
        ("rows) + 1", "rows", ")\n", False),
        ("rows for row", "rows", ")\n", True),
        ("name(name(name(", "name", "\n", True),
        ("first\nsecond", "first", "", False),
    ],
)
def test_torn_is_what_lost_more_than_brackets(text: str, fitted: str, after: str, torn: bool) -> None:
    assert is_torn(text, fitted, after) == torn
