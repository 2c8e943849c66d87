"""Settings: `initializationOptions` and `workspace/didChangeConfiguration`.

Knows: when a client sends settings. Must not know: what they mean.
"""

from __future__ import annotations

from lsprotocol import types

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.settings import Settings, parse_settings


def initialize(ls: SlmLspServer, params: types.InitializeParams) -> None:
    """Take the settings that come with `initialize`; they are what later ones fall back to."""
    ls.initial_settings = ls.settings = _parse(ls, params.initialization_options, Settings())


def did_change_configuration(ls: SlmLspServer, params: types.DidChangeConfigurationParams) -> None:
    """Take new settings, without a restart."""
    ls.settings = _parse(ls, params.settings, ls.initial_settings)


def _parse(ls: SlmLspServer, raw: object, base: Settings) -> Settings:
    settings, problems = parse_settings(raw, base)
    for problem in problems:
        ls.warn(problem)
    return settings
