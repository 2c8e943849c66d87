--- Runs at Neovim's start: commands, and the server for Python files unless the user says otherwise.

if vim.g.loaded_slm_lsp then
  return
end
vim.g.loaded_slm_lsp = true

if vim.fn.has("nvim-0.11") == 0 then
  vim.notify_once("slm-lsp needs Neovim 0.11 or later", vim.log.levels.WARN)
  return
end

local command = vim.api.nvim_create_user_command

command("SlmStatus", function()
  require("slm_lsp.status").show()
end, { desc = "slm-lsp: model in use, figures, and why nothing was shown" })

command("SlmRestart", function()
  require("slm_lsp.restart").now()
end, { desc = "slm-lsp: start the server anew" })

command("SlmTrain", function(called)
  require("slm_lsp.train").run(called.fargs)
end, { nargs = "*", complete = "dir", desc = "slm-lsp: train a model on this project" })

for name, action in pairs({ SlmPause = "pause", SlmResume = "resume" }) do
  command(name, function(called)
    local scope = called.args == "" and "buffer" or called.args
    if scope ~= "buffer" and scope ~= "all" then
      vim.notify((":%s takes `buffer` or `all`, not `%s`"):format(name, scope), vim.log.levels.ERROR)
      return
    end
    require("slm_lsp")[action](scope)
  end, {
    nargs = "?",
    complete = function()
      return { "buffer", "all" }
    end,
    desc = ("slm-lsp: %s ghost text in this buffer, or in all"):format(action),
  })
end

local group = vim.api.nvim_create_augroup("slm_lsp", {})

require("slm_lsp.draw").setup(group)

vim.api.nvim_create_autocmd("LspAttach", {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == "slm_lsp" then
      require("slm_lsp").attached(client, event.buf)
    end
    require("slm_lsp.neighbor").look()
  end,
})

vim.api.nvim_create_autocmd("LspDetach", {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == "slm_lsp" then
      require("slm_lsp").detached(event.buf)
    end
    require("slm_lsp.neighbor").look()
  end,
})

vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = "python",
  callback = function()
    local name = (require("slm_lsp.client").command() or {})[1]
    if name and vim.lsp.is_enabled("slm_lsp") and vim.fn.executable(name) == 0 then
      local message = "slm-lsp: `%s` is not on the PATH. `pip install .` in a clone; see :checkhealth slm_lsp"
      vim.notify_once(message:format(name), vim.log.levels.WARN)
    end
  end,
})

if require("slm_lsp.config").get().enable then
  vim.lsp.enable("slm_lsp")
end
