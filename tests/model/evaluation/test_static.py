"""jedi as a baseline, and the popup that editors are served."""

from __future__ import annotations

import pytest

from doubles import PROGRAM, TINY
from slm_lsp.data import vocabulary
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation.copier import Copier
from slm_lsp.model.evaluation.static import Lister, NamesAlone, Served, StaticNames
from slm_lsp.model.memory import Memory
from slm_lsp.model.runtime.tokenizer import Tokenizer

SOURCE = "import json\njson.loads('1')\njson."
SELF = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.")]


def names(subject: StaticNames) -> list[str]:
    return [entry.name for entry in subject.identifiers(SOURCE, "\n", path="a.py", limit=20)]


def listing(*found: str) -> Lister:
    return lambda prefix, suffix, path: found


@pytest.fixture(scope="module")
def completer() -> Completer:
    return Completer.load(TINY)


def test_what_exists_comes_in_its_own_order() -> None:
    subject = StaticNames(listing("dumps", "load", "loads"))
    assert names(subject) == ["dumps", "load", "loads"]
    assert subject.complete(SOURCE, "\n") is None


def test_beside_a_copier_what_was_used_before_comes_first() -> None:
    copier = Copier(Tokenizer.from_file(vocabulary("chroma8k")))
    assert names(StaticNames(listing("dumps", "load", "loads"), copier)) == ["loads", "dumps", "load"]


def test_the_served_popup_is_what_exists_in_the_order_of_what_is_expected(completer: Completer) -> None:
    served = Served(completer, Memory(completer.tokenizer), listing("aardvark", "collection", "zebra"))
    first, *rest = served.identifiers(SELF, "\n", path="a.py", limit=20)
    assert (first.name, first.exists) == ("collection", True)
    assert {"aardvark", "zebra"} <= {one.name for one in rest}
    assert len(served.identifiers(SELF, "\n", path="a.py", limit=2)) == 2


def test_it_writes_what_the_completer_writes(completer: Completer) -> None:
    head = PROGRAM[: PROGRAM.index("self.collection.add(")]
    offered = Served(completer, None, listing()).complete(head, "\n")
    expected = completer.complete(head, "\n")
    assert offered and expected and offered.text == expected.text


def test_names_alone_are_the_subjects(completer: Completer) -> None:
    alone = NamesAlone(completer)
    assert alone.complete(SELF, "\n") is None
    assert [one.name for one in alone.identifiers(SELF, "\n", limit=3)] == [
        one.name for one in completer.identifiers(SELF, "\n", limit=3)
    ]
