"""A simulated typist: what a completer saves someone who enters a file from its first to its last character.

Knows: texts, suggestions. Must not know: models, LSP.

The rules: automatic indentation is free, as in editors; a suggestion counts as shown once, until it changes; it is
taken, for one key, when the text that follows starts with the whole of it, or else with its first line; everything
else is typed. The typist reads every suggestion and is never in a hurry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slm_lsp.model.evaluation.judging import Completes


@dataclass(frozen=True)
class Typed:
    """What typing one text came to."""

    characters: int
    """Characters of the text that cost keys when typed by hand."""
    keys: int
    """Keys pressed, those that take a suggestion included."""
    requests: int
    """How often the completer was asked: before every key."""
    shown: int
    """Suggestions that appeared."""
    taken: int
    """Those that were taken."""

    @property
    def saved(self) -> float:
        """Share of the keys that typing by hand costs; below 0 it cannot fall."""
        return 1 - self.keys / self.characters if self.characters else 0.0

    @property
    def precision(self) -> float:
        """Share of what appeared that was taken."""
        return self.taken / self.shown if self.shown else 0.0

    @property
    def show_rate(self) -> float:
        """Suggestions that appeared, of the requests."""
        return self.shown / self.requests if self.requests else 0.0

    def __add__(self, other: Typed) -> Typed:
        """Both, one after the other."""
        mine, theirs = vars(self), vars(other)
        return Typed(**{name: mine[name] + theirs[name] for name in mine})


def type_text(
    completer: Completes, text: str, *, path: str = "", on_place: Callable[[int], None] = lambda place: None
) -> Typed:
    """Type a text with a completer's help; `on_place` hears how many characters are entered."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    place = keys = requests = shown = taken = 0
    free = 0
    standing = ""  # what is on the screen
    while place < len(text):
        indent = _auto_indent(text, place)
        free, place = free + indent, place + indent
        if place >= len(text):
            break
        offer = completer.complete(text[:place], "", path=path)
        requests += 1
        offered = offer.text if offer and offer.shown else ""
        if offered and offered != standing:
            shown += 1
        if step := _accepted(offered, text[place:]):
            taken += 1
            standing = ""
        else:
            step, standing = 1, offered[1:] if offered.startswith(text[place]) else ""
        place, keys = place + step, keys + 1
        on_place(place)
    return Typed(len(text) - free, keys, requests, shown, taken)


def _accepted(offered: str, following: str) -> int:
    """Characters that taking the suggestion enters; 0 where the typist does not take it."""
    if not offered:
        return 0
    if following.startswith(offered):
        return len(offered)
    first, newline, _ = offered.partition("\n")
    return len(first) if newline and first and following.startswith(first + "\n") else 0


def _auto_indent(text: str, place: int) -> int:
    """White space at the start of a line that an editor enters by itself."""
    if place and text[place - 1] != "\n":
        return 0
    rest = text[place : text.find("\n", place) if "\n" in text[place:] else len(text)]
    return len(rest) - len(rest.lstrip(" \t")) if rest.strip() else 0
