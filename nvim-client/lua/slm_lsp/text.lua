--- Text alone: what is left of a suggestion, and what its next word or line is.
---
--- Knows: strings. Must not know: buffers, windows, the server.

local M = {}

---@alias slm_lsp.Part "all"|"word"|"line"

local WORD = "^%s*[%w_\128-\255]+"
local SIGNS = "^%s*[^%w_%s\128-\255]+"

--- What is still to be typed of a suggestion; nil when what was typed is something else.
---@param suggestion string
---@param typed string
---@return string?
function M.rest(suggestion, typed)
  if suggestion:sub(1, #typed) == typed then
    return suggestion:sub(#typed + 1)
  end
  return nil
end

--- The beginning of a text that one key takes: all of it, a word (or a run of signs) with the space before
--- it, or a line. A text that begins with a line break gives the line after it too.
---@param text string
---@param part slm_lsp.Part
---@return string
function M.first(text, part)
  if part == "word" then
    return text:match(WORD) or text:match(SIGNS) or text
  elseif part == "line" then
    return text:match("^\n*[^\n]+") or text
  end
  return text
end

--- The text as lines that can be drawn: tabs become spaces.
---@param text string
---@param tabstop integer
---@return string[]
function M.drawable(text, tabstop)
  local plain = text:gsub("\r", ""):gsub("\t", (" "):rep(tabstop))
  return vim.split(plain, "\n", { plain = true })
end

return M
