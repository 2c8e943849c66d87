--- A stand-in for `vim.lsp.inline_completion`, for a Neovim 0.11 to play 0.12: what its help promises of `enable`,
--- `get` and `select`. As in 0.12.0, what was typed since the question is drawn over but not minded when accepting.

local M = {}

local METHOD = "textDocument/inlineCompletion"
local DEBOUNCE = 200
local space = vim.api.nvim_create_namespace("nvim.lsp.inline_completion")
local states = {} ---@type table<integer, table>

local function hide(bufnr)
  vim.api.nvim_buf_clear_namespace(bufnr, space, 0, -1)
end

local function show(bufnr)
  hide(bufnr)
  local item = states[bufnr].current
  if not item then
    return
  end
  local row, col = item.range.start.row, item.range.start.col
  local typed = vim.api.nvim_win_get_cursor(0)[2] - col
  local lines = vim.split(item.insert_text:sub(typed + 1), "\n", { plain = true })
  local below = vim.tbl_map(function(line)
    return { { line, "ComplHint" } }
  end, vim.list_slice(lines, 2))
  vim.api.nvim_buf_set_extmark(bufnr, space, row, col + typed, {
    virt_text = { { lines[1], "ComplHint" } },
    virt_lines = below,
    virt_text_pos = "inline",
  })
end

local function choose(bufnr, index)
  local state = states[bufnr]
  local raw = state.items[index]
  state.index, state.current = index, nil
  if raw then
    local at = raw.range.start
    local line = vim.api.nvim_buf_get_lines(bufnr, at.line, at.line + 1, false)[1]
    local encoding = vim.lsp.get_client_by_id(state.client_id).offset_encoding
    local place = { row = at.line, col = vim.str_byteindex(line, encoding, at.character, false) }
    state.current = {
      client_id = state.client_id,
      insert_text = raw.insertText,
      range = { start = place, end_ = place },
      command = raw.command,
    }
  end
  show(bufnr)
end

local function ask(bufnr)
  local state = states[bufnr]
  local client = vim.lsp.get_clients({ bufnr = bufnr, method = METHOD })[1]
  if not state or not client or not vim.startswith(vim.api.nvim_get_mode().mode, "i") then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = 2 }
  client:request(METHOD, params, function(_, result)
    if states[bufnr] and vim.startswith(vim.api.nvim_get_mode().mode, "i") then
      state.client_id, state.items = client.id, result and result.items or {}
      choose(bufnr, 1)
    end
  end, bufnr)
end

local function stop(bufnr)
  local state = states[bufnr]
  if state.timer then
    state.timer:stop()
  end
  state.current = nil
  hide(bufnr)
end

function M.enable(enable, filter)
  local bufnr = filter.bufnr
  local group = vim.api.nvim_create_augroup("stand-in." .. bufnr, {})
  if states[bufnr] then
    stop(bufnr)
  end
  states[bufnr] = enable and { items = {} } or nil
  if not enable then
    return
  end
  vim.api.nvim_create_autocmd({ "InsertEnter", "CursorMovedI", "TextChangedP" }, {
    group = group,
    buffer = bufnr,
    callback = function()
      show(bufnr)
      if states[bufnr].timer then
        states[bufnr].timer:stop()
      end
      states[bufnr].timer = vim.defer_fn(function()
        ask(bufnr)
      end, DEBOUNCE)
    end,
  })
  vim.api.nvim_create_autocmd("InsertLeave", {
    group = group,
    buffer = bufnr,
    callback = function()
      stop(bufnr)
    end,
  })
end

function M.get(options)
  local bufnr = vim.api.nvim_get_current_buf()
  local item = states[bufnr] and states[bufnr].current
  if not item then
    return false
  end
  vim.schedule(function()
    stop(bufnr)
    options.on_accept(item)
  end)
  return true
end

function M.select(options)
  local bufnr = vim.api.nvim_get_current_buf()
  local state = states[bufnr]
  if state and state.current then
    choose(bufnr, (state.index - 1 + options.count) % #state.items + 1)
  end
end

return M
