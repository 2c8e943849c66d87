"""A real Neovim under test: a headless process of its own, typed into as a person types.

Knows: Neovim's remote API, the plugin's folder. Must not know: what a test expects.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from e2e.neovim.rpc import Rpc

T = TypeVar("T")

PLUGIN = Path(__file__).parents[3] / "nvim-client"
PATIENCE = 30.0
"""Seconds that something may take to come about on a loaded machine."""
CALM = 1.0
"""Seconds after which something that has not come about is taken not to come: well over debounce and answer."""


GHOST = """
local spaces = vim.api.nvim_get_namespaces()
for _, name in ipairs({ "slm_lsp.ghost", "nvim.lsp.inline_completion" }) do
  local marks = spaces[name] and vim.api.nvim_buf_get_extmarks(0, spaces[name], 0, -1, { details = true }) or {}
  if #marks > 0 then
    local lines = { marks[1][4].virt_text[1][1] }
    for _, line in ipairs(marks[1][4].virt_lines or {}) do
      lines[#lines + 1] = line[1][1]
    end
    return table.concat(lines, "\\n")
  end
end
"""
"""Lua that finds what is drawn as ghost text in the buffer, by this plugin or by Neovim itself."""


class Neovim:
    """One Neovim with the plugin."""

    def __init__(self, binary: Path, folder: Path, init: str | None = "") -> None:
        """Start in a folder; `init` is Lua that runs before the plugin, as an init.lua does.

        With None, it starts as it does for a user, who has the plugin where Neovim looks for packages.
        """
        options = ["--embed", "--headless", "-n"]
        if init is not None:
            config = folder / ".init.lua"
            config.write_text(f'vim.opt.runtimepath:prepend("{PLUGIN}")\n{init}\n')
            options += ["--clean", "-u", str(config)]
        self._rpc = Rpc([str(binary), *options])
        self._rpc.request("nvim_set_current_dir", str(folder))
        self.folder = folder

    def close(self) -> None:
        """End it, and with it the server."""
        servers = self.servers()
        self._rpc.close("nvim_command", "qall!", patience=PATIENCE)
        until(lambda: not any(_alive(pid) for pid in servers), "the servers end with Neovim")

    def lua(self, code: str, *arguments: object) -> Any:
        """Run Lua in it; returns what that returns."""
        return self._rpc.request("nvim_exec_lua", code, arguments)

    def command(self, command: str) -> None:
        """Run an Ex command."""
        self._rpc.request("nvim_command", command)

    def keys(self, keys: str) -> None:
        """Press keys, written as in a mapping: `<Tab>`, `<Esc>`; wait until they have taken effect."""
        self._rpc.request("nvim_input", keys)
        self.lua("return 0")

    def type(self, text: str) -> None:
        """Type text, key by key."""
        for character in text:
            self.keys({"<": "<lt>", "\n": "<CR>", "\b": "<BS>"}.get(character, character))

    def open(self, name: str, text: str) -> Path:
        """Write a file and open it, with the cursor at its end; waits until the server serves it."""
        path = self.folder / name
        path.write_text(text)
        self.command(f"edit! {path}")
        self.wait("#vim.lsp.get_clients({ name = 'slm_lsp', bufnr = 0 }) > 0")
        self.wait("vim.lsp.get_clients({ name = 'slm_lsp' })[1].initialized")
        self.keys("G$")
        return path

    def wait(self, expression: str, *arguments: object) -> Any:
        """Wait until a Lua expression is true; returns its value."""
        return until(lambda: self.lua(f"return {expression}", *arguments), expression, self.messages)

    def ghost(self) -> str | None:
        """The ghost text on the screen, whoever draws it; None where there is none."""
        shown: str | None = self.lua(GHOST)
        return shown

    def wait_for_ghost(self) -> str:
        """Wait for ghost text; returns it."""
        return str(until(self.ghost, "ghost text", self.messages))

    def stays_silent(self) -> bool:
        """Whether no ghost text comes for a while."""
        end = time.monotonic() + CALM
        while time.monotonic() < end:
            if self.ghost():
                return False
            time.sleep(0.05)
        return True

    def text(self) -> str:
        """The text of the buffer."""
        return "\n".join(self._rpc.request("nvim_buf_get_lines", 0, 0, -1, True)) + "\n"

    def cursor(self) -> tuple[int, int]:
        """The cursor: line from 1, byte from 0."""
        line, column = self._rpc.request("nvim_win_get_cursor", 0)
        return line, column

    def saved(self) -> str:
        """Leave insert mode, write the file and read it from the disk."""
        self.keys("<Esc>")
        self.command("write")
        return Path(self._rpc.request("nvim_buf_get_name", 0)).read_text()

    def messages(self) -> str:
        """What `:messages` shows."""
        return str(self.lua("return vim.api.nvim_exec2('messages', { output = true }).output"))

    def status(self) -> dict[str, Any]:
        """The server's answer to `slmLsp/status`."""
        answer: dict[str, Any] = self.lua(
            "local client = vim.lsp.get_clients({ name = 'slm_lsp' })[1]"
            "return client:request_sync('slmLsp/status', vim.empty_dict(), 30000).result"
        )
        return answer

    def servers(self) -> list[int]:
        """Process ids of the servers that run."""
        return list(self.lua("return vim.api.nvim_get_proc_children(vim.fn.getpid())"))

    def kill_server(self) -> int:
        """Kill the one server as the kernel does when memory is short; returns its process id."""
        [pid] = self.servers()
        os.kill(pid, signal.SIGKILL)
        return pid


def until(condition: Callable[[], T], what: str, explain: Callable[[], str] = str) -> T:
    """Wait for something that comes about by itself."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"did not come about: {what}\n{explain()}"
        time.sleep(0.02)
    return value


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
