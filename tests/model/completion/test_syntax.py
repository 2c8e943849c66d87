"""Where a cursor stands: against Python's own tokenizer, against a slow reference, and in broken code."""

from __future__ import annotations

import io
import re
import time
import tokenize
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slm_lsp.model.completion.syntax import Place, place_at

ROOT = Path(__file__).parents[3]
FILES = sorted(
    file for room in ("server", "model", "trainer", "data", "tests") for file in (ROOT / room).rglob("*.py")
)  # the cookbook's programs are among the data
CODE, COMMENT, STRING = Place.CODE, Place.COMMENT, Place.STRING
QUOTES = ('"', "'", '"""', "'''")


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("", CODE),
        ("x = ", CODE),
        ("x = 1  #", COMMENT),
        ("x = 1  # one, don't", COMMENT),
        ("# one\n", CODE),
        ("# one\r", CODE),
        ("# one\\\n", CODE),
        ('"', STRING),
        ('""', CODE),
        ('"""', STRING),
        ('"""a""', STRING),
        ('"""a"""', CODE),
        ('""""', STRING),
        ('""" # "" \' ', STRING),
        ("'''a\"\"\"", STRING),
        ('def f():\n    """Say.\n\n    More', STRING),
        ("collection.get(include=['documents', \"meta", STRING),
        ("collection.get(include=['documents', \"metadatas\"", CODE),
        ("'it\\'s", STRING),
        ("'it\\\\'", CODE),
        ("'one\\\n two", STRING),
        ("'one\\\r\n two", STRING),
        ("'one\\\r\n two' + ", CODE),
        ("'one\\\n two\" + ", STRING),
        ('x = \\\n  \'one\\\n  """', STRING),
        ("r'\\'", STRING),
        ("rb'a' + b'", STRING),
        ("print(u'", STRING),
        ("'# no comment'", CODE),
        ("# no 'string", COMMENT),
        ("x = '#' # yes", COMMENT),
    ],
)
def test_strings_and_comments(before: str, place: Place) -> None:
    assert place_at(before) is place


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ('f"', STRING),
        ('f"a {', CODE),
        ('f"a {b', CODE),
        ('f"a {b}', STRING),
        ('f"a {b}"', CODE),
        ('f"a {b!r', CODE),
        ('f"a {b:', STRING),
        ('f"a {b:>{', CODE),
        ('f"a {b:>{w}', STRING),
        ('f"a {b:>{w}}', STRING),
        ('f"a {b:>{w}}"', CODE),
        ('f"a {b[1:', CODE),
        ('f"a {(lambda: ', CODE),
        ('f"a {{b', STRING),
        ('f"a {{{b', CODE),
        ('f"a {{{b}}} c', STRING),
        ('f"\\{b', CODE),
        ('f"\\N{BULLET} b', STRING),
        ('f"\\N{BULLET} {b', CODE),
        ('f"\\"', STRING),
        ("f\"{d['", STRING),
        ("f\"{d['k']", CODE),
        ("f\"{d['k']}", STRING),
        ('f"{d["', STRING),
        ('f"{d["k"]}"', CODE),
        ('f"{", ".join(n)}', STRING),
        ('f"{", ".join(n)}"', CODE),
        ('f"{x + "a', STRING),
        ("f\"{f'{", CODE),
        ("f\"{f'{x}", STRING),
        ("f\"{f'{x}'}", STRING),
        ('f"{f"{x', CODE),
        ('f"{f"{x}"}"', CODE),
        ('rf"{', CODE),
        ('Rb"{', STRING),
        ('F"{', CODE),
        ('t"{', CODE),
        ('xf"{', STRING),
        ('"{', STRING),
        ('f"""\n{', CODE),
        ('f"""\n{x}\n', STRING),
        ('f"""\n{x}\n"""', CODE),
        ('f"""\n{x["a"]}\n""" + ', CODE),
        ('f"""\n{\n  x +\n', CODE),
        ("log.info(f'{len(", CODE),
    ],
)
def test_replacement_fields_are_code(before: str, place: Place) -> None:
    assert place_at(before) is place


