--- The language client that serves a buffer, and its settings.
---
--- Knows: Neovim's clients. Must not know: features.

local M = {}

M.NAME = "slm_lsp"

--- The client of a buffer; nil while there is none, or it has not finished its handshake.
---@param bufnr integer?
---@return vim.lsp.Client?
function M.of(bufnr)
  local client = vim.lsp.get_clients({ name = M.NAME, bufnr = bufnr or 0 })[1]
  return client and not client:is_stopped() and client or nil
end

--- The client of the buffer, else any.
---@return vim.lsp.Client?
function M.any()
  return M.of(0) or vim.lsp.get_clients({ name = M.NAME })[1]
end

--- The command that starts the server, as the user configured it; nil when it is not a plain command.
---@return string[]?
function M.command()
  local config = vim.lsp.config[M.NAME]
  local cmd = config and config.cmd
  return type(cmd) == "table" and cmd or nil
end

return M
