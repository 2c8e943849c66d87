"""On the path of every cookbook program under test: what would leave this machine is refused, and written down.

Written down as well, into the file that COOKBOOK_REFUSED names, since a program may catch the error. Knows Python's
sockets alone; the servers' own code, which is Rust, is not held.
"""

import os
import socket
from pathlib import Path

_LOCAL = ("", "localhost", "::1", "0.0.0.0")
_socket_calls = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
_lookups = {name: getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex")}


def _check(host):
    host = host.decode() if isinstance(host, bytes) else host or ""
    if host not in _LOCAL and not host.startswith("127."):
        with Path(os.environ["COOKBOOK_REFUSED"]).open("a") as refused:
            refused.write(f"{host}\n")
        raise AssertionError(f"this program may not connect to {host}")


def _guarded(name):
    def call(self, *args):
        if isinstance(args[-1], tuple):  # addresses of the other families are paths on this machine
            _check(args[-1][0])
        return _socket_calls[name](self, *args)

    return call


def _guarded_lookup(name):
    def look_up(host, *args, **kwargs):
        _check(host)
        return _lookups[name](host, *args, **kwargs)

    return look_up


for _name in _socket_calls:
    setattr(socket.socket, _name, _guarded(_name))
for _name in _lookups:
    setattr(socket, _name, _guarded_lookup(_name))
