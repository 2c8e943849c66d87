--- Asks the server for suggestions: after a moment of quiet, one request at a time, the last one cancelled.
---
--- Knows: `textDocument/inlineCompletion` and its ranges. Must not know: what is done with a suggestion.

local clients = require("slm_lsp.client")
local place = require("slm_lsp.place")
local text = require("slm_lsp.text")

local M = {}

local METHOD = "textDocument/inlineCompletion"

--- Why the server is asked (LSP's InlineCompletionTriggerKind).
M.INVOKED, M.AUTOMATIC = 1, 2

---@class slm_lsp.Suggestion
---@field client_id integer
---@field text string what to insert at the cursor
---@field command lsp.Command? to run once all of it is taken

---@class slm_lsp.Asking
---@field timer uv.uv_timer_t?
---@field client vim.lsp.Client?
---@field id integer?

---@type table<integer, slm_lsp.Asking>
local asking = {}

--- The item as text to insert at the cursor; nil where it replaces something else than what stands there.
---@param item lsp.InlineCompletionItem
---@param here slm_lsp.Place
---@param client vim.lsp.Client
---@return slm_lsp.Suggestion?
local function suggestion_of(item, here, client)
  local inserted = item.insertText
  if type(inserted) ~= "string" then
    return nil
  end
  local start, stop = here.col, here.col
  if item.range then
    if item.range.start.line ~= here.row or item.range["end"].line ~= here.row then
      return nil
    end
    local line, encoding = here.before .. here.after, client.offset_encoding
    start = vim.str_byteindex(line, encoding, item.range.start.character, false)
    stop = vim.str_byteindex(line, encoding, item.range["end"].character, false)
  end
  if start > here.col or stop < here.col then
    return nil
  end
  local rest = text.rest(inserted, here.before:sub(start + 1))
  local replaced = here.after:sub(1, stop - here.col)
  if not rest or not vim.endswith(rest, replaced) or #rest == #replaced then
    return nil
  end
  return { client_id = client.id, text = rest:sub(1, #rest - #replaced), command = item.command }
end

---@param bufnr integer
---@param job slm_lsp.Asking
---@param kind integer
---@param answered fun(here: slm_lsp.Place, suggestions: slm_lsp.Suggestion[])
local function send(bufnr, job, kind, answered)
  local client = clients.of(bufnr)
  if asking[bufnr] ~= job or not client or vim.api.nvim_get_current_buf() ~= bufnr then
    return
  end
  local here = place.here()
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as lsp.InlineCompletionParams]]
  params.context = { triggerKind = kind }
  local _, id = client:request(METHOD, params, function(err, result)
    if asking[bufnr] ~= job then
      return
    end
    asking[bufnr] = nil
    if err then
      return -- the client writes it to its log; a message at each key would be worse
    end
    local found = {} ---@type slm_lsp.Suggestion[]
    for _, item in ipairs(result and (result.items or result) or {}) do
      found[#found + 1] = suggestion_of(item, here, client)
    end
    answered(here, found)
  end, bufnr)
  job.client, job.id = client, id
end

--- Forgets what the server was asked for this buffer, and tells it so.
---@param bufnr integer
function M.cancel(bufnr)
  local job = asking[bufnr]
  asking[bufnr] = nil
  if job and job.timer and not job.timer:is_closing() then
    job.timer:stop()
    job.timer:close()
  end
  if job and job.id and job.client and not job.client:is_stopped() then
    job.client:cancel_request(job.id)
  end
end

--- Asks for suggestions at the cursor, which the buffer's window holds; `answered` is not called when another
--- question came first, or the server failed.
---@param bufnr integer
---@param kind integer INVOKED or AUTOMATIC
---@param delay integer milliseconds to wait for another key
---@param answered fun(here: slm_lsp.Place, suggestions: slm_lsp.Suggestion[])
function M.ask(bufnr, kind, delay, answered)
  M.cancel(bufnr)
  local job = {} ---@type slm_lsp.Asking
  asking[bufnr] = job
  if delay == 0 then
    send(bufnr, job, kind, answered)
  else
    job.timer = vim.defer_fn(function()
      send(bufnr, job, kind, answered)
    end, delay)
  end
end

--- Tells the server that the user does not want this text at the cursor.
---@param bufnr integer
---@param client_id integer
---@param dismissed string
function M.tell_dismissed(bufnr, client_id, dismissed)
  local client = vim.lsp.get_client_by_id(client_id)
  if client and vim.api.nvim_get_current_buf() == bufnr then
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    client:notify("slmLsp/dismissed", vim.tbl_extend("force", params, { text = dismissed }))
  end
end

return M
