-- Neovim with nothing but its own client: what it shows of a file, and what is left of the file once all was fixed.
local root, python = arg[1], arg[2]
vim.opt.swapfile = false
vim.cmd("silent edit " .. root .. "/a.py")
local server = vim.lsp.start({ name = "typeinfer", cmd = { python, "-m", "typeinfer", "lsp" }, root_dir = root })
vim.lsp.inlay_hint.enable(true, { bufnr = 0 })
local function shown() return vim.lsp.inlay_hint.get({ bufnr = 0 }) end
assert(vim.wait(30000, function() return #shown() > 0 end, 50), "no hint came")
for _, hint in ipairs(shown()) do
  local place = hint.inlay_hint.position
  io.write("hint ", place.line, ":", place.character, hint.inlay_hint.label, "\n")
end
assert(vim.wait(30000, function() return #vim.diagnostic.get(0) > 0 end, 50), "no remark came")
for _, remark in ipairs(vim.diagnostic.get(0)) do io.write("remark ", remark.message, "\n") end
local place = { textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = 0, character = 7 } }
local said = vim.lsp.buf_request_sync(0, "textDocument/hover", place, 10000)[server].result
io.write("hover ", vim.split(said.contents.value, "\n")[1], "\n")
vim.lsp.buf.code_action({ apply = true, context = { only = { "source.fixAll.typeinfer" }, diagnostics = {} } })
assert(vim.wait(30000, function() return vim.bo.modified end, 50), "nothing was fixed")
vim.cmd("silent write")
