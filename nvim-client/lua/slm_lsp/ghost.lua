--- Ghost text on Neovim 0.11: asked for while typing, kept while the user types along, taken by a key.
---
--- Knows: one buffer's suggestions and their life. Must not know: how they are drawn, asked for or mapped.

local config = require("slm_lsp.config")
local draw = require("slm_lsp.draw")
local pause = require("slm_lsp.pause")
local place = require("slm_lsp.place")
local popup = require("slm_lsp.popup")
local request = require("slm_lsp.request")
local text = require("slm_lsp.text")

local M = { asks = true }

--- Dismissed suggestions that are remembered for a buffer.
local REMEMBERED = 50

---@class slm_lsp.Ghost
---@field place slm_lsp.Place where the suggestions were asked for
---@field suggestions slm_lsp.Suggestion[]
---@field index integer the one that is shown

---@class slm_lsp.Dismissed : slm_lsp.Place
---@field text string

---@class slm_lsp.Buffer
---@field ghost slm_lsp.Ghost?
---@field dismissed slm_lsp.Dismissed[]
---@field asked integer? `changedtick` of the text that the server was last asked about

---@type table<integer, slm_lsp.Buffer>
local buffers = {}

---@param buffer slm_lsp.Buffer
---@param here slm_lsp.Place
---@param offered string
---@return boolean
local function is_dismissed(buffer, here, offered)
  for _, dismissed in ipairs(buffer.dismissed) do
    if place.same(dismissed, here) and dismissed.text == offered then
      return true
    end
  end
  return false
end

--- The suggestion and what is left of it at the cursor; nil where it does not fit, or was dismissed.
---@param buffer slm_lsp.Buffer
---@return slm_lsp.Suggestion?, string?
local function at_cursor(buffer)
  local ghost, here = buffer.ghost, place.here()
  local typed = ghost and place.typed(ghost.place, here)
  local suggestion = typed and ghost.suggestions[ghost.index]
  local rest = suggestion and text.rest(suggestion.text, typed)
  if rest and rest ~= "" and not is_dismissed(buffer, here, rest) then
    return suggestion, rest
  end
  return nil, nil
end

--- Draws what fits at the cursor, or removes what does not; returns whether there still is a suggestion.
---@param bufnr integer
---@return boolean
local function refresh(bufnr)
  local buffer = buffers[bufnr]
  if vim.api.nvim_get_current_buf() ~= bufnr or not vim.startswith(vim.api.nvim_get_mode().mode, "i") then
    draw.clear(bufnr)
    return false
  end
  local _, rest = at_cursor(buffer)
  if not rest then
    buffer.ghost = nil
    draw.clear(bufnr)
  elseif popup.has_the_floor(config.get().beside_popup) then
    draw.clear(bufnr)
  else
    local here = place.here()
    draw.show(bufnr, here.row, here.col, rest)
  end
  return rest ~= nil
end

--- Forgets the suggestion, and the question that is under way.
---@param bufnr integer
local function drop(bufnr)
  request.cancel(bufnr)
  buffers[bufnr].ghost = nil
  draw.clear(bufnr)
end

---@param bufnr integer
---@param delay integer
local function ask(bufnr, delay)
  request.ask(bufnr, request.AUTOMATIC, delay, function(here, suggestions)
    local buffer = buffers[bufnr]
    if not buffer then
      return
    end
    suggestions = vim.tbl_filter(function(suggestion)
      return not is_dismissed(buffer, here, suggestion.text)
    end, suggestions)
    buffer.ghost = #suggestions > 0 and { place = here, suggestions = suggestions, index = 1 } or nil
    refresh(bufnr)
  end)
end

--- The text may have changed: keep the suggestion where the user types along, else ask for another.
---@param bufnr integer
local function changed(bufnr)
  local buffer = buffers[bufnr]
  if pause.of(bufnr) or vim.fn.reg_executing() ~= "" then
    return drop(bufnr)
  end
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  if refresh(bufnr) or buffer.asked == tick then
    return
  end
  if popup.has_the_floor(config.get().beside_popup) then
    return request.cancel(bufnr)
  end
  buffer.asked = tick
  ask(bufnr, config.get().debounce)
end

