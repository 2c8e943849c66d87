--- Keys of insert mode that do something while ghost text is there, and are the user's own otherwise.
---
--- Knows: mappings. Must not know: what an action does. A key of ours goes on to what it was mapped to before we
--- came, or to the mapping of all buffers (whenever that was made), or to what the key does by itself.

local M = {}

---@class slm_lsp.Action
---@field applies fun(): boolean whether the key is ours just now
---@field run fun()

---@class slm_lsp.Taken
---@field action slm_lsp.Action
---@field prior table<string, any>? the mapping of this buffer that was there before ours, as `maparg` gives it

local OURS = "slm-lsp: "

---@type table<integer, table<string, slm_lsp.Taken>>
local taken = {}

--- The mapping of a key that is in force in all buffers.
---@param key string
---@return table<string, any>?
local function global_mapping(key)
  local raw = vim.keycode(key)
  for _, mapping in ipairs(vim.api.nvim_get_keymap("i")) do
    if vim.keycode(mapping.lhs) == raw then
      return mapping
    end
  end
  return nil
end

--- Puts a mapping, or the bare key, under another name in this buffer: every trait of it stays as it was.
---@param name string
---@param key string
---@param prior table<string, any>?
local function keep_as(name, key, prior)
  if not prior then
    vim.keymap.set("i", name, key, { buffer = true })
    return
  end
  local copy = vim.tbl_extend("force", prior, { lhs = name, buffer = 1, mode = "i" })
  copy.lhsraw, copy.lhsrawalt, copy.mode_bits, copy.abbr = vim.keycode(name), nil, nil, 0
  vim.fn.mapset("i", false, copy)
end

---@param bufnr integer
---@param key string
---@param action slm_lsp.Action
---@param what string
function M.map(bufnr, key, action, what)
  taken[bufnr] = taken[bufnr] or {}
  local prior = vim.api.nvim_buf_call(bufnr, function()
    return vim.fn.maparg(key, "i", false, true)
  end)
  local is_ours = vim.startswith(prior.desc or "", OURS)
  if is_ours then
    prior = taken[bufnr][key] and taken[bufnr][key].prior
  elseif vim.tbl_isempty(prior) or prior.buffer ~= 1 then
    prior = nil
  end
  taken[bufnr][key] = { action = action, prior = prior }
  local run = ("<Plug>(slm-lsp-run:%s)"):format(key:gsub("[<>]", ""))
  local fall = ("<Plug>(slm-lsp-else:%s)"):format(key:gsub("[<>]", ""))
  vim.keymap.set("i", run, action.run, { buffer = bufnr })
  vim.keymap.set("i", key, function()
    if action.applies() then
      return run
    end
    keep_as(fall, key, prior or global_mapping(key))
    return fall
  end, { buffer = bufnr, expr = true, remap = true, desc = OURS .. what })
end

--- Gives the keys of a buffer back to what they were.
---@param bufnr integer
function M.unmap(bufnr)
  local keys = taken[bufnr] or {}
  taken[bufnr] = nil
  if not vim.api.nvim_buf_is_valid(bufnr) then
    return
  end
  vim.api.nvim_buf_call(bufnr, function()
    for key, entry in pairs(keys) do
      local now = vim.fn.maparg(key, "i", false, true)
      if vim.startswith(now.desc or "", OURS) then
        vim.keymap.del("i", key, { buffer = bufnr })
        if entry.prior then
          vim.fn.mapset("i", false, entry.prior)
        end
      end
    end
  end)
end

return M
