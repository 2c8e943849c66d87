--- How to start the server: read by `vim.lsp.config` and `vim.lsp.enable` (Neovim 0.11 or later).
---
--- Change any of it with `vim.lsp.config("slm_lsp", { ... })`; settings go below `settings.slmLsp`.

---@type vim.lsp.Config
return {
  cmd = { "slm-lsp" },
  filetypes = { "python" },
  root_markers = { "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", ".git" },
  -- Neovim 0.11 does not say so by itself; from 0.12 it does.
  capabilities = { textDocument = { inlineCompletion = { dynamicRegistration = false } } },
  -- The server reads its first settings here, before the model is chosen.
  before_init = function(params, config)
    params.initializationOptions = config.settings
  end,
  on_exit = function(code, signal, client_id)
    require("slm_lsp.restart").exited(code, signal, client_id)
  end,
}
