--- `:checkhealth slm_lsp`: what is there, what is missing, and what to do about it.
---
--- Knows: the outside of each part. Must not know: features.

local clients = require("slm_lsp.client")
local status = require("slm_lsp.status")

local M = {}

--- The first line that a command prints; nil when it cannot be run.
---@param command string[]
---@return string?
local function first_line(command)
  local ok, done = pcall(function()
    return vim.system(command, { text = true }):wait(10000)
  end)
  if not ok or done.code ~= 0 then
    return nil
  end
  return vim.split(vim.trim(done.stdout .. done.stderr), "\n")[1]
end

local function check_neovim()
  vim.health.start("Neovim")
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.11") == 0 then
    vim.health.error(version .. " is too old", { "install Neovim 0.11 or later" })
  elseif vim.lsp.inline_completion then
    vim.health.ok(version .. ": ghost text by vim.lsp.inline_completion")
  else
    vim.health.ok(version .. ": ghost text by this plugin")
  end
end

local function check_server()
  vim.health.start("Server")
  local command = clients.command()
  if not command then
    vim.health.warn("the configured command is a function: not checked")
    return
  end
  local path = vim.fn.exepath(command[1])
  if path == "" then
    vim.health.error(("`%s` is not on the PATH"):format(command[1]), {
      "pip install . in a clone (or pipx, or uv tool), and start Neovim where it is on the PATH",
      'or name it: vim.lsp.config("slm_lsp", { cmd = { "/path/to/slm-lsp" } })',
    })
    return
  end
  local version = first_line({ path, "--version" })
  if version then
    vim.health.ok(("%s: %s"):format(path, version))
  else
    vim.health.error(path .. " cannot be run", { "run `" .. path .. " --version` in a terminal to see why" })
  end
  if not vim.lsp.is_enabled(clients.NAME) then
    vim.health.warn("not enabled", { 'vim.lsp.enable("slm_lsp")' })
  end
end

local function check_python()
  vim.health.start("Python")
  for _, name in ipairs({ "python3", "python" }) do
    local version = first_line({ name, "--version" })
    if version then
      local supported = vim.version.ge(vim.version.parse(version) or { 0 }, { 3, 11 })
      local say = supported and vim.health.ok or vim.health.warn
      say(version .. (supported and "" or ": slm-lsp itself needs 3.11 or later; your code does not"))
      return
    end
  end
  vim.health.warn("no python3 on the PATH", { "slm-lsp itself needs Python 3.11 or later" })
end

local function check_session()
  vim.health.start("Session")
  local client = clients.any()
  if not client then
    vim.health.info("no server runs; it starts with the first Python file")
    return
  end
  local count = vim.tbl_count(client.attached_buffers)
  vim.health.ok(("serves %d buffer(s), root %s"):format(count, client.root_dir or "none"))
  local answer, finished = nil, false ---@type table<string, any>?, boolean
  status.fetch(function(result)
    answer, finished = result, true
  end)
  vim.wait(5000, function()
    return finished
  end, 20)
  if not answer then
    vim.health.error("the server does not answer", { ":SlmRestart, and see " .. vim.lsp.log.get_filename() })
    return
  end
  local model = answer.model ~= vim.NIL and answer.model or nil
  if model then
    vim.health.ok(("model %s: %s"):format(model.name, model.why))
  else
    vim.health.warn("no model yet: " .. answer.state)
  end
  for name, problem in vim.spairs(answer.errors or {}) do
    vim.health.error(("model %s: %s"):format(name, problem))
  end
end

--- Called by `:checkhealth slm_lsp`.
function M.check()
  check_neovim()
  check_server()
  check_python()
  check_session()
end

return M
