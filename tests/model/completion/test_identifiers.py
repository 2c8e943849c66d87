"""The search for names: its own, and those that are known to exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Candidate, Completer
from slm_lsp.model.completion.decoding import never
from slm_lsp.model.completion.identifiers import PASSES, typed_name
from slm_lsp.model.completion.prompt import PromptBuilder
from slm_lsp.model.errors import Cancelled
from slm_lsp.model.memory import Memory
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine
from slm_lsp.model.runtime.quantize import Floats

DOT = PROGRAM[: PROGRAM.index("self.collection.add(") + len("self.")]


class Search:
    """The search behind a completer, asked as the completer asks it, with its passes counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        completer = Completer.load(TINY)
        checkpoint = Checkpoint.open(TINY)
        self.search = completer._identifiers
        self.engine = completer._engine
        self.memory = Memory(completer.tokenizer)
        self.prompts = PromptBuilder(self.search.vocabulary, checkpoint.config, checkpoint.prompt)
        self.passes = 0
        append = Engine.append

        def counted(engine: Engine, ids: list[int], *, last: int | None = None) -> Floats:
            self.passes += 1
            return append(engine, ids, last=last)

        monkeypatch.setattr(Engine, "append", counted)

    def __call__(
        self, before: str, typed: str = "", *names: str, limit: int = 10, cancelled: Callable[[], bool] = never
    ) -> list[Candidate]:
        prompt = self.prompts.build(before + typed, "\n", "")
        match = self.memory.matcher("", before + typed, "\n", prompt.stem)
        logits = self.engine.prefill(prompt.ids)
        self.passes = 1
        found = self.search.search(logits, prompt.stem, typed, limit, match=match, names=names, cancelled=cancelled)
        assert self.engine.ids == list(prompt.ids)
        return found


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Search:
    return Search(monkeypatch)


def names_of(found: list[Candidate]) -> list[str]:
    return [one.name for one in found]


def test_without_names_it_finds_its_own(search: Search) -> None:
    found = search(DOT, limit=3)
    assert names_of(found)[0] == "collection"
    assert len(found) <= 3
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)


def test_all_names_come_back_however_unlikely(search: Search) -> None:
    names = [f"name_{number}_of_many" for number in range(300)]
    found = search(DOT, "", *names, "collection", limit=2)
    assert set(names) < set(names_of(found))
    assert names_of(found)[0] == "collection"
    assert len(set(names_of(found))) == len(found) <= len(names) + 3
    assert search.passes <= PASSES


def test_names_that_do_not_go_on_from_what_is_typed_are_left_out(search: Search) -> None:
    found = names_of(search(DOT, "coll", "collection", "collect_all", "coll", "Collection", "other"))
    assert "collect_all" in found
    assert not {"coll", "Collection", "other"} & set(found)
    assert all(name.startswith("coll") for name in found)


def test_a_known_name_has_the_probability_that_it_has_unknown(search: Search) -> None:
    [own] = [one for one in search(DOT) if one.name == "collection"]
    [known] = [one for one in search(DOT, "", "collection") if one.name == "collection"]
    assert known.probability == pytest.approx(own.probability, rel=0.05)  # int8: a draft's batch rounds otherwise


def test_what_was_read_for_one_letter_is_not_read_again_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("collection", "collect", "collate", "client", "count", "name")
    typing, passes = Search(monkeypatch), []
    for typed in ("c", "co", "col"):
        after = typing(DOT, typed, *names)
        passes.append(typing.passes)
        fresh = Search(monkeypatch)
        alone = fresh(DOT, typed, *names)
        assert names_of(after) == names_of(alone)
        assert [one.probability for one in after] == pytest.approx([one.probability for one in alone], rel=0.05)
        assert passes[-1] < fresh.passes or typed == "c"
    typing(DOT.replace("collection", "closet"), "c", *names)
    assert typing.passes >= passes[0], "another prompt is read anew"


@pytest.mark.parametrize("name", ["größe", "名前", "_", "__", "x" * 200, "a" * 63 + "é"])
def test_odd_names_are_names(search: Search, name: str) -> None:
    assert name in names_of(search(DOT, "", name))


def test_what_is_no_identifier_is_scored_like_any_name(search: Search) -> None:
    assert set(names_of(search(DOT, "", "not a name", ""))) >= {"not a name"}


def test_it_works_where_the_context_is_full(search: Search) -> None:
    long = "\n".join(f"value_{number} = {number}" for number in range(2_000)) + "\n" + DOT
    assert "collection" in names_of(search(long, "", "collection", "zebra"))


def test_it_can_be_cancelled_and_leaves_the_engine_in_order(search: Search) -> None:
    polls: Iterator[int] = count()
    with pytest.raises(Cancelled):
        search(DOT, "", "collection", "zebra", cancelled=lambda: next(polls) >= 2)
    assert names_of(search(DOT))[0] == "collection"


def test_the_word_before_a_newline_is_not_the_one_that_is_typed() -> None:
    assert typed_name("    return value\n") == ""
    assert typed_name("    return value") == "value"
    assert typed_name("9lives") == "lives"
