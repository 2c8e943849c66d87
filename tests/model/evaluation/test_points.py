"""Points: cursors that stand where they say, in code alone, and the same ones every time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.evaluation import KINDS, Point, choose, imports_chromadb, points_of
from slm_lsp.model.evaluation.points import SHORTEST, code_of

PROGRAM = '''"""A docstring: client.query(here)."""

import os.path

import chromadb


class Shelf:
    """Says nothing.

    client.get(nothing)
    """

    def __init__(self, path: str) -> None:
        # a comment with client.query(words)
        self.client = chromadb.PersistentClient(path=path)  # where it lies
        self.text = """several
        lines.of(text)
        """.strip()

    def find(self, words, count=5):
        result = self.books.query(query_texts=[words], n_results=count, where={"a": 1})
        return f"{result.first(1, 2)} of {count}".join(words)
'''


def points() -> list[Point]:
    return points_of("shelf.py", PROGRAM)


def line_of(point: Point) -> str:
    return point.prefix.rpartition("\n")[2] + point.target


@pytest.mark.parametrize("seed", range(5))
def test_a_point_cuts_the_text_in_three(seed: int) -> None:
    for point in points_of("shelf.py", PROGRAM, seed):
        assert point.prefix + point.target + point.suffix == PROGRAM
        assert "\n" not in point.target
        assert point.suffix[:1] in ("", "\n")


def test_comments_docstrings_and_the_insides_of_strings_are_no_code() -> None:
    lines = {line_of(point).strip() for point in points()}
    for text in ("A docstring", "Says nothing", "client.get(nothing)", "# a comment", "lines.of", "several"):
        assert not any(line.startswith((text, f'"""{text}')) for line in lines)
    assert any(line.startswith("self.client") for line in lines)


@pytest.mark.parametrize("seed", range(8))
def test_cursors_stand_where_their_kind_says(seed: int) -> None:
    found = Counter(point.kind for point in points_of("shelf.py", PROGRAM, seed))
    assert set(found) == set(KINDS)
    for point in points_of("shelf.py", PROGRAM, seed):
        line = point.prefix.rpartition("\n")[2]
        assert len(code_of(point.target)) >= SHORTEST
        assert bool(line.strip()) == (point.kind != "line_start")
        if point.kind == "after_dot":
            assert line.endswith(".")
            assert not line.lstrip().startswith("import")
        elif point.kind == "call_args":
            assert line.endswith(("(", ", "))
            assert not line.lstrip().startswith(("def", "class"))
        elif point.kind == "mid_word":
            assert line[-1].isidentifier()
            assert (line[-1] + point.target[0]).isidentifier()


def test_the_comma_of_a_dictionary_or_a_signature_is_no_argument() -> None:
    text = "def f(one, two=3):\n    return {one: 1, two: 22}, [one, twofold]\n"
    assert not [point for point in points_of("a.py", text) if point.kind == "call_args"]


def test_lines_that_use_chromadb_are_marked_in_files_that_import_it() -> None:
    chroma = {line_of(point).strip()[:20] for point in points() if point.chroma}
    assert "result = self.books." in chroma
    assert "def find(self, words" not in chroma
    without = points_of("shelf.py", PROGRAM.replace("import chromadb", "import other"))
    assert without
    assert not any(point.chroma for point in without)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import chromadb\n", True),
        ("def f():\n    from chromadb.config import Settings\n", True),
        ("from langchain_chroma import Chroma\n", True),
        ("import chromadbx\n", False),
        ("# import chromadb\n", False),
    ],
)
def test_imports_of_chromadb_are_noticed(text: str, expected: bool) -> None:
    assert imports_chromadb(text) is expected


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x = 1  # one", "x = 1"),
        ('x = "# no comment"', 'x = "# no comment"'),
        ("x = 'it\\'s # fine'  # one", "x = 'it\\'s # fine'"),
        ("# all", ""),
        ("x   ", "x"),
    ],
)
def test_code_is_what_stands_before_the_comment(line: str, code: str) -> None:
    assert code_of(line) == code


@pytest.mark.parametrize("text", ["", "def f(:\n", "x = '''open\n", "  x\n y\n", "\x00", "x = 1\r\ny = [2,\r\n 3]\r\n"])
def test_no_text_breaks_it(text: str) -> None:
    for point in points_of("a.py", text):
        assert point.prefix + point.target + point.suffix == text


@given(st.lists(st.sampled_from(PROGRAM.splitlines(keepends=True)), max_size=25).map("".join), st.integers(0, 3))
def test_whatever_the_lines_the_three_parts_are_the_text(text: str, seed: int) -> None:
    for point in points_of("a.py", text, seed):
        assert point.prefix + point.target + point.suffix == text
        assert point.kind in KINDS
        assert len(code_of(point.target)) >= SHORTEST


def test_the_choice_has_the_shares_and_is_the_same_for_the_same_seed() -> None:
    files = [(path.name, path.read_text()) for path in sorted(Path(__file__).parents[2].glob("model/**/*.py"))]
    files.append(("shelf.py", PROGRAM * 4))
    chosen = choose(files, 200, seed=1)
    assert len(chosen) == 200
    counts = Counter(point.kind for point in chosen)
    for kind, share in KINDS.items():
        assert counts[kind] == pytest.approx(200 * share, abs=1)
    assert any(point.chroma for point in chosen)
    assert choose(files, 200, seed=1) == chosen
    assert choose(files, 200, seed=2) != chosen
    assert len({(point.path, point.kind, len(point.prefix)) for point in chosen}) == 200


def test_half_of_the_points_use_chromadb_where_there_are_enough() -> None:
    plain = PROGRAM.replace("import chromadb", "import other")
    chosen = choose([(f"a{n}.py", PROGRAM) for n in range(20)] + [(f"b{n}.py", plain) for n in range(20)], 40)
    assert sum(point.chroma for point in chosen) == pytest.approx(20, abs=2)


def test_a_small_file_gives_what_it_has() -> None:
    everything = points()
    assert 0 < len(everything) < 200
    chosen = choose([("shelf.py", PROGRAM)], 200)
    assert sorted(chosen, key=repr) == sorted(everything, key=repr)
