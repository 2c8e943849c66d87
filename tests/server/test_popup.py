"""The popup's items: what kind of thing a name probably is."""

from __future__ import annotations

import pytest
from lsprotocol.types import CompletionItemKind as Kind

from slm_lsp.server.features.completion import kinds_of

TEXT = "client.query(1)\nload(client.name)\nprint (x)\n"


@pytest.mark.parametrize(
    ("name", "after_dot", "kind"),
    [
        ("query", True, Kind.Method),
        ("load", False, Kind.Function),
        ("name", True, Kind.Field),
        ("client", False, Kind.Variable),
        ("Client", False, Kind.Class),
        ("Client", True, Kind.Class),
        ("MOST", False, Kind.Variable),
        ("return", False, Kind.Keyword),
        ("None", False, Kind.Keyword),
    ],
)
def test_kinds(name: str, after_dot: bool, kind: Kind) -> None:
    assert kinds_of([name, "other"], TEXT, after_dot)[name] == kind
