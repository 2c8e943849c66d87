"""Tab belongs to the user wherever there is no ghost text: to their mapping, to the popup, or to indentation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.neovim.driver import Neovim
from e2e.neovim.program import ADD, write

Start = Callable[..., Neovim]

MAPPINGS = {
    "text": 'vim.keymap.set("i", "<Tab>", "mapped")',
    "remapped": 'vim.keymap.set("i", "<Tab>", "<F5>", { remap = true })\nvim.keymap.set("i", "<F5>", "mapped")',
    "function": 'vim.keymap.set("i", "<Tab>", function() vim.api.nvim_put({ "mapped" }, "c", false, true) end)',
    "expression": 'vim.keymap.set("i", "<Tab>", function() return "map" .. "ped" end, { expr = true })',
    "Vim's expression": "vim.cmd([[inoremap <expr> <Tab> 'map' .. 'ped']])",
    "of the buffer": """vim.api.nvim_create_autocmd("FileType", { pattern = "python", callback = function()
        vim.keymap.set("i", "<Tab>", "mapped", { buffer = true })
    end })""",
}
"""Ways in which a user may have mapped Tab before."""


def blank_line(neovim: Neovim) -> str:
    """A file in which nothing is to be suggested, with the cursor on its last line, in insert mode."""
    text = "x = 1\n\n"
    neovim.keys("<Esc>")
    neovim.open("blank.py", text)
    neovim.command("SlmPause")
    neovim.keys("i")
    return text


def test_without_a_mapping_it_indents(neovim: Neovim) -> None:
    blank_line(neovim)
    neovim.keys("<Tab>")
    assert neovim.ghost() is None
    assert neovim.saved() == "x = 1\n    \n"


@pytest.mark.parametrize("way", MAPPINGS)
def test_with_a_mapping_that_runs(start: Start, way: str) -> None:
    neovim = start(MAPPINGS[way])
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    neovim.keys("<Tab>")
    text = text.rstrip("\n") + ghost
    assert neovim.text() == text + "\n"
    neovim.command("SlmPause")
    neovim.keys("<Tab>")
    neovim.keys("<Tab>")
    assert neovim.saved() == text + "mappedmapped\n"


def test_with_a_mapping_that_came_later(neovim: Neovim) -> None:
    blank_line(neovim)
    neovim.lua('vim.keymap.set("i", "<Tab>", "later")')
    neovim.keys("<Tab>")
    neovim.lua('vim.keymap.del("i", "<Tab>")')
    neovim.keys("<Tab>")
    assert neovim.saved() == "x = 1\nlater   \n"


def test_with_a_popup_in_which_something_is_selected(neovim: Neovim) -> None:
    blank_line(neovim)
    neovim.lua("vim.keymap.set('i', '<Tab>', function() return vim.fn.pumvisible() == 1 and '<C-n>' or '<Tab>' end,"
               " { expr = true })")  # fmt: skip
    neovim.command("SlmResume")
    neovim.type("al")
    neovim.lua("vim.fn.complete(1, { 'alpha', 'beta' })")
    neovim.wait("vim.fn.pumvisible() == 1")
    neovim.keys("<Tab>")
    neovim.keys("<Tab>")
    selected = neovim.lua("return vim.fn.complete_info({ 'selected' }).selected")
    neovim.keys("<C-y>")
    neovim.lua("vim.keymap.del('i', '<Tab>')")
    assert selected == 1
    assert neovim.saved() == "x = 1\nbeta\n"


def test_the_other_keys_are_the_users_too(start: Start) -> None:
    neovim = start('vim.keymap.set("i", "<C-]>", "mapped")')
    blank_line(neovim)
    neovim.keys("<C-]>")
    assert neovim.saved() == "x = 1\nmapped\n"


def test_keys_can_be_chosen_and_left_out(start: Start) -> None:
    neovim = start('vim.g.slm_lsp = { keys = { accept = "<C-l>", dismiss = false } }')
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    assert neovim.lua("return vim.fn.maparg('<C-]>', 'i')") == ""
    neovim.keys("<C-l>")
    neovim.keys("<Tab>")
    assert neovim.saved().startswith(text.rstrip("\n") + ghost + " ")


def test_once_the_server_is_gone_the_keys_are_as_before(start: Start) -> None:
    neovim = start(MAPPINGS["of the buffer"])
    write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<Esc>")
    neovim.lua('vim.lsp.enable("slm_lsp", false)')
    neovim.wait("#vim.lsp.get_clients() == 0")
    neovim.wait("vim.fn.maparg('<Tab>', 'i') == 'mapped'")
    assert neovim.lua("return vim.fn.maparg('<C-]>', 'i')") == ""
