"""Neovim's remote API: msgpack-RPC over the pipes of a child process, one request at a time.

Knows: the protocol. Must not know: what is asked.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from typing import Any

import msgpack

REQUEST, RESPONSE = 0, 1


class Rpc:
    """A child process that speaks msgpack-RPC."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ids = itertools.count(1)
        self._received = msgpack.Unpacker()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def request(self, method: str, *arguments: object) -> Any:
        """Ask and wait for the answer; raises RuntimeError with Neovim's error."""
        number = next(self._ids)
        self._send([REQUEST, number, method, arguments])
        while True:
            kind, *rest = self._receive()
            if kind == RESPONSE and rest[0] == number:
                if rest[1]:
                    raise RuntimeError(f"{method}: {rest[1]}")
                return rest[2]

    def close(self, last: str, *arguments: object, patience: float) -> None:
        """Send a last request that ends the child, and wait until it has; kills it when it does not end."""
        assert self._process.stdin and self._process.stdout
        try:
            self._send([REQUEST, next(self._ids), last, arguments])
            self._process.wait(patience)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()

    def _send(self, message: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(msgpack.packb(message))
        self._process.stdin.flush()

    def _receive(self) -> Any:
        assert self._process.stdout
        while True:
            for message in self._received:
                return message
            some = self._process.stdout.read1()  # type: ignore[attr-defined]
            if not some:
                raise RuntimeError(f"Neovim ended with exit code {self._process.wait()}")
            self._received.feed(some)
