"""The protocol layer of pygls, mended in three places.

Knows: pygls' message handling. Must not know: any feature. The places: documents are our own (see
`documents`); a request without `params` is well-formed JSON-RPC; and a request that cannot be parsed is
answered with an error, where pygls would leave the client waiting.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol, lsp_method

from slm_lsp.server.documents import Documents


class SlmLspProtocol(LanguageServerProtocol):
    """Reads and answers the client's messages."""

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Answer `initialize`, with a workspace that holds documents of our own."""
        result = yield from super().lsp_initialize(params)
        self._workspace = Documents(self.workspace)
        return result

    def structure_message(self, data: dict[str, Any]) -> Any:
        """The typed message of some JSON; called for every object inside a message too."""
        if "jsonrpc" in data and "method" in data:
            data.setdefault("params", None)
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" in data and "id" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise
