"""Another language server beside ours: ours is told that it shares the popup, and when it no longer does."""

from __future__ import annotations

from collections.abc import Callable

from e2e.neovim.driver import Neovim, until

Start = Callable[..., Neovim]

OTHER = """
function start_other(name, capabilities)
  return vim.lsp.start({
    name = name,
    cmd = function(dispatchers)
      local closing = false
      local function finish()
        if not closing then
          closing = true
          dispatchers.on_exit(0, 0)
        end
      end
      return {
        request = function(method, _, answer)
          vim.schedule(function()
            answer(nil, method == "initialize" and { capabilities = capabilities } or vim.NIL)
          end)
          return true, 1
        end,
        notify = function(method)
          if method == "exit" then finish() end
          return true
        end,
        is_closing = function() return closing end,
        terminate = finish,
      }
    end,
  })
end
"""
"""Starts a language server inside Neovim that answers `initialize` and nothing else, for the buffer."""


def neighbor(neovim: Neovim) -> bool:
    """What the server has been told."""
    return bool(neovim.status()["settings"]["neighbor"])


def start_other(neovim: Neovim, name: str, capabilities: str) -> None:
    """Start another server and wait until it serves the buffer."""
    neovim.lua(f"start_other({name!r}, {capabilities})")
    neovim.wait(f"#vim.lsp.get_clients({{ name = {name!r}, bufnr = 0 }}) > 0")


def test_a_server_that_completes_is_noticed_when_it_comes_and_when_it_goes(start: Start) -> None:
    neovim = start(OTHER)
    neovim.open("beside.py", "import os\n")
    assert not neighbor(neovim)
    start_other(neovim, "linter", "{ hoverProvider = true }")
    assert not neighbor(neovim)
    start_other(neovim, "completer", "{ completionProvider = vim.empty_dict() }")
    until(lambda: neighbor(neovim), "the server knows of the other one", neovim.messages)
    neovim.lua("vim.lsp.buf_detach_client(0, vim.lsp.get_clients({ name = 'completer' })[1].id)")
    until(lambda: not neighbor(neovim), "the server knows that the other one is gone", neovim.messages)


def test_one_that_was_there_before_is_noticed_and_other_settings_stay(start: Start) -> None:
    neovim = start(
        f"{OTHER}\nvim.g.slm_lsp = {{ enable = false }}"
        "vim.lsp.config('slm_lsp', { settings = { slmLsp = { suggest = 'eager' } } })"
    )
    neovim.command(f"edit {neovim.folder / 'first.py'}")
    start_other(neovim, "completer", "{ completionProvider = vim.empty_dict() }")
    neovim.lua("vim.lsp.enable('slm_lsp')")  # which also attaches to what is open
    neovim.wait("#vim.lsp.get_clients({ name = 'slm_lsp', bufnr = 0 }) > 0")
    until(lambda: neighbor(neovim), "the server knows of the other one", neovim.messages)
    assert neovim.status()["settings"]["suggest"] == "eager"


def test_what_the_user_says_goes_first(start: Start) -> None:
    neovim = start(f"{OTHER}\nvim.lsp.config('slm_lsp', {{ settings = {{ slmLsp = {{ neighbor = false }} }} }})")
    neovim.open("alone.py", "import os\n")
    start_other(neovim, "completer", "{ completionProvider = vim.empty_dict() }")
    assert neovim.stays_silent()
    assert not neighbor(neovim)
