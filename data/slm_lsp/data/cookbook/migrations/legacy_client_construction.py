"""Turn ChromaDB 0.3/0.4 client construction into today's: each old call is shown failing beside its successor.

Old tutorials configure everything through Settings(chroma_db_impl=...) and call client.persist(). Both are gone:
the constructor you call now decides where data lives, and every write to disk is durable when it returns.
"""

import tempfile
from pathlib import Path

import chromadb
from chromadb.config import Settings

FAILED = []


class fails_with:
    """Context manager for an old idiom: remembers how it fails, and insists that it does."""

    def __init__(self, exception, hint, idiom):
        self.exception, self.hint, self.idiom = exception, hint, idiom

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        assert kind is not None, f"{self.idiom} should not work any more"
        if not issubclass(kind, self.exception):
            return False
        assert self.hint in str(error), str(error)
        FAILED.append((self.idiom, kind.__name__))
        return True


def old_duckdb_client(folder: str) -> None:
    # 0.3: a DuckDB file in memory, written out as Parquet by persist().
    with fails_with(ValueError, "deprecated configuration", 'Client(Settings(chroma_db_impl="duckdb+parquet"))'):
        chromadb.Client(Settings(chroma_db_impl="duckdb+parquet", persist_directory=folder))


def new_persistent_client(folder: str) -> None:
    with chromadb.PersistentClient(path=folder) as client:
        bulbs = client.get_or_create_collection(name="bulbs", embedding_function=None)
        bulbs.add(ids=["tulip", "crocus"], embeddings=[[0.9, 0.2], [0.3, 0.8]], documents=["Tulip", "Crocus"])

        # 0.3: without persist() the data were lost.
        with fails_with(AttributeError, "persist", "client.persist()"):
            client.persist()

    # Nothing was "persisted", and yet:
    with chromadb.PersistentClient(path=folder) as client:
        assert client.get_collection("bulbs", embedding_function=None).count() == 2


def old_rest_client() -> None:
    # 0.3: the REST client was a setting as well, with the port as a string.
    with fails_with(ValueError, "Unsupported Chroma API implementation rest", 'Client(Settings(chroma_api_impl="rest"))'):
        chromadb.Client(
            Settings(chroma_api_impl="rest", chroma_server_host="localhost", chroma_server_http_port="8000")
        )


def new_rest_client() -> None:
    # The successor is HttpClient. No server runs here, and it says so at once.
    try:
        chromadb.HttpClient(host="127.0.0.1", port=9)
    except ValueError as error:
        assert "Are you sure it is running?" in str(error)
    else:
        raise AssertionError("somebody answers on port 9")


def old_imports() -> None:
    with fails_with(ImportError, "LocalAPI", "from chromadb.api.local import LocalAPI"):
        try:
            from chromadb.api.local import LocalAPI  # noqa: F401
        except ModuleNotFoundError as error:
            raise ImportError(f"LocalAPI: {error}") from error
    with fails_with(ImportError, "InMemoryClient", "from chromadb import InMemoryClient"):
        from chromadb import InMemoryClient  # noqa: F401


def new_in_memory_client() -> None:
    # Plain Client() still means "in memory"; EphemeralClient says so.
    client = chromadb.Client()
    assert client.get_settings().is_persistent is False
    greenhouse = chromadb.EphemeralClient().get_or_create_collection("greenhouse", embedding_function=None)
    assert client.get_collection("greenhouse", embedding_function=None).id == greenhouse.id
    client.delete_collection(name="greenhouse")
    # Whoever likes Settings may keep them, with today's names; is_persistent took the place of chroma_db_impl.
    client.clear_system_cache()
    general = chromadb.Client(
        settings=Settings(is_persistent=False, allow_reset=True),
        tenant=chromadb.DEFAULT_TENANT,
        database=chromadb.DEFAULT_DATABASE,
    )
    assert general.reset() and general.count_collections() == 0


def migrate_source(code: str) -> str:
    """The mechanical part of a migration: good for a first pass over a code base, to be reviewed by eye."""
    replacements = {
        'chromadb.Client(Settings(chroma_db_impl="duckdb+parquet", persist_directory=PATH))':
            "chromadb.PersistentClient(path=PATH)",
        'chromadb.Client(Settings(chroma_api_impl="rest", chroma_server_host=HOST, chroma_server_http_port=PORT))':
            "chromadb.HttpClient(host=HOST, port=int(PORT))",
    }
    for old, new in replacements.items():
        code = code.replace(old, new)
    return "\n".join(line for line in code.splitlines() if line.strip() != "client.persist()")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        old_duckdb_client(folder)
        new_persistent_client(str(Path(folder) / "chroma"))
    old_rest_client()
    new_rest_client()
    old_imports()
    new_in_memory_client()

    for idiom, error in FAILED:
        print(f"{error:<16} {idiom}")
    assert len(FAILED) == 5

    before = "\n".join(
        [
            'client = chromadb.Client(Settings(chroma_db_impl="duckdb+parquet", persist_directory=PATH))',
            'seeds = client.get_or_create_collection("seeds")',
            "client.persist()",
        ]
    )
    after = migrate_source(before)
    assert after.splitlines() == [
        "client = chromadb.PersistentClient(path=PATH)",
        'seeds = client.get_or_create_collection("seeds")',
    ]
    print("\nrewritten:\n" + after)


if __name__ == "__main__":
    main()
