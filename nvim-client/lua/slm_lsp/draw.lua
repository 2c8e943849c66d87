--- Ghost text on the screen: one extmark a buffer, the first line inline, the others below it.
---
--- Knows: extmarks and highlights. Must not know: where a suggestion comes from.

local text = require("slm_lsp.text")

local M = {}

local GROUP = "SlmLspGhost"
local namespace = vim.api.nvim_create_namespace("slm_lsp.ghost")

--- A gray that can be read on a dark and on a light background; NonText is too dark in Neovim's own color scheme, and
--- looks like text in terminals of 16 colors.
local function define_highlight()
  vim.api.nvim_set_hl(0, GROUP, { default = true, fg = "#808080", ctermfg = 8, italic = true })
end

--- Defines the highlight now and whenever the color scheme changes.
---@param group integer autocommand group
function M.setup(group)
  define_highlight()
  vim.api.nvim_create_autocmd("ColorScheme", { group = group, callback = define_highlight })
end

--- Draws a text at a place, instead of what was drawn in the buffer before.
---@param bufnr integer
---@param row integer from 0
---@param col integer bytes from 0
---@param shown string
function M.show(bufnr, row, col, shown)
  local lines = text.drawable(shown, vim.bo[bufnr].tabstop)
  local below = {} ---@type [string, string][][]
  for number = 2, #lines do
    below[#below + 1] = { { lines[number], GROUP } }
  end
  vim.api.nvim_buf_set_extmark(bufnr, namespace, row, col, {
    id = 1,
    virt_text = { { lines[1], GROUP } },
    virt_text_pos = "inline",
    virt_lines = below,
    hl_mode = "combine",
    undo_restore = false,
  })
end

--- Removes what is drawn in the buffer.
---@param bufnr integer
function M.clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  end
end

--- What is drawn in the buffer, as text; nil where nothing is.
---@param bufnr integer
---@return string?
function M.shown(bufnr)
  local mark = vim.api.nvim_buf_get_extmark_by_id(bufnr, namespace, 1, { details = true })
  local details = mark[3]
  if not details then
    return nil
  end
  local lines = { details.virt_text[1][1] }
  for _, line in ipairs(details.virt_lines or {}) do
    lines[#lines + 1] = line[1][1]
  end
  return table.concat(lines, "\n")
end

return M
