--- Which buffers get no ghost text because the user wants quiet.
---
--- Knows: the two flags. Must not know: what obeys them.

local M = {}

---@alias slm_lsp.Scope "buffer"|"all"

local everywhere = false
local buffers = {} ---@type table<integer, true?>

--- Pauses or resumes; resuming everywhere resumes each buffer too.
---@param paused boolean
---@param scope slm_lsp.Scope
function M.set(paused, scope)
  if scope == "all" then
    everywhere, buffers = paused, {}
  else
    buffers[vim.api.nvim_get_current_buf()] = paused or nil
  end
end

--- What a buffer is paused by; nil when it is not.
---@param bufnr integer
---@return slm_lsp.Scope?
function M.of(bufnr)
  return everywhere and "all" or buffers[bufnr] and "buffer" or nil
end

return M
