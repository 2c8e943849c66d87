--- Where the cursor stands, and whether two places are the same to a person.
---
--- Knows: the cursor, lines of a buffer. Must not know: suggestions.

local M = {}

---@class slm_lsp.Place
---@field row integer from 0
---@field col integer bytes from 0
---@field before string the line up to the cursor
---@field after string the line from the cursor on
---@field above string the line above

--- The cursor's place in the current window, which shows the buffer.
---@return slm_lsp.Place
function M.here()
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.api.nvim_buf_get_lines(0, math.max(0, row - 2), row, true)
  local line = lines[#lines]
  return {
    row = row - 1,
    col = col,
    before = line:sub(1, col),
    after = line:sub(col + 1),
    above = row > 1 and lines[1] or "",
  }
end

--- What was typed between a place and a later one; nil when something else has happened.
---@param from slm_lsp.Place
---@param to slm_lsp.Place
---@return string?
function M.typed(from, to)
  local same = from.row == to.row and from.after == to.after and from.above == to.above
  if same and vim.startswith(to.before, from.before) then
    return to.before:sub(#from.before + 1)
  end
  return nil
end

--- Whether two places are the same to a person: the same text before the cursor and the same line above.
---@param one slm_lsp.Place
---@param other slm_lsp.Place
---@return boolean
function M.same(one, other)
  return one.before == other.before and one.above == other.above
end

--- Inserts a text at a place of the current buffer, and puts the cursor behind it.
---@param here slm_lsp.Place
---@param text string
function M.insert(here, text)
  local lines = vim.split(text, "\n", { plain = true })
  vim.api.nvim_buf_set_text(0, here.row, here.col, here.row, here.col, lines)
  local col = #lines[#lines] + (#lines == 1 and here.col or 0)
  vim.api.nvim_win_set_cursor(0, { here.row + #lines, col })
end

return M
