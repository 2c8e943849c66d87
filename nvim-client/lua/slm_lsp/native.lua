--- Ghost text on Neovim 0.12 and later: `vim.lsp.inline_completion` asks and draws, we add what it lacks.
---
--- Knows: that module's public functions, and the name of its extmarks. Must not know: its insides. It lacks parts
--- (word, line) and dismissing, and its first versions insert again what was typed along; so we insert ourselves.

local config = require("slm_lsp.config")
local pause = require("slm_lsp.pause")
local place = require("slm_lsp.place")
local popup = require("slm_lsp.popup")
local request = require("slm_lsp.request")
local text = require("slm_lsp.text")

local M = { asks = false }

local served = {} ---@type table<integer, true?>

---@param bufnr integer
local function apply(bufnr)
  vim.lsp.inline_completion.enable(not pause.of(bufnr), { bufnr = bufnr })
end

--- Serves a buffer from now on.
---@param bufnr integer
function M.attach(bufnr)
  served[bufnr] = true
  apply(bufnr)
end

--- Serves a buffer no longer.
---@param bufnr integer
function M.detach(bufnr)
  served[bufnr] = nil
end

--- Where the range of an item begins. Its fields were renamed during 0.12.
---@param range table
---@return integer row, integer col
local function start_of(range)
  if range.start then
    return range.start.row, range.start.col
  end
  return range.start_row or range[1], range.start_col or range[2]
end

--- What is left of an item at a place; nil where it does not go on from what stands there.
---@param item vim.lsp.inline_completion.Item
---@param here slm_lsp.Place
---@return string?
local function rest_of(item, here)
  local inserted = item.insert_text
  if type(inserted) ~= "string" then
    return nil
  end
  if not item.range then
    return inserted
  end
  local row, col = start_of(item.range)
  if row ~= here.row or col > here.col then
    return nil
  end
  return text.rest(inserted, here.before:sub(col + 1))
end

--- Whether ghost text is on the screen at the cursor.
---@return boolean
function M.visible()
  local bufnr = vim.api.nvim_get_current_buf()
  local space = vim.api.nvim_get_namespaces()["nvim.lsp.inline_completion"]
  if not space or not served[bufnr] or popup.has_the_floor(config.get().beside_popup) then
    return false
  end
  local mark = vim.api.nvim_buf_get_extmarks(bufnr, space, 0, -1, { limit = 1, details = true })[1]
  local details = mark and mark[4] or {}
  local first = details.virt_text and details.virt_text[1][1] or ""
  return first ~= "" or #(details.virt_lines or {}) > 0
end

--- Calls back with the item that is shown, and what is left of it at the cursor. Neovim calls back a moment later:
--- not if the text has changed by then.
---@param taken fun(item: vim.lsp.inline_completion.Item, rest: string, here: slm_lsp.Place)
local function take(taken)
  local here, bufnr = place.here(), vim.api.nvim_get_current_buf()
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  vim.lsp.inline_completion.get({
    on_accept = function(item)
      local rest = rest_of(item, here)
      local same = vim.api.nvim_get_current_buf() == bufnr and vim.api.nvim_buf_get_changedtick(bufnr) == tick
      if same and rest and rest ~= "" then
        taken(item, rest, here)
      end
    end,
  })
end

--- Inserts the suggestion or its next part. After a part, the server is asked for the rest by itself.
---@param part slm_lsp.Part
function M.accept(part)
  take(function(item, rest, here)
    local taken = text.first(rest, part)
    place.insert(here, taken)
    local client = vim.lsp.get_client_by_id(item.client_id)
    if client and item.command and taken == rest then
      client:exec_cmd(item.command, { bufnr = vim.api.nvim_get_current_buf() }, function() end)
    end
  end)
end

--- Shows another suggestion.
---@param step integer 1 or -1
function M.turn(step)
  vim.lsp.inline_completion.select({ count = step })
end

--- Hides the suggestion and tells the server, which does not offer it at this place again.
function M.dismiss()
  take(function(item, rest)
    request.tell_dismissed(vim.api.nvim_get_current_buf(), item.client_id, rest)
  end)
end

--- Pausing and resuming take effect at once.
function M.paused()
  for bufnr in pairs(served) do
    if vim.api.nvim_buf_is_valid(bufnr) then
      apply(bufnr)
    end
  end
end

return M