@pytest.mark.parametrize(
    "broken",
    [
        "print('don't)",
        'name = "',
        "x = 'a' 'b",
        'f"{',
        'f"{x"',
        'f"{x["',
        "f'{x[\"a'",
        'f"{x:{',
        'f"{f"{f"',
        "f'{(((",
        "))}}]]",
        "!pip install 'chromadb",
        "# don't",
        'f"""{x"""',
        'f"""{x don\'t"""',
        "rf'\\",
        "'''a'''b'''c''''",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_what_is_broken_ends_with_its_line(broken: str, newline: str) -> None:
    if not broken.endswith("\\"):  # that goes on in the next line, broken or not
        assert place_at(f"{broken}{newline}x = ") is CODE
    after = f"{broken}{newline}{newline}x = "
    assert place_at(f"{after}1  # one") is COMMENT
    assert place_at(f"{after}'") is STRING
    assert place_at(f'{after}1{newline}"""a{newline}b') is STRING


@cache
def known_cursors(file: Path) -> dict[Place, list[int]]:
    """The cursors in a file whose place Python's tokenizer tells, by place.

    It does not tell that of cursors between the three quotes that open a string, and only from Python 3.12 on that
    of cursors in f-strings: of these, we take the ones without replacement fields.
    """
    text = read(file)
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    places = dict.fromkeys(range(len(text) + 1), CODE)
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        name = tokenize.tok_name[token.type]
        if name == "COMMENT":
            places |= dict.fromkeys(range(start + 1, end + 1), COMMENT)
        elif name.endswith("STRING_START"):
            opened.append(start)
        elif name == "STRING" or name.endswith("STRING_END"):
            start = opened.pop() if name != "STRING" else start
            if not opened:
                _place_string(places, text[start:end], start)
    cursors: dict[Place, list[int]] = {}
    for cursor, place in places.items():
        cursors.setdefault(place, []).append(cursor)
    return cursors


@cache
def read(file: Path) -> str:
    return file.read_bytes().decode("utf-8")


def _place_string(places: dict[int, Place], string: str, start: int) -> None:
    opening = re.match(r"""(\w*)("{3}|'{3}|"|')""", string)
    assert opening
    for cursor in range(start + opening.end(1) + 1, start + opening.end()):
        places.pop(cursor, None)
    for cursor in range(start + opening.end(), start + len(string)):
        if "{" in string and set(opening[1].lower()) & {"f", "t"}:
            places.pop(cursor, None)
        else:
            places[cursor] = STRING


@given(st.sampled_from(FILES), st.sampled_from(Place), st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_it_agrees_with_the_tokenizer_on_real_files(file: Path, place: Place, number: int) -> None:
    cursors = known_cursors(file).get(place, [])
    assume(cursors)
    cursor = cursors[number % len(cursors)]
    text = read(file)
    assert place_at(text[:cursor]) is place, f"{file.name}: {text[max(cursor - 80, 0) : cursor]}|"


def test_there_are_files_and_they_hold_everything() -> None:
    assert len(FILES) > 200
    assert any("cookbook" in file.parts for file in FILES)
    assert {place for file in FILES[::20] for place in known_cursors(file)} == set(Place)


def reference(text: str) -> Place:
    """The same for texts without f-strings, a character at a time."""
    index, opened, comment = 0, "", False
    while index < len(text):
        character, width = text[index], 1
        if opened and character == "\\":
            width = 3 if text.startswith("\r\n", index + 1) else 2
            if len(opened) == 3:
                width = 2
        elif opened and text.startswith(opened, index):
            width, opened = len(opened), ""
        elif character in "\r\n":
            opened, comment = opened if len(opened) == 3 else "", False
        elif not opened and not comment and character in "\"'":
            opened = text[index : index + 3] if text.startswith(('"""', "'''"), index) else character
            width = len(opened)
        elif not opened and character == "#":
            comment = True
        index += width
    return STRING if opened else COMMENT if comment else CODE


PIECES = ["x", " ", '"', "'", '"""', "'''", "#", "\\", "\n", "\r\n", "\r", "{", "}"]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=800, deadline=None)
def test_it_agrees_with_a_slow_reference_on_broken_code(text: str) -> None:
    assert place_at(text) is reference(text)


@given(st.lists(st.sampled_from([*PIECES, "f", "f'", 'f"', "f'''", ":", "(", ")", "[", "]", "\\N{"])).map("".join))
@settings(max_examples=500, deadline=None)
def test_broken_f_strings_end_too(text: str) -> None:
    place_at(text)
    if not re.search("'{3}|\"{3}", text):
        assert place_at(text.rstrip("\\") + "\n\nx = ") is CODE


Marked = list[tuple[str, Place | None]]
"""Text with the place of the cursor behind each character; None where there is more than one answer."""


def marked(text: str, place: Place | None) -> Marked:
    return [(character, place) for character in text]


def a_plain_string(quote: str) -> st.SearchStrategy[Marked]:
    body = st.text("ab #{}:(", max_size=4)
    return body.map(lambda text: marked(quote + text, STRING) + marked(quote, CODE))


def an_expression(quote: str) -> st.SearchStrategy[Marked]:
    """Code of a replacement field in a string with other quotes."""
    simple = st.sampled_from(["x", "x.y", "len(x)", "x[1:2]", "(x, [y])", "({1: 2})", "x != y", "x if y else z"])
    keyed = a_plain_string(quote).map(lambda key: [*marked("d[", CODE), *key, ("]", CODE)])
    return simple.map(lambda text: marked(text, CODE)) | keyed


@st.composite
def an_f_string(draw: st.DrawFn, quotes: str, deeper: int = 1) -> Marked:
    other = "'" if quotes[0] == '"' else '"'
    prefix = draw(st.sampled_from(["f", "F", "rf", "fR"]))
    opening = [(character, None) for character in quotes[:-1]]
    result: Marked = [*marked(prefix, CODE), *opening, (quotes[-1], STRING)]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["text", "braces", "field"]))
        if kind == "text":
            result += marked(draw(st.sampled_from(["a", " # ", ":", "\\\\", other, "}}", "x = "])), STRING)
        elif kind == "braces":
            result += [("{", None), ("{", STRING)]
        else:
            inner = an_expression(other)
            if deeper:
                inner |= an_f_string(other, deeper - 1)
            result += [("{", CODE), *draw(inner)]
            result += marked(draw(st.sampled_from(["", "!r"])), CODE)
            result += marked(draw(st.sampled_from(["", ":", ":>10", ":%H-%M"])), STRING)
            result.append(("}", STRING))
    return [*result, *marked(quotes[:-1], STRING), (quotes[-1], CODE)]


