"""Where the likeliest text cannot be meant, the next likely one is found, and nothing else changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.completion.decoding import Choice, Decoded, Decoder, Taken, probability
from slm_lsp.model.completion.forks import Found, likeliest
from slm_lsp.model.completion.mixture import gate_of
from slm_lsp.model.completion.prompt import PromptBuilder
from slm_lsp.model.completion.repetition import says_again
from slm_lsp.model.completion.stages import Stages
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine

LETTERS = "abc"
CHANCES = {"": (0.6, 0.3, 0.1), "a": (0.5, 0.1, 0.4), "b": (0.2, 0.2, 0.6), "c": (0.1, 0.1, 0.8)}
"""The chance of each letter behind the last one; texts are of two letters."""
RIGHT: Callable[[str, str], bool] = lambda text, offered: False  # noqa: E731


def decode(given: Sequence[Taken], floor: float, length: int = 2) -> Decoded:
    """Greedy, from a table."""
    taken, choices = list(given), []
    text = "".join(LETTERS[one.token] for one in taken)
    while len(text) < length and probability(taken) >= floor:
        choices.append(Choice(None, np.log(np.array(CHANCES[text[-1:]]))))
        taken.append(choices[-1].best())
        text += LETTERS[taken[-1].token]
    return Decoded(text, tuple(taken), tuple(choices), len(choices), ended=True)


def settled(
    wrong: Collection[str], *, floor: float = 0.0, tries: int = 9, hasty: bool = False, length: int = 2, room: int = 9
) -> Found:
    """The likeliest text but for the wrong ones."""
    return likeliest(
        partial(decode, length=length), str, lambda _, text: text in wrong, floor=floor, tries=tries, hasty=hasty,
        room=room,
    )  # fmt: skip


def test_the_likeliest_where_nothing_speaks_against_it() -> None:
    found = settled([])
    assert (found.text, found.wrong, found.passes) == ("aa", False, 2)
    assert found.probability == pytest.approx(0.3)


def test_others_come_in_the_order_of_their_probability() -> None:
    order: list[str] = []
    for _ in range(4):
        order.append(settled(order).text)
    assert order == ["aa", "ac", "bc", "cc"]


def test_what_cannot_be_meant_leaves_its_probability_to_the_others() -> None:
    assert settled(["aa"]).probability == pytest.approx(0.24 / (1 - 0.3))
    assert settled(["aa", "ac"]).probability == pytest.approx(0.18 / (1 - 0.3 - 0.24))


def test_where_all_are_wrong_the_likeliest_is_given_back_as_such() -> None:
    found = settled(["aa", "ac", "bc", "cc"], tries=3)
    assert (found.text, found.wrong) == ("aa", True)


def test_nothing_is_worse_than_anything_and_keeps_its_probability() -> None:
    found = likeliest(decode, lambda text: text.replace("aa", ""), RIGHT, floor=0, tries=3, hasty=False, room=9)
    assert (found.text, found.probability) == ("ac", pytest.approx(0.24))
    found = likeliest(decode, lambda text: "", RIGHT, floor=0, tries=3, hasty=False, room=9)
    assert (found.text, found.wrong) == ("", False)


TRIPLES = ["".join(letters) for letters in product(LETTERS, repeat=3)]


@given(wrong=st.sets(st.sampled_from(TRIPLES), max_size=6), floor=st.floats(0.0, 0.6))
@example(wrong=set(), floor=0.0)
@example(wrong={"aaa"}, floor=0.1)
@settings(max_examples=300)
def test_in_haste_the_same_is_likely(wrong: set[str], floor: float) -> None:
    patient, hasty = (settled(wrong, floor=floor, hasty=hasty, length=3) for hasty in (False, True))
    assert patient.likely == hasty.likely or patient.wrong or not hasty.text
    assert hasty.passes <= patient.passes
    if patient.likely and not patient.wrong:
        assert (hasty.text, hasty.wrong) == (patient.text, patient.wrong)
        assert hasty.probability == pytest.approx(patient.probability)


def test_another_text_that_is_unlikely_is_not_shown() -> None:
    patient, hasty = (
        likeliest(decode, lambda text: text if text == "cc" else "", RIGHT, floor=0, tries=9, hasty=hasty, room=9)
        for hasty in (False, True)
    )
    assert (patient.text, patient.likely) == ("cc", False)
    assert patient.probability == pytest.approx(0.08)
    assert hasty.text == ""


def test_no_way_is_longer_than_there_is_room_for() -> None:
    assert settled(["aa"], room=1).text == "aa"
    assert settled(["aa"], room=2).text == "bc"


def test_what_cannot_be_shown_costs_no_search() -> None:
    assert settled(["aa"], floor=0.5, hasty=True).passes == 2
    assert settled(["aa"], floor=0.5).passes > 2


def test_a_text_whose_beginning_is_given_is_the_same_text() -> None:
    checkpoint = Checkpoint.open(TINY)
    vocabulary, engine = Vocabulary(checkpoint.tokenizer()), Engine.float32_of(checkpoint)
    prompts = PromptBuilder(vocabulary, checkpoint.config, checkpoint.prompt)
    decoder = Decoder(engine, vocabulary, gate_of(None))
    for end in ("self.collection.qu", "result = ", "for note in "):
        cut = PROGRAM.index(end) + len(end)
        prompt = prompts.build(PROGRAM[:cut], PROGRAM[cut:], "program.py")
        whole = decoder.decode(engine.prefill(prompt.ids), prompt.stem)
        for count in range(1, len(whole.taken)):
            begun = whole.taken[:count]
            follow = engine.prefill([*prompt.ids, *(one.token for one in begun)])
            again = decoder.decode(follow, prompt.stem, given=begun)
            assert again.text == whole.text
            assert [one.token for one in again.taken] == [one.token for one in whole.taken]
            assert math.isclose(again.probability, whole.probability, rel_tol=1e-3)


def test_a_line_that_stands_there_gives_way() -> None:
    """A model that knows one program by heart, asked for what it knows where that is there already."""
    first, forking = (Completer.load(TINY, stages=Stages(forks=forks)) for forks in (False, True))
    again = better = 0
    lines = PROGRAM.splitlines(keepends=True)
    for number, line in enumerate(lines[:-1]):
        indent = line[: len(line) - len(line.lstrip())]
        before = "".join(lines[: number + 1]) + (line if line.strip() else "") + indent
        one, other = (each.complete(before, "\n", path="program.py") for each in (first, forking))
        if one and says_again(before, one.text, "\n"):
            again += 1
            assert not one.shown
            better += other is not None and not says_again(before, other.text, "\n")
    assert again > 2 and better
