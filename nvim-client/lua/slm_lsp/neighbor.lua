--- Whether another language server fills the same popup: ours is told, and then offers only its best names.
---
--- Knows: Neovim's clients, one setting. Must not know: what the server makes of it.

local clients = require("slm_lsp.client")

local M = {}

--- Whether another server completes in a buffer that the client serves.
---@param client vim.lsp.Client
---@return boolean
local function has_neighbor(client)
  for bufnr in pairs(client.attached_buffers) do
    for _, other in ipairs(vim.lsp.get_clients({ bufnr = bufnr, method = "textDocument/completion" })) do
      if other.name ~= clients.NAME and not other:is_stopped() then
        return true
      end
    end
  end
  return false
end

--- What some settings say of it; nil where they say nothing.
---@param settings table<string, any>?
---@return any
local function said(settings)
  local nested = vim.tbl_get(settings or {}, "slmLsp", "neighbor")
  if nested == nil then
    return (settings or {})["slmLsp.neighbor"]
  end
  return nested
end

--- Tells each of our servers when that has changed, unless the user's configuration says what it is to take.
--- Later, because a client that goes is still there while its going is announced.
M.look = vim.schedule_wrap(function()
  for _, client in ipairs(vim.lsp.get_clients({ name = clients.NAME })) do
    local neighbor = has_neighbor(client)
    local is_ours = said(client.config.settings) == nil and not client:is_stopped()
    if is_ours and (said(client.settings) or false) ~= neighbor then
      -- A copy: the configuration's own table is there for the next server.
      client.settings = vim.tbl_deep_extend("force", client.settings, { slmLsp = { neighbor = neighbor } })
      client:notify("workspace/didChangeConfiguration", { settings = client.settings })
    end
  end
end)

return M
