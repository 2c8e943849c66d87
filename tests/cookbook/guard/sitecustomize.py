"""On the path of every cookbook program under test: a connection that leaves this machine is an error."""

import socket

_connect = socket.socket.connect


def _connect_locally(self, address):
    host = address[0] if isinstance(address, tuple) else ""
    if host and host != "localhost" and not host.startswith("127.") and host != "::1":
        raise AssertionError(f"this program may not connect to {host}")
    return _connect(self, address)


socket.socket.connect = _connect_locally
