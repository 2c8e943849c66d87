"""Wipe a Chroma system between test runs, but only ever a system that says it may be wiped.

`client.reset()` deletes every collection of every tenant. Chroma refuses it unless the system was
started with allow_reset, and on a server that is the server's setting, not the client's. The guard
adds a second lock: the database must hold nothing but collections with a test prefix.
"""

import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from socket import socket

import chromadb
from chromadb.config import Settings
from chromadb.errors import AuthorizationError

TEST_PREFIX = "tmp-"


class RefusedToReset(RuntimeError):
    """Something in there does not look like test data."""


def guarded_reset(client) -> int:
    """Reset the whole system; returns how many collections went. Raises RefusedToReset, AuthorizationError."""
    names = [collection.name for collection in client.list_collections()]
    precious = sorted(name for name in names if not name.startswith(TEST_PREFIX))
    if precious:
        raise RefusedToReset(f"{len(precious)} collection(s) without the {TEST_PREFIX!r} prefix: {precious}")
    client.reset()
    assert client.count_collections() == 0
    return len(names)


def fill(client, *names):
    for name in names:
        collection = client.get_or_create_collection(name, embedding_function=None)
        collection.upsert(ids=["a", "b"], embeddings=[[1, 0], [0, 1]], documents=["horse", "rider"])


def on_disk(folder):
    # Default settings: reset is refused, whatever the client asks.
    with chromadb.PersistentClient(path=str(folder / "locked")) as locked:
        fill(locked, "tmp-stable")
        try:
            locked.reset()
        except AuthorizationError as error:
            print("disk, default settings:", error)
        else:
            raise AssertionError("reset should be disabled by default")
        assert locked.count_collections() == 1

    resettable = Settings(allow_reset=True)
    with chromadb.PersistentClient(path=str(folder / "scratch"), settings=resettable) as scratch:
        fill(scratch, "tmp-stable", "tmp-race")
        assert guarded_reset(scratch) == 2

        fill(scratch, "tmp-race", "breeding_records")
        try:
            guarded_reset(scratch)
        except RefusedToReset as refusal:
            print("guard:", refusal)
            assert "breeding_records" in str(refusal)
        else:
            raise AssertionError("the guard should have refused")
        assert scratch.count_collections() == 2

        # Collections opened before a reset are handles to something that is gone.
        stale = scratch.get_collection("tmp-race", embedding_function=None)
        scratch.delete_collection("breeding_records")
        guarded_reset(scratch)
        try:
            stale.count()
        except chromadb.errors.NotFoundError:
            print("handles from before a reset are dead: fetch them again")
        else:
            raise AssertionError("a handle outlived the reset")


def on_a_server(folder):
    with socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    # `chroma run` has no --allow-reset flag: server options beyond path, host and port go in a file.
    config = folder / "chroma.yaml"
    config.write_text(
        textwrap.dedent(
            f"""\
            port: {port}
            listen_address: "127.0.0.1"
            persist_path: "{folder / 'server'}"
            allow_reset: true
            """
        )
    )
    chroma = Path(sys.executable).parent / "chroma"
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen([chroma, "run", config], stdout=log, stderr=subprocess.STDOUT)
    try:
        client = None
        for attempt in range(600):
            try:
                client = chromadb.HttpClient(host="127.0.0.1", port=port)
                break
            except ValueError:
                time.sleep(0.02 * min(attempt + 1, 5))
        assert client is not None, (folder / "server.log").read_text()
        fill(client, "tmp-gallop", "tmp-trot", "tmp-walk")
        assert guarded_reset(client) == 3
        print("server with allow_reset: wiped three collections")
    finally:
        server.terminate()
        server.wait(timeout=30)


def main():
    with tempfile.TemporaryDirectory() as directory:
        on_disk(Path(directory))
        on_a_server(Path(directory))


if __name__ == "__main__":
    main()
