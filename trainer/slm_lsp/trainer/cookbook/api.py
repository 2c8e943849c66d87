"""The public API of the installed chromadb, and what of it only Chroma Cloud offers.

Knows: chromadb's classes, their signatures, how to call what is exempted. Must not know: the programs.

A synchronous class and its asynchronous twin are one owner: `Collection` and `AsyncCollection` share their methods'
names, and a program that awaits `collection.get(limit=3)` shows the same method and the same keyword.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import TYPE_CHECKING, Any, cast

from slm_lsp.model.errors import CorpusError, MissingExtra
from slm_lsp.model.evaluation.calls import FACTORIES, Owner

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI
    from chromadb.api.client import Client

Api = Mapping[Owner, Mapping[str, tuple[str, ...]]]
"""Owner -> method -> its keywords."""

EXEMPT: dict[Owner, tuple[str, ...]] = {
    "collection": (
        "search", "fork", "fork_count", "get_indexing_status",
        "attach_function", "get_attached_function", "detach_function",
    ),
}  # fmt: skip
"""What only Chroma Cloud offers; `try_exempt` checks that. CloudClient is not here: it works on any server."""

PATIENCE = 120.0
"""Seconds that a server of our own may take to answer."""


def read_api() -> Api:
    """What the installed chromadb offers, less what is exempted.

    Of the classes the public methods of their instances: class methods build clients out of chromadb's inner parts,
    properties take no arguments. Raises MissingExtra without chromadb.
    """
    _require_chromadb()
    import chromadb
    from chromadb.api.async_client import AsyncAdminClient, AsyncClient
    from chromadb.api.client import AdminClient, Client
    from chromadb.api.models.AsyncCollection import AsyncCollection

    return {
        "chromadb": {name: _keywords(getattr(chromadb, name)) for name in FACTORIES},
        "client": _methods("client", Client, AsyncClient),
        "admin": _methods("admin", AdminClient, AsyncAdminClient),
        "collection": _methods("collection", chromadb.Collection, AsyncCollection),
    }


def _require_chromadb() -> None:
    try:
        import chromadb  # noqa: F401
    except ImportError as error:
        advice = 'this command reads chromadb, which is not installed: pip install "slm-lsp[chroma]"'
        raise MissingExtra(advice) from error


def _methods(owner: Owner, *classes: type) -> dict[str, tuple[str, ...]]:
    """The methods of a class and its twin, each with the keywords of either."""
    methods: dict[str, tuple[str, ...]] = {}
    for its_class in classes:
        for name in dir(its_class):
            function = inspect.getattr_static(its_class, name)
            if not name.startswith("_") and inspect.isfunction(function) and name not in EXEMPT.get(owner, ()):
                methods[name] = tuple(dict.fromkeys((*methods.get(name, ()), *_keywords(function))))
    return methods


def _keywords(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in inspect.signature(function).parameters if name != "self")


def _attempts(collection: Collection) -> dict[str, Callable[[], object]]:
    """A call of each exempted method, correct in all but where it is made."""
    from chromadb.api.functions import STATISTICS_FUNCTION
    from chromadb.execution.expression.plan import Search

    return {
        "search": lambda: collection.search(Search().limit(1)),
        "fork": lambda: collection.fork(new_name="twin"),
        "fork_count": lambda: collection.fork_count(),
        "get_indexing_status": lambda: collection.get_indexing_status(),
        "attach_function": lambda: collection.attach_function(
            function=STATISTICS_FUNCTION, name="counts", output_collection="counted"
        ),
        "get_attached_function": lambda: collection.get_attached_function(name="counts"),
        "detach_function": lambda: collection.detach_function(name="counts"),
    }


def try_exempt(client: ClientAPI) -> list[str]:
    """The exempted methods that work on this client, and so need programs of their own.

    Raises CorpusError if a method fails otherwise than as not offered, since that tells nothing.
    """
    collection = client.get_or_create_collection("exempt", embedding_function=None)
    attempts = _attempts(collection)
    missing = set(EXEMPT["collection"]) - set(attempts)
    if missing:
        raise CorpusError(f"no attempt is written for {', '.join(sorted(missing))}")
    return [name for name in EXEMPT["collection"] if _works(name, attempts[name])]


def _works(name: str, attempt: Callable[[], object]) -> bool:
    from chromadb.errors import ChromaError

    try:
        attempt()
    except NotImplementedError:
        return False
    except ChromaError as error:
        # A server that can attach no function looks one up, and finds none.
        refusals = ("implemented", "supported", *(("not found",) if name == "get_attached_function" else ()))
        if any(refusal in str(error) for refusal in refusals):
            return False
        raise CorpusError(f"collection.{name} failed, but not as if it were not offered: {error}") from error
    return True


def _close(client: ClientAPI) -> None:
    """Release a client's files and connections; every client can, though their interface does not say so."""
    cast("Client", client).close()


@contextmanager
def embedded() -> Iterator[ClientAPI]:
    """A client whose database runs inside this process."""
    _require_chromadb()
    import chromadb

    # In a folder of its own: clients in memory share one system, and with it a process's other collections.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        client = chromadb.PersistentClient(folder)
        try:
            yield client
        finally:
            _close(client)


@contextmanager
def served() -> Iterator[ClientAPI]:
    """A client of a `chroma run` of our own on loopback; raises CorpusError if that does not come up."""
    _require_chromadb()
    import chromadb

    with create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        chroma = str(Path(sys.executable).with_name("chroma"))
        command = [chroma, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(server, port)
            client = chromadb.HttpClient(host="127.0.0.1", port=port)
            yield client
            _close(client)
        finally:
            server.terminate()
            server.wait()


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    """Return when the server answers."""
    import chromadb

    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            _close(chromadb.HttpClient(host="127.0.0.1", port=port))
        except ValueError:  # chromadb's word for a refused connection
            time.sleep(0.2)
        else:
            return
    raise CorpusError(f"`chroma run` did not answer on port {port} within {PATIENCE:.0f} seconds")
