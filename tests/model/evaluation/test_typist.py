"""The simulated typist: what is counted as a key, as shown and as taken."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation.typist import Typed, type_text


@dataclass(frozen=True)
class Offer:
    text: str
    shown: bool = True
    confidence: float = 1.0


class Knows:
    """Offers the rest of the line, or of the text, where it may; or always the same wrong text."""

    def __init__(self, text: str, *, whole: bool = False, wrong: str = "") -> None:
        self._text, self._whole, self._wrong = text, whole, wrong

    def complete(self, prefix: str, suffix: str, *, path: str = "") -> Offer | None:
        rest = self._text[len(prefix) :]
        return Offer(self._wrong or (rest if self._whole else rest.partition("\n")[0]))

    def identifiers(self, prefix: str, suffix: str, *, path: str = "", limit: int = 10) -> list[Offer]:  # type: ignore[override]
        return []


TEXT = "def f():\n    return 12\n"


def test_who_is_told_everything_presses_one_key() -> None:
    assert type_text(Knows(TEXT, whole=True), TEXT) == Typed(characters=len(TEXT), keys=1, requests=1, shown=1, taken=1)


def test_line_by_line_costs_two_keys_a_line_and_indentation_is_free() -> None:
    typed = type_text(Knows(TEXT), TEXT)
    assert typed == Typed(characters=len(TEXT) - 4, keys=4, requests=4, shown=2, taken=2)
    assert typed.saved == 1 - 4 / 19


def test_wrong_offers_are_shown_once_until_they_change_and_never_taken() -> None:
    typed = type_text(Knows(TEXT, wrong="nonsense"), TEXT)
    assert (typed.taken, typed.saved) == (0, 0.0)
    assert typed.keys == typed.requests == typed.characters
    assert typed.precision == 0.0


@given(st.text(alphabet="ab \n\t", max_size=60))
def test_every_text_is_entered_and_never_costs_more_than_by_hand(text: str) -> None:
    typed = type_text(Knows(text, wrong="a"), text)
    assert typed.keys <= typed.characters <= len(text)
    assert typed.taken <= typed.shown <= typed.requests


def test_a_model_that_knows_the_program_saves_most_keys() -> None:
    typed = type_text(Completer.load(TINY), PROGRAM, path="program.py")
    assert typed.saved > 0.4
    assert typed.precision > 0.5
    assert typed + Typed(0, 0, 0, 0, 0) == typed
