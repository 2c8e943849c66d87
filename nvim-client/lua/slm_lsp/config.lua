--- What a user can set on the editor's side, and its defaults.
---
--- Knows: the options. Must not know: what they switch. The server's settings (`slmLsp.*`) are not here: they
--- belong into `vim.lsp.config("slm_lsp", { settings = { slmLsp = { ... } } })`.

local M = {}

---@class slm_lsp.Keys
---@field accept string|false takes the whole suggestion
---@field accept_word string|false takes its next word
---@field accept_line string|false takes it up to the end of its line
---@field next string|false shows the next suggestion, or asks for one where none is shown
---@field previous string|false shows the previous one
---@field dismiss string|false hides the suggestion, and has it stay hidden at this place

---@class slm_lsp.Config
---@field enable boolean start the server for Python files without further ado
---@field debounce integer milliseconds of quiet before the server is asked
---@field popup boolean open Neovim's own popup while typing, unless nvim-cmp, blink.cmp or another does it
---@field beside_popup boolean show ghost text while the popup is open and nothing in it is selected
---@field keys slm_lsp.Keys keys of insert mode; false leaves one out
---@field builtin boolean use `vim.lsp.inline_completion` where Neovim has it (0.12 or later)

---@type slm_lsp.Config
local defaults = {
  enable = true,
  debounce = 50,
  popup = true,
  beside_popup = true,
  keys = {
    accept = "<Tab>",
    accept_word = "<M-Right>",
    accept_line = "<M-C-Right>",
    next = "<M-]>",
    previous = "<M-[>",
    dismiss = "<C-]>",
  },
  builtin = true,
}

---@type slm_lsp.Config?
local current

--- What is wrong with some options, as sentences for a person; empty when nothing is.
---@param given table<string, any>
---@param known table<string, any>
---@param where string
---@return string[]
local function problems_in(given, known, where)
  local found = {} ---@type string[]
  for key, value in pairs(given) do
    local default = known[key]
    local name = where .. tostring(key)
    local is_key = where ~= "" and (type(value) == "string" or value == false)
    if default == nil then
      found[#found + 1] = ("%s is not an option"):format(name)
    elseif type(default) == "table" and type(value) == "table" then
      vim.list_extend(found, problems_in(value, default, name .. "."))
    elseif type(value) ~= type(default) and not is_key then
      found[#found + 1] = ("%s must be a %s, not %s"):format(name, type(default), vim.inspect(value))
    end
  end
  table.sort(found)
  return found
end

--- Takes options over the defaults; bad ones are named and all of them left out.
---@param given table<string, any>?
---@return slm_lsp.Config
function M.set(given)
  local problems = problems_in(given or {}, defaults, "")
  if #problems > 0 then
    vim.notify("slm-lsp: " .. table.concat(problems, "; ") .. ". The defaults are used.", vim.log.levels.WARN)
    given = nil
  end
  current = vim.tbl_deep_extend("force", vim.deepcopy(defaults), given or {})
  return current
end

--- The options in force: those of `setup`, else of `vim.g.slm_lsp`, else the defaults.
---@return slm_lsp.Config
function M.get()
  return current or M.set(vim.g.slm_lsp)
end

return M
