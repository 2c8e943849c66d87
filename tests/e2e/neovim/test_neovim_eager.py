"""Where the model is not sure: `slmLsp.suggest = "eager"`, set as a user sets it, shows ghost text there too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.neovim.driver import Neovim
from e2e.neovim.program import ADD, DELETE, Spot, write

EAGER = 'vim.lsp.config("slm_lsp", { settings = { slmLsp = { suggest = "eager" } } })'


@pytest.fixture(scope="module")
def eager(binary: Path, desk: Path, project: Path) -> Iterator[Neovim]:
    neovim = Neovim(binary, project, EAGER)
    yield neovim
    neovim.close()


def test_the_setting_reaches_the_server(eager: Neovim) -> None:
    write(eager, ADD)
    assert eager.status()["settings"]["suggest"] == "eager"


def test_behind_characters_of_several_bytes(eager: Neovim) -> None:
    text = write(eager, Spot(ADD.before, '        "é😋日"; self.collection.add(', ""))
    ghost = eager.wait_for_ghost()
    eager.keys("<Tab>")
    assert eager.saved() == text.rstrip("\n") + ghost + "\n"


def test_in_the_middle_of_a_line_the_text_behind_the_cursor_stays(eager: Neovim) -> None:
    behind = ", embeddings=[vector])\n"
    text = write(eager, ADD, behind)
    ghost = eager.wait_for_ghost()
    eager.keys("<Tab>")
    assert eager.saved() == text.removesuffix(behind) + ghost + behind


def test_a_comment_stays_silent(eager: Neovim) -> None:
    text = write(eager, Spot(DELETE.before, "        # " + DELETE.typed.lstrip(), ""))
    assert eager.stays_silent()
    assert eager.saved() == text
