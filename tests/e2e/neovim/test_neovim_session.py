"""A session of a real Neovim: a server that dies, a model that comes, other files, commands and help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from doubles import tiny_checkpoint
from e2e.neovim.driver import PLUGIN, Neovim, until
from e2e.neovim.program import ADD, Spot, write
from slm_lsp.model.library import ModelLibrary

Start = Callable[..., Neovim]


def ghost_is_taken(neovim: Neovim) -> None:
    """Ghost text comes, and Tab puts exactly it on the disk."""
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    assert ghost == ADD.ghost
    neovim.keys("<Tab>")
    assert neovim.saved() == text.rstrip("\n") + ghost + "\n"


def test_a_killed_server_is_started_again_and_the_text_is_whole(start: Start) -> None:
    neovim = start()
    text = write(neovim, ADD)
    neovim.wait_for_ghost()
    dead = neovim.kill_server()
    neovim.type("ids")
    until(lambda: [pid for pid in neovim.servers() if pid != dead], "another server")
    neovim.wait("vim.lsp.get_clients({ name = 'slm_lsp', bufnr = 0 })[1] ~= nil")
    neovim.type("=")
    ghost = neovim.wait_for_ghost()
    neovim.keys("<Tab>")
    assert "ids=" + ghost == ADD.ghost
    assert neovim.saved() == text.rstrip("\n") + ADD.ghost + "\n"


def test_a_server_that_always_dies_is_given_up_with_a_word(start: Start) -> None:
    neovim = start('vim.lsp.config("slm_lsp", { cmd = { "false" } })\nrequire("slm_lsp.restart").limits.first = 10')
    neovim.command(f"edit {neovim.folder / 'a.py'}")
    until(lambda: "is not started again" in neovim.messages(), "the last word", neovim.messages)
    assert neovim.servers() == []


def test_a_newly_trained_model_is_taken_up_without_a_restart(start: Start, desk: Path, project: Path) -> None:
    library = ModelLibrary(desk / "home")
    neovim = start()
    ghost_is_taken(neovim)
    [server] = neovim.servers()
    assert neovim.status()["model"]["name"] == "base"
    folder = library.folder_for(project, "adapt")
    folder.parent.mkdir(parents=True, exist_ok=True)
    library.use(project, tiny_checkpoint(folder).name)

    def taken_up() -> bool:
        ghost_is_taken(neovim)
        return str(neovim.status()["model"]["name"]) == folder.name

    try:
        until(taken_up, "the new model")
        assert neovim.servers() == [server]
    finally:
        library.clean()


def test_unsaved_text_of_another_file_shows_up(start: Start) -> None:
    # The shipped base model: the tiny one copies nothing.
    neovim = start('vim.lsp.config("slm_lsp", { settings = { slmLsp = { suggest = "eager" } },'
                   " cmd_env = { SLM_LSP_BASE = '' } })")  # fmt: skip
    line = "harbor_ledger = reconcile_moorings(quay=17, tide=spring_tide)"
    neovim.open("other.py", "")
    neovim.keys("i")
    neovim.type(f"{line}\n{line}\n")
    neovim.keys("<Esc>")
    neovim.command("set hidden")
    neovim.open("here.py", "")
    neovim.keys("i")
    neovim.type("harbor_ledger = reconcile_moorings(")

    def shown() -> str | None:
        """The server reads other files in the background: ask again until it has."""
        if neovim.stays_silent():
            neovim.type("\b(")
        return neovim.ghost()

    ghost = until(shown, "ghost text")
    assert ghost
    neovim.keys("<Tab>")
    assert ghost.startswith("quay=17")
    assert neovim.saved() == f"harbor_ledger = reconcile_moorings({ghost}\n"
    assert (neovim.folder / "other.py").read_text() == ""


def test_status_says_which_model_completes_and_what_became_of_it(start: Start) -> None:
    neovim = start()
    ghost_is_taken(neovim)
    neovim.command("SlmStatus")
    neovim.wait("vim.bo.filetype == 'slm-lsp-status'")
    shown = neovim.text()
    assert "model:       base (no trained model is in use here)" in shown
    assert "accepted:    1" in shown
    neovim.keys("q")
    assert neovim.lua("return vim.bo.filetype") == "python"


def test_status_says_why_nothing_was_shown(start: Start) -> None:
    neovim = start()
    write(neovim, Spot(ADD.before, "        # a remark", ""))
    until(lambda: (neovim.status().get("why") or {}).get("outcome") == "comment", "the answer")
    neovim.keys("<Esc>")
    neovim.command("SlmStatus")
    neovim.wait("vim.bo.filetype == 'slm-lsp-status'")
    assert f"last asked:  line {ADD.before.count(chr(10)) + 1}: comment" in neovim.text()


def test_the_health_check_finds_nothing_wrong(start: Start) -> None:
    neovim = start()
    ghost_is_taken(neovim)
    neovim.command("checkhealth slm_lsp")
    report = neovim.text()
    assert "slm-lsp 0." in report and "model base" in report and "serves 1 buffer(s)" in report
    assert "ERROR" not in report and "WARNING" not in report


def test_the_health_check_names_a_missing_server(start: Start) -> None:
    neovim = start('vim.lsp.config("slm_lsp", { cmd = { "no-such-slm-lsp" } })')
    neovim.command(f"edit {neovim.folder / 'a.py'}")
    assert "`no-such-slm-lsp` is not on the PATH" in neovim.messages()
    neovim.command("checkhealth slm_lsp")
    assert "`no-such-slm-lsp` is not on the PATH" in neovim.text()


def test_training_runs_in_a_terminal_on_the_project(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "called"
    server = tmp_path / "slm-lsp"
    server.write_text(f'#!/bin/sh\n[ "$1" = train ] && echo "$@" > {log}\n')
    server.chmod(0o755)
    neovim = start(f'vim.lsp.config("slm_lsp", {{ cmd = {{ "{server}" }} }})')
    neovim.command(f"edit {neovim.folder / 'a.py'}")
    neovim.command("SlmTrain --phase 3")
    until(lambda: log.exists() and log.read_text(), "the training's start")
    assert log.read_text() == f"train {neovim.folder} --phase 3\n"


def test_bad_options_are_named_and_the_defaults_used(start: Start) -> None:
    neovim = start('vim.g.slm_lsp = { debounce = "soon", nonsense = 1, keys = { dance = "<C-d>" } }')
    messages = neovim.messages()
    for name in ("debounce must be a number", "nonsense is not an option", "keys.dance is not an option"):
        assert name in messages
    ghost_is_taken(neovim)


def test_it_can_be_set_up_by_hand_and_disabled(start: Start) -> None:
    neovim = start("vim.g.slm_lsp = { enable = false }")
    neovim.command(f"edit {neovim.folder / 'a.py'}")
    assert neovim.lua("return vim.lsp.is_enabled('slm_lsp')") is False
    neovim.lua("require('slm_lsp').setup({ debounce = 10 })")
    ghost_is_taken(neovim)


def test_as_a_package_it_needs_no_configuration(start: Start, desk: Path) -> None:
    packages = desk / "data" / "nvim" / "site" / "pack" / "slm-lsp" / "start"
    packages.mkdir(parents=True)
    (packages / "slm-lsp").symlink_to(PLUGIN)
    neovim = start(None)
    ghost_is_taken(neovim)
    assert "Error" not in neovim.messages()


def test_the_help_has_tags_and_names_every_command_and_option(start: Start, tmp_path: Path) -> None:
    neovim = start()
    folder = tmp_path / "doc"
    folder.mkdir()
    page = folder / "slm-lsp.txt"
    page.write_text((PLUGIN / "doc" / "slm-lsp.txt").read_text())
    neovim.command(f"helptags {folder}")
    tags = {line.split("\t")[0] for line in (folder / "tags").read_text().splitlines()}
    commands = neovim.lua("return vim.tbl_keys(vim.api.nvim_get_commands({}))")
    assert {f":{name}" for name in commands if name.startswith("Slm")} <= tags
    options = neovim.lua("return vim.tbl_keys(require('slm_lsp.config').get())")
    assert {f"slm-lsp-{name}" for name in options} <= tags
    assert max(len(line) for line in page.read_text().splitlines()) <= 80


def test_the_plugin_makes_no_globals(start: Start) -> None:
    neovim = start("_G.before = vim.tbl_keys(_G)")
    ghost_is_taken(neovim)
    neovim.command("checkhealth slm_lsp")
    neovim.command("SlmStatus")
    neovim.wait("vim.bo.filetype == 'slm-lsp-status'")
    made = neovim.lua(
        "return vim.tbl_filter(function(name) return not vim.list_contains(_G.before, name) end, vim.tbl_keys(_G))"
    )
    assert set(made) <= {"before"}
