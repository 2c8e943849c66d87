--- slm-lsp in Neovim: what a user's configuration calls, and what happens when the server attaches to a buffer.
---
--- Knows: which part does what. Must not know: how.

local config = require("slm_lsp.config")
local pause = require("slm_lsp.pause")

local M = {}

---@class slm_lsp.Backend
---@field asks boolean whether `turn` asks for a suggestion where none is shown
---@field attach fun(bufnr: integer, group: integer)
---@field detach fun(bufnr: integer)
---@field visible fun(): boolean
---@field accept fun(part: slm_lsp.Part)
---@field turn fun(step: integer)
---@field dismiss fun()
---@field paused fun()

--- Who shows ghost text: Neovim itself where it can (0.12 or later), else we.
---@return slm_lsp.Backend
local function backend()
  local builtin = config.get().builtin and vim.lsp.inline_completion ~= nil
  return require(builtin and "slm_lsp.native" or "slm_lsp.ghost")
end

--- Sets options; those left out keep their defaults. Without it, `vim.g.slm_lsp` is read.
---@param options table<string, any>?
function M.setup(options)
  config.set(options)
  vim.lsp.enable("slm_lsp", config.get().enable)
end

--- Whether ghost text is on the screen at the cursor.
---@return boolean
function M.visible()
  return backend().visible()
end

---@param part slm_lsp.Part
---@return boolean
local function accept(part)
  local visible = M.visible()
  if visible then
    backend().accept(part)
  end
  return visible
end

--- Takes the whole suggestion; false where there is none. Not for `expr` mappings, which must not change text.
---@return boolean
function M.accept()
  return accept("all")
end

--- Takes the next word of the suggestion; false where there is none.
---@return boolean
function M.accept_word()
  return accept("word")
end

--- Takes the suggestion up to the end of its line; false where there is none.
---@return boolean
function M.accept_line()
  return accept("line")
end

--- Shows the next suggestion, or asks for one where none is shown.
function M.next()
  backend().turn(1)
end

--- Shows the previous suggestion, or asks for one where none is shown.
function M.previous()
  backend().turn(-1)
end

--- Hides the suggestion, which is not offered at this place again; false where there is none.
---@return boolean
function M.dismiss()
  local visible = M.visible()
  if visible then
    backend().dismiss()
  end
  return visible
end

--- No ghost text any more, in this buffer or in all of them.
---@param scope slm_lsp.Scope?
function M.pause(scope)
  pause.set(true, scope or "buffer")
  backend().paused()
end

--- Ghost text again, in this buffer or in all of them.
---@param scope slm_lsp.Scope?
function M.resume(scope)
  pause.set(false, scope or "buffer")
  backend().paused()
end

---@param bufnr integer
local function map_keys(bufnr)
  local keys, map = config.get().keys, require("slm_lsp.keys").map
  local function turns()
    return backend().asks or M.visible()
  end
  local actions = {
    accept = { applies = M.visible, run = M.accept },
    accept_word = { applies = M.visible, run = M.accept_word },
    accept_line = { applies = M.visible, run = M.accept_line },
    dismiss = { applies = M.visible, run = M.dismiss },
    next = { applies = turns, run = M.next },
    previous = { applies = turns, run = M.previous },
  }
  for name, action in pairs(actions) do
    if keys[name] then
      map(bufnr, keys[name], action, name)
    end
  end
end

--- What happens once a server serves a buffer.
---@param client vim.lsp.Client
---@param bufnr integer
function M.attached(client, bufnr)
  local group = vim.api.nvim_create_augroup("slm_lsp.buffer." .. bufnr, {})
  backend().attach(bufnr, group)
  map_keys(bufnr)
  if config.get().popup then
    require("slm_lsp.popup").enable(group, client.id, bufnr)
  end
end

--- What happens once no server serves a buffer.
---@param bufnr integer
function M.detached(bufnr)
  pcall(vim.api.nvim_del_augroup_by_name, "slm_lsp.buffer." .. bufnr)
  backend().detach(bufnr)
  require("slm_lsp.keys").unmap(bufnr)
end

return M
