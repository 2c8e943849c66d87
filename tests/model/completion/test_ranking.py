"""The order of the popup: what exists, what the document says, what is expected."""

from __future__ import annotations

import pytest

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.completion.ranking import INVENTED, names_around, ranked_names

DOT = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.")]


@pytest.fixture(scope="module")
def completer() -> Completer:
    return Completer.load(TINY)


def names_of(completer: Completer, before: str, *existing: str, after: str = "\n", limit: int = 200) -> list[str]:
    ranked = ranked_names(completer, before, after, existing=existing, limit=limit)
    return [one.name for one in ranked]


def test_a_name_that_does_not_exist_is_demoted_and_not_dropped(completer: Completer) -> None:
    free = names_of(completer, DOT)
    last = free[-1]
    known = names_of(completer, DOT, last)
    assert set(known) == set(free)
    assert known.index(last) < free.index(last)
    assert names_of(completer, DOT, "collection", "zebra")[0] == "collection"


def test_it_says_what_exists(completer: Completer) -> None:
    ranked = ranked_names(completer, DOT, "\n", existing=["zebra"])
    assert {one.name: one.exists for one in ranked}["zebra"]
    assert not {one.name: one.exists for one in ranked}["collection"]


def test_existing_names_that_do_not_fit_what_is_typed_say_nothing(completer: Completer) -> None:
    assert names_of(completer, f"{DOT}co", "zebra") == names_of(completer, f"{DOT}co")


def test_special_names_come_after_others(completer: Completer) -> None:
    names = names_of(completer, "import zebra\nzebra.", "__doc__", "stripes")
    assert names.index("stripes") < names.index("__doc__")


def test_names_of_the_document_are_offered_and_preferred(completer: Completer) -> None:
    names = names_of(completer, "zebra.", "stripes", "gallops", after="\nzebra.gallops()\nother.rhinoceros\n")
    assert names.index("gallops") < names.index("stripes")
    assert "rhinoceros" in names


def test_at_most_a_few_names_are_invented(completer: Completer) -> None:
    assert len(names_of(completer, "zebra.")) <= INVENTED
    assert len(names_of(completer, DOT, limit=3)) == 3


def test_names_around_a_place() -> None:
    assert names_around("a.b; c.d\nx.", "\ne.f # g") == {"b", "d", "f"}
    assert names_around("a.b\n", "c") == {"a", "b", "c"}
