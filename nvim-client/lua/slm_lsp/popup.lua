--- The completion popup beside the ghost text: Neovim's own, nvim-cmp's or blink.cmp's.
---
--- Knows: who shows a popup and whether something in it is selected. Must not know: suggestions.

local M = {}

--- Completion plugins that bring a popup of their own.
local OTHERS = { "cmp", "blink.cmp", "mini.completion", "coq" }

---@return boolean visible, boolean selected
local function state()
  if vim.fn.pumvisible() == 1 then
    return true, vim.fn.complete_info({ "selected" }).selected >= 0
  end
  local cmp = package.loaded["cmp"]
  if type(cmp) == "table" and cmp.visible and cmp.visible() then
    return true, cmp.get_selected_entry() ~= nil
  end
  local blink = package.loaded["blink.cmp"]
  if type(blink) == "table" and blink.is_menu_visible and blink.is_menu_visible() then
    return true, blink.get_selected_item() ~= nil
  end
  return false, false
end

--- Whether the popup has the floor: an item is selected, or it is open and ghost text is unwanted beside it.
---@param beside boolean
---@return boolean
function M.has_the_floor(beside)
  local visible, selected = state()
  return visible and (selected or not beside)
end

--- Whether another plugin opens the popup.
---@return boolean
local function is_taken()
  for _, name in ipairs(OTHERS) do
    if package.loaded[name] then
      return true
    end
  end
  return false
end

---@param client_id integer
---@param bufnr integer
local function enable(client_id, bufnr)
  vim.lsp.completion.enable(true, client_id, bufnr, { autotrigger = true })
  -- Without these, the popup writes its first item into the text by itself.
  local current = vim.bo[bufnr].completeopt ~= "" and vim.bo[bufnr].completeopt or vim.o.completeopt
  local options = vim.split(current, ",", { trimempty = true })
  if not vim.list_contains(options, "noselect") and not vim.list_contains(options, "noinsert") then
    vim.bo[bufnr].completeopt = table.concat(vim.list_extend(options, { "menuone", "noselect" }), ",")
  end
end

--- Has Neovim's own popup open while the user types in the buffer, unless another plugin does that. Decided when
--- insert mode is first entered: many load their completion plugin no sooner.
---@param group integer autocommand group
---@param client_id integer
---@param bufnr integer
function M.enable(group, client_id, bufnr)
  local decide = vim.schedule_wrap(function()
    local client = vim.lsp.get_client_by_id(client_id)
    if client and not client:is_stopped() and vim.api.nvim_buf_is_loaded(bufnr) and not is_taken() then
      enable(client_id, bufnr)
    end
  end)
  if vim.api.nvim_get_current_buf() == bufnr and vim.startswith(vim.api.nvim_get_mode().mode, "i") then
    decide()
  else
    vim.api.nvim_create_autocmd(
      "InsertEnter",
      { group = group, buffer = bufnr, once = true, callback = decide }
    )
  end
end

local hears_cmp = false

--- nvim-cmp tells of its menu by callbacks that cannot be taken back: set once, they tell everyone who watches.
local function hear_cmp()
  local cmp = package.loaded["cmp"]
  if hears_cmp or type(cmp) ~= "table" or not cmp.event then
    return
  end
  hears_cmp = true
  for _, name in ipairs({ "menu_opened", "menu_closed" }) do
    cmp.event:on(name, function()
      vim.api.nvim_exec_autocmds("User", { pattern = "SlmLspCmpMenu", modeline = false })
    end)
  end
end

--- Calls back when a popup opens, closes or has another item selected.
---@param group integer autocommand group
---@param bufnr integer
---@param changed fun()
function M.watch(group, bufnr, changed)
  local soon = vim.schedule_wrap(changed)
  local function on(events, options)
    options.group, options.callback = group, options.callback or soon
    vim.api.nvim_create_autocmd(events, options)
  end
  on({ "CompleteChanged", "CompleteDone" }, { buffer = bufnr })
  on("User", { pattern = { "BlinkCmpMenuOpen", "BlinkCmpMenuClose", "BlinkCmpListSelect", "SlmLspCmpMenu" } })
  on("InsertEnter", { buffer = bufnr, callback = vim.schedule_wrap(hear_cmp) })
end

return M
