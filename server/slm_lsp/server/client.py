"""A small LSP client, for measuring and demonstrating a real server over stdio.

Knows: JSON-RPC over pipes, the few LSP messages of a typing person. Must not know: models, what is measured.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from slm_lsp.model.errors import SlmLspError

SERVER = (sys.executable, "-P", "-m", "slm_lsp.server")
"""The command of the server that belongs to this client."""

PATIENCE = 10.0
"""Seconds that a server may take to end."""


Place = tuple[int, int]
"""Line and character, both from 0."""


class ServerError(SlmLspError):
    """The server answered with an error, or went away."""


class Client:
    """One connection to a server of its own. Positions count UTF-32 units."""

    def __init__(self, command: Sequence[str] = SERVER, *, env: Mapping[str, str] | None = None) -> None:
        self.notified: list[dict[str, Any]] = []
        """Notifications from the server, oldest first."""
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self._ids = itertools.count(1)
        self._asked: dict[int, str] = {}
        self._answered: dict[int, dict[str, Any]] = {}
        self._versions = itertools.count(2)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def initialize(self, root: Path, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Open the session for a workspace, with settings; returns the server's answer."""
        result: dict[str, Any] = self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root.resolve().as_uri(),
                "capabilities": {"general": {"positionEncodings": ["utf-32"]}},
                "initializationOptions": options,
            },
        )
        self.notify("initialized", {})
        return result

    def open(self, path: Path, text: str) -> None:
        """Open a Python file with this text, whatever is on disk."""
        document = {"uri": _uri(path), "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def replace(self, path: Path, start: Place, end: Place, text: str) -> None:
        """Replace what is between two places."""
        change = {"range": {"start": _position(start), "end": _position(end)}, "text": text}
        document = {"uri": _uri(path), "version": next(self._versions)}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def ghost_text(self, path: Path, at: Place, *, invoked: bool = False) -> str | None:
        """The suggestion at a place, if there is one; `invoked` as by a person who asks for it."""
        result = self.answer(self.ask_ghost_text(path, at, invoked=invoked))
        return str(result["items"][0]["insertText"]) if result["items"] else None

    def ask_ghost_text(self, path: Path, at: Place, *, invoked: bool = False) -> int:
        """Ask for the suggestion at a place; the number of the question."""
        context = {"triggerKind": 1 if invoked else 2}
        return self.ask("textDocument/inlineCompletion", {**_place(path, at), "context": context})

    def popup(self, path: Path, at: Place) -> list[str]:
        """The labels of the popup at a place, best first."""
        result = self.answer(self.ask_popup(path, at))
        return [item["label"] for item in sorted(result["items"], key=lambda item: str(item["sortText"]))]

    def ask_popup(self, path: Path, at: Place) -> int:
        """Ask for the popup at a place; the number of the question."""
        return self.ask("textDocument/completion", _place(path, at))

    def request(self, method: str, params: object = None) -> Any:
        """Ask and wait for the answer; raises ServerError."""
        return self.answer(self.ask(method, params))

    def ask(self, method: str, params: object = None) -> int:
        """Ask; the number of the question, for `answer`."""
        number = next(self._ids)
        self._asked[number] = method
        self._send({"id": number, "method": method, "params": params})
        return number

    def answer(self, number: int) -> Any:
        """Wait for the answer to a question; raises ServerError."""
        while number not in self._answered:
            message = self._receive()
            if "method" in message:
                self._hear(message)
            else:
                self._answered[message["id"]] = message
        message, method = self._answered.pop(number), self._asked.pop(number)
        if "error" in message:
            raise ServerError(f"{method}: {message['error']['message']}")
        return message.get("result")

    def notify(self, method: str, params: object = None) -> None:
        """Tell, without waiting."""
        self._send({"method": method, "params": params})

    def close(self) -> int:
        """End the session in good order; returns the server's exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.wait()

    def hang_up(self) -> None:
        """Close the connection without a word, as an editor that crashed does."""
        assert self._process.stdin
        self._process.stdin.close()

    def wait(self) -> int:
        """Wait for the server to end; returns its exit code."""
        return self._process.wait(PATIENCE)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the server, whatever state it is in."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _hear(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._send({"id": message["id"], "result": None})
        else:
            self.notified.append(message)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ServerError("the server has gone away") from error

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while (header := self._process.stdout.readline()) != b"\r\n":
            if not header:
                raise ServerError(f"the server ended with exit code {self._process.wait()}")
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


def _uri(path: Path) -> str:
    return path.resolve().as_uri()


def _position(at: Place) -> dict[str, int]:
    return {"line": at[0], "character": at[1]}


def _place(path: Path, at: Place) -> dict[str, Any]:
    return {"textDocument": {"uri": _uri(path)}, "position": _position(at)}
