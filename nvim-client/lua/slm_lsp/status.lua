--- `:SlmStatus`: which model completes here, what became of the suggestions, and why nothing was shown.
---
--- Knows: the request `slmLsp/status`. Must not know: how the figures came about.

local clients = require("slm_lsp.client")
local pause = require("slm_lsp.pause")

local M = {}

--- What JSON's null became is nothing.
---@generic T
---@param value T
---@return T?
local function some(value)
  return value ~= vim.NIL and value or nil
end

---@param figures table<string, any>
---@return string
local function tally(figures)
  local parts = {} ---@type string[]
  for outcome, count in vim.spairs(figures.outcomes or {}) do
    parts[#parts + 1] = ("%d %s"):format(count, outcome)
  end
  local line = #parts > 0 and table.concat(parts, ", ") or "no request yet"
  if some(figures.p50_ms) then
    line = line .. ("; %.0f ms (half), %.0f ms (95 of 100)"):format(figures.p50_ms, figures.p95_ms)
  end
  return line
end

--- The server's answer as lines for a person.
---@param status table<string, any>
---@param paused slm_lsp.Scope?
---@return string[]
function M.lines(status, paused)
  local model = some(status.model)
  local lines = {
    "slm-lsp " .. status.version,
    "",
    "state:       " .. status.state .. (paused and (", paused (%s)"):format(paused) or ""),
    "model:       " .. (model and ("%s (%s)"):format(model.name, model.why) or "none yet"),
    "ghost text:  " .. tally(status.inline or {}),
    "accepted:    " .. status.accepted,
    "popup:       " .. tally(status.popup or {}),
  }
  for name, problem in vim.spairs(some(status.errors) or {}) do
    lines[#lines + 1] = ("problem:     %s: %s"):format(name, problem)
  end
  local why = some(status.why)
  if why then
    lines[#lines + 1] = ""
    lines[#lines + 1] = ("last asked:  line %d: %s"):format(why.line + 1, why.outcome)
    lines[#lines + 1] = "             " .. (some(why.reason) or ""):gsub("%s*\n%s*", " ")
  end
  return lines
end

--- Shows lines in a window of their own, which `q` and Escape close.
---@param lines string[]
local function show(lines)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, true, lines)
  vim.bo[bufnr].bufhidden, vim.bo[bufnr].modifiable, vim.bo[bufnr].filetype = "wipe", false, "slm-lsp-status"
  local width = 20
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  width = math.min(width, vim.o.columns - 4)
  local window = vim.api.nvim_open_win(bufnr, true, {
    relative = "editor",
    style = "minimal",
    border = "rounded",
    title = " slm-lsp ",
    width = width,
    height = math.min(#lines, vim.o.lines - 4),
    row = 1,
    col = math.max(0, vim.o.columns - width - 3),
  })
  vim.wo[window].wrap = true
  for _, key in ipairs({ "q", "<Esc>" }) do
    vim.keymap.set("n", key, "<Cmd>close<CR>", { buffer = bufnr, nowait = true })
  end
end

--- Asks the server and calls back with its answer; with nil where no server runs or it does not answer.
---@param answered fun(status: table<string, any>?)
function M.fetch(answered)
  local client = clients.any()
  if not client then
    return answered(nil)
  end
  client:request("slmLsp/status", vim.empty_dict(), function(err, result)
    answered(not err and some(result) or nil)
  end)
end

--- What `:SlmStatus` does.
function M.show()
  local paused = pause.of(vim.api.nvim_get_current_buf())
  M.fetch(function(status)
    if status then
      show(M.lines(status, paused))
    else
      vim.notify("slm-lsp does not run: open a Python file, or see :checkhealth slm_lsp", vim.log.levels.WARN)
    end
  end)
end

return M