--- Serves a buffer from now on.
---@param bufnr integer
---@param group integer autocommand group of this buffer
function M.attach(bufnr, group)
  buffers[bufnr] = buffers[bufnr] or { dismissed = {} }
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = bufnr, callback = callback })
  end
  on({ "InsertEnter", "TextChangedI", "TextChangedP" }, function()
    changed(bufnr)
  end)
  on("CursorMovedI", function()
    refresh(bufnr)
  end)
  on({ "InsertLeave", "BufLeave" }, function()
    buffers[bufnr].asked = vim.api.nvim_buf_get_changedtick(bufnr)
    drop(bufnr)
  end)
  popup.watch(group, bufnr, function()
    if buffers[bufnr] and vim.api.nvim_get_current_buf() == bufnr then
      changed(bufnr)
    end
  end)
end

--- Serves a buffer no longer.
---@param bufnr integer
function M.detach(bufnr)
  if buffers[bufnr] then
    drop(bufnr)
    buffers[bufnr] = nil
  end
end

--- Whether ghost text is on the screen at the cursor.
---@return boolean
function M.visible()
  local bufnr = vim.api.nvim_get_current_buf()
  local buffer = buffers[bufnr]
  return buffer ~= nil and draw.shown(bufnr) ~= nil and at_cursor(buffer) ~= nil
end

---@param suggestion slm_lsp.Suggestion
---@param bufnr integer
local function tell_accepted(suggestion, bufnr)
  local client = vim.lsp.get_client_by_id(suggestion.client_id)
  if client and suggestion.command then
    client:exec_cmd(suggestion.command, { bufnr = bufnr }, function() end)
  end
end

--- Inserts the suggestion or its next part; the rest stays on the screen.
---@param part slm_lsp.Part
function M.accept(part)
  local bufnr = vim.api.nvim_get_current_buf()
  local buffer = buffers[bufnr]
  local suggestion, rest = at_cursor(buffer)
  if not suggestion or not rest then
    return
  end
  local taken = text.first(rest, part)
  vim.bo[bufnr].undolevels = vim.bo[bufnr].undolevels -- one `u` takes back the suggestion alone
  place.insert(place.here(), taken)
  suggestion.text = rest:sub(#taken + 1)
  if suggestion.text == "" then
    drop(bufnr)
    tell_accepted(suggestion, bufnr)
  else
    buffer.ghost = { place = place.here(), suggestions = { suggestion }, index = 1 }
  end
  changed(bufnr)
end

--- Shows another suggestion, or asks for one.
---@param step integer 1 or -1
function M.turn(step)
  local bufnr = vim.api.nvim_get_current_buf()
  local buffer = buffers[bufnr]
  local ghost = buffer and buffer.ghost
  if ghost and #ghost.suggestions > 1 then
    local index, count = ghost.index, #ghost.suggestions
    repeat
      index = (index - 1 + step) % count + 1
      ghost.index = index
    until at_cursor(buffer)
    refresh(bufnr)
  elseif buffer then
    request.ask(bufnr, request.INVOKED, 0, function(here, suggestions)
      if buffers[bufnr] and #suggestions > 0 then
        buffer.dismissed = vim.tbl_filter(function(dismissed)
          return not place.same(dismissed, here) -- the user asks for it after all
        end, buffer.dismissed)
        buffer.ghost = { place = here, suggestions = suggestions, index = 1 }
        refresh(bufnr)
      end
    end)
  end
end

--- Hides the suggestion; the same is not offered at the same place again.
function M.dismiss()
  local bufnr = vim.api.nvim_get_current_buf()
  local buffer = buffers[bufnr]
  local suggestion, rest = at_cursor(buffer)
  if not suggestion or not rest then
    return
  end
  local here = place.here()
  table.insert(buffer.dismissed, vim.tbl_extend("error", here, { text = rest }))
  if #buffer.dismissed > REMEMBERED then
    table.remove(buffer.dismissed, 1)
  end
  request.tell_dismissed(bufnr, suggestion.client_id, rest)
  drop(bufnr)
end

--- Pausing and resuming take effect at once.
function M.paused()
  for bufnr in pairs(buffers) do
    if pause.of(bufnr) then
      drop(bufnr)
    end
    buffers[bufnr].asked = nil
  end
end

return M