@given(st.data(), st.sampled_from(QUOTES))
@settings(max_examples=300, deadline=None)
def test_every_cursor_in_an_f_string(data: st.DataObject, quotes: str) -> None:
    ahead = marked(data.draw(st.sampled_from(["", "x = ", "import os\n\nprint("])), CODE)
    characters = ahead + data.draw(an_f_string(quotes)) + marked(")\n", CODE)
    text = "".join(character for character, _ in characters)
    for index, (_, place) in enumerate(characters, start=1):
        if place is not None:
            assert place_at(text[:index]) is place, text[:index]


def test_long_files_take_little_time() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in FILES if "cookbook" in file.parts)
    text = "\n".join((text.split("\n") * 20)[:5_000])
    place_at(text)
    began = time.perf_counter()
    for _ in range(20):
        place_at(text)
    assert (time.perf_counter() - began) / 20 < 0.020


@pytest.mark.parametrize(
    "text",
    [
        '"a",' * 25_000,
        'f"{a",' * 15_000,
        "f'{f\"{" * 15_000,
        "f'{" + "(" * 100_000,
        ("f'{x" + " " * 300 + "'") * 300,
        '"""' * 33_001,
        "\\\n" * 50_000 + '"""',
        '"' + "\\" * 100_001,
        "'''" + "\\'" * 50_000,
        "f'''" + "{'" * 50_000,
    ],
    ids=lambda text: f"{text[:12]!a}",
)
def test_nothing_takes_longer_than_its_length_allows(text: str) -> None:
    began = time.perf_counter()
    place_at(text)
    assert time.perf_counter() - began < 2, "a search that goes back and forth would take minutes"
