--- `:SlmTrain`: trains a model on the project in a terminal below.
---
--- Knows: the command line. Must not know: what training does. The server takes the model up by itself.

local clients = require("slm_lsp.client")

local M = {}

--- The command that trains on a project.
---@param arguments string[] more of the command line; a folder among them replaces the project's
---@return string[]? command, string? problem
function M.command(arguments)
  local cmd = clients.command()
  if not cmd then
    return nil, "the command of the server is not a plain one; train in a terminal: slm-lsp train FOLDER"
  end
  local client = clients.of(0)
  local folder = client and client.root_dir or vim.fs.root(0, { "pyproject.toml", ".git" }) or vim.fn.getcwd()
  for _, argument in ipairs(arguments) do
    local path = vim.fs.normalize(argument)
    if vim.fn.isdirectory(path) == 1 then
      folder = path
    end
  end
  local options = vim.tbl_filter(function(argument)
    return vim.fn.isdirectory(vim.fs.normalize(argument)) == 0
  end, arguments)
  return vim.list_extend({ cmd[1], "train", folder }, options)
end

--- What `:SlmTrain` does.
---@param arguments string[]
function M.run(arguments)
  local command, problem = M.command(arguments)
  if not command then
    vim.notify("slm-lsp: " .. problem, vim.log.levels.ERROR)
    return
  end
  vim.cmd("botright 15new")
  vim.fn.jobstart(command, { term = true })
  vim.cmd("normal! G")
end

return M
