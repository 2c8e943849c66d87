"""Serving over stdin and stdout: what an editor starts.

Knows: processes and streams. Must not know: features, commands of the terminal.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import BinaryIO

from slm_lsp.server.app import SlmLspServer
from slm_lsp.server.features import register_features

_FOR_A_PERSON = """slm-lsp now speaks LSP on stdin and stdout, which is for an editor. End it with Ctrl-C.
For what a person can do with it: slm-lsp --help"""


def create_server() -> SlmLspServer:
    """A server with all its features, not yet connected to anything."""
    server = SlmLspServer()
    register_features(server)
    return server


def serve(server: SlmLspServer) -> int:
    """Serve until the client says `exit` or hangs up; returns the exit code LSP asks for."""
    if sys.stdin.isatty():
        print(_FOR_A_PERSON, file=sys.stderr)
    # pygls' thread would go on waiting for a line from stdin; let Ctrl-C end the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # A cancellation that crosses its answer is everyday life, not worth a line in the editor's log.
    logging.getLogger("pygls").setLevel(logging.ERROR)
    try:
        server.start_io(sys.stdin.buffer, _private_stdout())
    finally:
        server.worker.stop()
        server.static.stop()
    return 0 if server.shut_down else 1


def _private_stdout() -> BinaryIO:
    """Stdout for the protocol alone: whatever else is printed in this process goes to stderr."""
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stdout
