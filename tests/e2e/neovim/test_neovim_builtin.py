"""Where Neovim shows ghost text by itself (0.12 or later), the plugin adds parts, dismissing and pausing.

Neovim 0.11 plays 0.12 here, with a stand-in for `vim.lsp.inline_completion` that keeps to its documented functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.neovim.driver import Neovim, until
from e2e.neovim.program import ADD, BODY, HEADER, open_method, write

STAND_IN = Path(__file__).with_name("inline_completion.lua")


@pytest.fixture(scope="module")
def builtin(binary: Path, desk: Path, project: Path) -> Iterator[Neovim]:
    neovim = Neovim(binary, project, f'vim.lsp.inline_completion = dofile("{STAND_IN}")')
    yield neovim
    neovim.close()


def test_it_is_used_and_tab_inserts_exactly_the_ghost_text(builtin: Neovim) -> None:
    text = write(builtin, ADD)
    assert builtin.wait_for_ghost() == ADD.ghost
    assert builtin.lua("return require('slm_lsp.draw').shown(0)") is None, "drawn twice"
    before = builtin.status()["accepted"]
    builtin.keys("<Tab>")
    assert builtin.saved() == text.rstrip("\n") + ADD.ghost + "\n"
    assert builtin.status()["accepted"] == before + 1


def test_what_was_typed_along_is_not_inserted_twice(builtin: Neovim) -> None:
    text = write(builtin, ADD)
    builtin.wait_for_ghost()
    builtin.lua("vim.api.nvim_input('ids=<Tab>')")
    builtin.wait(f"vim.api.nvim_get_current_line() == [=[{ADD.typed}{ADD.ghost}]=]")
    assert builtin.saved() == text.rstrip("\n") + ADD.ghost + "\n"


def test_words_and_lines(builtin: Neovim) -> None:
    open_method(builtin)
    first, second = BODY.split("\n")
    assert builtin.wait_for_ghost() == BODY
    builtin.keys("<M-Right>")
    builtin.wait("vim.api.nvim_get_current_line():match('result$')")
    assert builtin.wait_for_ghost() == first.removeprefix("result")
    builtin.keys("<M-C-Right>")
    builtin.wait(f"vim.api.nvim_get_current_line() == [=[        {first}]=]")
    assert builtin.saved() == f"{HEADER}        {first}\n"
    assert second not in builtin.text()


def test_dismissed_it_stays_hidden(builtin: Neovim) -> None:
    text = write(builtin, ADD)
    builtin.wait_for_ghost()
    builtin.keys("<C-]>")
    assert builtin.stays_silent()
    builtin.keys("<Esc>cc")
    builtin.type(ADD.typed.lstrip())
    until(lambda: builtin.status()["why"]["outcome"] == "dismissed", "the server's answer")
    assert builtin.stays_silent()
    assert builtin.saved() == text


def test_paused_it_stays_silent(builtin: Neovim) -> None:
    text = write(builtin, ADD)
    builtin.wait_for_ghost()
    builtin.command("SlmPause all")
    assert builtin.ghost() is None
    builtin.type(ADD.ghost[:2])
    assert builtin.stays_silent()
    builtin.command("SlmResume all")
    builtin.type(ADD.ghost[2])
    assert builtin.wait_for_ghost() == ADD.ghost[3:]
    assert builtin.saved() == text.rstrip("\n") + ADD.ghost[:3] + "\n"


def test_without_ghost_text_tab_is_the_users(builtin: Neovim) -> None:
    builtin.keys("<Esc>")
    builtin.open("blank.py", "x = 1\n\n")
    builtin.command("SlmPause")
    builtin.keys("i<Tab>")
    assert builtin.saved() == "x = 1\n    \n"


def test_our_own_can_be_preferred(binary: Path, desk: Path, project: Path) -> None:
    neovim = Neovim(
        binary, project, f'vim.lsp.inline_completion = dofile("{STAND_IN}")\nvim.g.slm_lsp = {{ builtin = false }}'
    )
    try:
        write(neovim, ADD)
        neovim.wait("require('slm_lsp.draw').shown(0)")
    finally:
        neovim.close()
