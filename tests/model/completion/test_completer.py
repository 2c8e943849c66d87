"""The Completer on a real, tiny model that knows one program by heart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import Cancelled


@pytest.fixture(scope="module")
def completer() -> Completer:
    return Completer.load(TINY)


def around(end: str) -> tuple[str, str, str]:
    """Prefix, rest of the line and suffix at the cursor after `end`, its first occurrence."""
    cut = PROGRAM.index(end) + len(end)
    rest, _, below = PROGRAM[cut:].partition("\n")
    return PROGRAM[:cut], rest, "\n" + below


@pytest.mark.parametrize(
    "end",
    [
        "self.collection = self.client.get_or_",  # mid-word
        "result = ",  # after a trailing space, which belongs to the next word's token
        "self.collection.qu",
        "chromadb.",  # after a dot
        "self.collection.delete(",  # a bracket that the model knows only together with what follows
        "for note in shelf.find_notes([0.1, ",
    ],
)
def test_the_rest_of_a_known_line_wherever_the_cursor_stands(completer: Completer, end: str) -> None:
    prefix, rest, suffix = around(end)
    suggestion = completer.complete(prefix, suffix, path="program.py")
    assert suggestion is not None
    assert suggestion.text == rest
    assert suggestion.shown and 0.3 < suggestion.confidence <= 1


def test_every_cut_of_a_line_gives_the_same_line(completer: Completer) -> None:
    """Healing: the text does not depend on where inside a token the cursor stands."""
    line = '        result = self.collection.query(query_embeddings=[vector], n_results=count, include=["documents"])\n'
    start = PROGRAM.index(line)
    for cut in range(9, len(line) - 6):
        suggestion = completer.complete(PROGRAM[: start + cut], "\n", path="program.py")
        assert suggestion is not None and line[:cut] + suggestion.text + "\n" == line


def test_several_lines_where_a_block_opens(completer: Completer) -> None:
    prefix, _, _ = around("count: int = 5) -> list[str]:\n        ")
    suggestion = completer.complete(prefix, "\n", path="program.py")
    assert suggestion is not None
    first, *further = suggestion.text.split("\n")
    assert first.startswith("result = self.collection.query(")
    assert further == ['        return result["documents"][0]']


def test_one_line_elsewhere(completer: Completer) -> None:
    prefix, rest, suffix = around("count=1):\n        ")
    assert "\n" not in rest
    suggestion = completer.complete(prefix.replace("):\n", ")\n"), suffix, path="program.py")
    assert suggestion is None or "\n" not in suggestion.text


def test_line_endings_are_the_documents(completer: Completer) -> None:
    prefix, _, _ = around("count: int = 5) -> list[str]:\n        ")
    unix = completer.complete(prefix, "\n", path="program.py")
    windows = completer.complete(prefix.replace("\n", "\r\n"), "\r\n", path="program.py")
    assert unix is not None and windows is not None
    assert windows.text == unix.text.replace("\n", "\r\n")


def test_what_follows_is_not_repeated(completer: Completer) -> None:
    prefix, rest, suffix = around("self.collection.delete(ids=")
    assert rest == "[note_id])"
    suggestion = completer.complete(prefix, ")" + suffix, path="program.py")
    assert suggestion is not None and suggestion.text == "[note_id]"


def test_the_cache_does_not_change_the_answer(completer: Completer) -> None:
    """The same request after others, and on a fresh model."""
    prefix, _, suffix = around("self.client = chromadb.")
    before = completer.complete(prefix, suffix, path="program.py")
    completer.complete("import os\n\nprint(", "", path="other.py")
    completer.identifiers(prefix[:200], "", path="program.py")
    assert completer.complete(prefix, suffix, path="program.py") == before
    fresh = Completer.load(TINY).complete(prefix, suffix, path="program.py")
    assert fresh is not None and before is not None
    assert fresh.text == before.text
    assert fresh.confidence == pytest.approx(before.confidence, abs=0.02)


@pytest.mark.parametrize(
    ("end", "name"),
    [("self.client = chromadb.", "PersistentClient"), ("self.collection.qu", "query"), ("import chr", "chromadb")],
)
def test_the_next_identifier_comes_first(completer: Completer, end: str, name: str) -> None:
    prefix, _, suffix = around(end)
    found = completer.identifiers(prefix, suffix, path="program.py", limit=5)
    assert found[0].name == name
    assert all(one.probability >= two.probability for one, two in pairwise(found))
    assert len({candidate.name for candidate in found}) == len(found) <= 5


def test_the_gate_only_saves_work(completer: Completer) -> None:
    """Gated, what is shown is the same, and what is hidden takes fewer passes of the engine."""
    saved = 0
    for cut in range(0, len(PROGRAM) - 1, 23):
        prefix, suffix = PROGRAM[:cut], "\n" + PROGRAM[cut:].partition("\n")[2]
        free = completer.complete(prefix, suffix, path="other.py")
        gated = completer.complete(prefix, suffix, path="other.py", hasty=True)
        if free is not None and free.shown:
            assert gated is not None and gated.text == free.text
        elif free is not None:
            assert gated is None or not gated.shown
            saved += free.passes - gated.passes if gated else free.passes
    assert saved > 0


def after(calls: int) -> Callable[[], bool]:
    """A `cancelled` that turns true after so many questions; counts how often it was asked."""
    asked = iter(range(10**6))
    return lambda: next(asked) >= calls


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_cancelling_stops_within_a_step(completer: Completer, calls: int) -> None:
    prefix, _, suffix = around("self.collection.qu")
    with pytest.raises(Cancelled):
        completer.complete(prefix, suffix, path="program.py", cancelled=after(calls))
    with pytest.raises(Cancelled):
        completer.identifiers(prefix, suffix, path="program.py", cancelled=after(min(calls, 1)))
    suggestion = completer.complete(prefix, suffix, path="program.py")
    assert suggestion is not None and suggestion.text.startswith("ery(")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_answered(prefix: str, suffix: str) -> None:
    completer = COMPLETER
    suggestion = completer.complete(prefix, suffix)
    if suggestion is not None:
        assert suggestion.text == suggestion.text.rstrip() != ""
        assert 0 <= suggestion.confidence <= 1
    for candidate in completer.identifiers(prefix, suffix):
        assert candidate.name.isidentifier()


COMPLETER = Completer.load(TINY)


@pytest.mark.parametrize("prefix", ["", "\n" * 5000, "x" * 100_000, PROGRAM * 200, "\ud800 = ", "\tif x:\n\t\t"])
def test_odd_files_are_answered(completer: Completer, prefix: str) -> None:
    completer.complete(prefix, "", path="")
    completer.identifiers(prefix, "", path="a\\b\\c.py")
