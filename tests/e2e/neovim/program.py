"""Places in the program that the tiny model knows by heart, and what it goes on with there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from doubles import PROGRAM
from e2e.neovim.driver import Neovim

_numbers = itertools.count()


@dataclass(frozen=True)
class Spot:
    """A place to type at."""

    before: str
    """The text above the line."""
    typed: str
    """What a person types there."""
    ghost: str
    """What ghost text then shows."""


def spot(typed: str) -> Spot:
    """The place where the program has this text, with the rest of its line as ghost text."""
    cut = PROGRAM.index(typed)
    line = PROGRAM.rfind("\n", 0, cut) + 1
    return Spot(PROGRAM[:line], PROGRAM[line : cut + len(typed)], PROGRAM[cut + len(typed) :].partition("\n")[0])


ADD = spot("self.collection.add(")
DELETE = spot("self.collection.delete(")
HEADER = PROGRAM[: PROGRAM.index("        result = ")]
"""The program up to the header of a method, whose body has two lines."""
BODY = PROGRAM[len(HEADER) :].partition("\n\n")[0].lstrip()
"""That body, without the indentation of its first line."""


def write(neovim: Neovim, at: Spot, after: str = "\n") -> str:
    """Open a file of its own at a place and type there; returns the text that the buffer then has."""
    neovim.keys("<Esc>")
    neovim.open(f"shelf_{next(_numbers)}.py", at.before + after)
    neovim.keys(f"{at.before.count(chr(10)) + 1}G0i")
    neovim.type(at.typed)
    return at.before + at.typed + after


def open_method(neovim: Neovim) -> None:
    """Open a file that ends with a method's header, and begin the line below it."""
    neovim.keys("<Esc>")
    neovim.open(f"method_{next(_numbers)}.py", HEADER)
    neovim.keys("o")
