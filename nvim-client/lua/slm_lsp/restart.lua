--- Starts a server that died again: at once, then ever later, and says when it gives up.
---
--- Knows: exit codes, time. Must not know: features.

local clients = require("slm_lsp.client")

local M = {}

--- When to restart, and when to give up.
M.limits = {
  --- Milliseconds before the first restart; each further one waits twice as long.
  first = 500,
  --- Restarts within so many seconds after which we give up.
  most = 5,
  window = 180,
}

local restarts = {} ---@type integer[] when each was, in seconds

--- Called when a server ended. One that was told to end, or whose configuration was disabled, stays ended.
---@param code integer
---@param signal integer
---@param _ integer
function M.exited(code, signal, _)
  local died = code ~= 0 or signal ~= 0
  if not died or vim.v.exiting ~= vim.NIL then
    return
  end
  vim.schedule(function()
    if not vim.lsp.is_enabled(clients.NAME) then
      return
    end
    local now = math.floor(vim.uv.now() / 1000)
    restarts = vim.tbl_filter(function(when)
      return now - when < M.limits.window
    end, restarts)
    if #restarts >= M.limits.most then
      local message = "slm-lsp ended %d times within %d s (last: exit code %d, signal %d) and is not started again. "
        .. "See :checkhealth slm_lsp and %s; :SlmRestart tries again."
      local log = vim.lsp.log.get_filename()
      vim.notify(message:format(#restarts + 1, M.limits.window, code, signal, log), vim.log.levels.ERROR)
      return
    end
    restarts[#restarts + 1] = now
    vim.defer_fn(function()
      if vim.lsp.is_enabled(clients.NAME) then
        vim.lsp.enable(clients.NAME) -- attaches to each Python buffer anew
      end
    end, M.limits.first * 2 ^ (#restarts - 1))
  end)
end

--- Starts the server anew, by the user's wish.
function M.now()
  restarts = {}
  for _, client in ipairs(vim.lsp.get_clients({ name = clients.NAME })) do
    client:stop(true)
  end
  vim.defer_fn(function()
    vim.lsp.enable(clients.NAME)
  end, M.limits.first)
end

return M
