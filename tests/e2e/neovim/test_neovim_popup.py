"""The popup beside the ghost text: Neovim's own, and the way other completion plugins are met."""

from __future__ import annotations

from collections.abc import Callable

from e2e.neovim.driver import Neovim, until
from e2e.neovim.program import ADD, write

Start = Callable[..., Neovim]

AFTER_DOT = "        self.collection."


def open_popup(neovim: Neovim) -> str:
    """Type up to a dot; returns the text of the buffer once the popup is there."""
    write(neovim, ADD)
    until(lambda: neovim.status()["state"] == "ready", "a server with a model")
    neovim.keys("<Esc>cc")
    neovim.type(AFTER_DOT.lstrip())
    until(lambda: "add" in labels(neovim), "the popup for what was typed", neovim.messages)
    return neovim.text()


def labels(neovim: Neovim) -> list[str]:
    """The words of the popup."""
    return [item["word"] for item in neovim.lua("return vim.fn.complete_info({ 'items' }).items")]


def test_the_popup_opens_after_a_dot_and_writes_nothing_by_itself(neovim: Neovim) -> None:
    text = open_popup(neovim)
    assert text.splitlines()[ADD.before.count("\n")] == AFTER_DOT
    neovim.keys("<C-e>")
    assert neovim.saved() == text


def test_a_chosen_item_is_inserted(neovim: Neovim) -> None:
    open_popup(neovim)
    index = labels(neovim).index("add")
    for _ in range(index + 1):
        neovim.keys("<C-n>")
    neovim.keys("<C-y>")
    assert neovim.saved() == f"{ADD.before}{AFTER_DOT}add\n"


def test_ghost_text_stands_beside_the_popup_until_an_item_is_selected(neovim: Neovim) -> None:
    open_popup(neovim)
    neovim.type("ad")
    assert neovim.wait_for_ghost().startswith("d(")
    until(lambda: labels(neovim) == ["add"], "the popup for what was typed")
    neovim.keys("<C-n>")
    assert neovim.lua("return vim.fn.complete_info({ 'selected' }).selected") == 0
    assert neovim.stays_silent()
    neovim.keys("<C-y>")
    ghost = neovim.wait_for_ghost()
    assert ghost.startswith("(ids")
    neovim.keys("<Tab>")
    assert neovim.saved() == f"{ADD.before}{AFTER_DOT}add{ghost}\n"


def test_tab_takes_the_ghost_text_beside_the_popup(neovim: Neovim) -> None:
    open_popup(neovim)
    neovim.type("ad")
    ghost = neovim.wait_for_ghost()
    neovim.wait("vim.fn.pumvisible() == 1")
    assert neovim.ghost() == ghost
    neovim.keys("<Tab>")
    assert neovim.saved() == f"{ADD.before}{AFTER_DOT}ad{ghost}\n"


def test_ghost_text_can_be_hidden_while_the_popup_is_open(start: Start) -> None:
    neovim = start("vim.g.slm_lsp = { beside_popup = false }")
    open_popup(neovim)
    neovim.type("ad")
    neovim.wait("vim.fn.pumvisible() == 1")
    assert neovim.stays_silent()
    neovim.keys("<C-e>")
    ghost = neovim.wait_for_ghost()
    neovim.keys("<Tab>")
    assert neovim.saved() == f"{ADD.before}{AFTER_DOT}ad{ghost}\n"


CMP = """
menu = { open = false, selected = nil, listeners = {} }
vim.api.nvim_create_autocmd("InsertEnter", { once = true, callback = function()
  package.loaded["cmp"] = {
    visible = function() return menu.open end,
    get_selected_entry = function() return menu.selected end,
    event = { on = function(_, name, listener) menu.listeners[name] = listener end },
  }
end })
"""
"""The part of nvim-cmp that the plugin uses, loaded as late as people load it."""


def test_the_popup_of_nvim_cmp_is_left_alone(start: Start) -> None:
    neovim = start(CMP)
    write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<Esc>cc")
    neovim.type(AFTER_DOT.lstrip())
    neovim.wait_for_ghost()
    assert neovim.stays_silent() is False
    assert neovim.lua("return vim.fn.pumvisible()") == 0
    assert "noselect" not in neovim.lua("return vim.bo.completeopt .. vim.o.completeopt")


def test_an_item_selected_in_nvim_cmp_hides_the_ghost_text(start: Start) -> None:
    neovim = start(CMP)
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    neovim.lua("menu.open = true menu.listeners.menu_opened()")
    assert neovim.wait_for_ghost() == ghost
    neovim.lua("menu.selected = {} menu.listeners.menu_opened()")
    until(lambda: neovim.ghost() is None, "no ghost text")
    neovim.keys("<Tab>")
    neovim.lua("menu.open, menu.selected = false, nil menu.listeners.menu_closed()")
    assert neovim.saved().startswith(text.rstrip("\n") + " "), "Tab took hidden ghost text"
