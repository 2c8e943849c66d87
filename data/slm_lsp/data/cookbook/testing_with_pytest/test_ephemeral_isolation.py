"""Keep tests of a library catalogue apart although all EphemeralClients of a process share one in-memory database.

Three ways, from cheap to thorough: a unique collection name, a database per test, and reset().  Each is a fixture
that you can copy alone.
"""
import itertools
import uuid
from collections.abc import Iterator

import chromadb
import pytest
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import DEFAULT_TENANT, Settings
from chromadb.errors import NotFoundError, UniqueConstraintError

# One Settings object for all: a second client with other settings is refused while the first is alive.
SETTINGS = Settings(allow_reset=True, anonymized_telemetry=False)

SHELF = {
    "0-261-10221-4": ("The Hobbit", 1937, [0.9, 0.1, 0.0]),
    "0-441-17271-7": ("Dune", 1965, [0.3, 0.9, 0.1]),
    "0-679-72020-1": ("The Stranger", 1942, [0.0, 0.1, 0.9]),
}


def put_on_shelf(collection):
    isbns, books = zip(*SHELF.items())
    collection.add(
        ids=list(isbns),
        embeddings=[vector for _, _, vector in books],
        metadatas=[{"title": title, "year": year} for title, year, _ in books],
    )
    return collection


# -- way 1: one client for all tests, a collection with a fresh name for each


@pytest.fixture(scope="module")
def client() -> Iterator[chromadb.ClientAPI]:
    with chromadb.EphemeralClient(settings=SETTINGS) as shared:
        yield shared
    # An AdminClient has no close(), and would hold on to these settings: let the next module choose its own.
    SharedSystemClient.clear_system_cache()


@pytest.fixture
def shelf(client, request):
    # names take 3-512 characters of [a-zA-Z0-9._-]; the test's own name makes failures easy to read
    name = f"{request.node.originalname}-{uuid.uuid4().hex[:8]}"
    yield put_on_shelf(client.create_collection(name, embedding_function=None))
    client.delete_collection(name)


def test_borrowed_book_is_removed(shelf):
    assert shelf.delete(ids=["0-441-17271-7"]) == {"deleted": 1}
    assert shelf.count() == 2


def test_shelf_is_full_again(shelf):
    assert shelf.count() == 3
    assert shelf.name.startswith("test_shelf_is_full_again-")


def test_fixture_cleans_up(client, shelf):
    assert [c.name for c in client.list_collections()] == [shelf.name]


# -- way 2: a database per test, so that code under test may use its real collection names


@pytest.fixture
def own_database(client):
    admin = chromadb.AdminClient(SETTINGS)
    name = f"branch_{uuid.uuid4().hex}"
    admin.create_database(name, tenant=DEFAULT_TENANT)
    yield chromadb.EphemeralClient(settings=SETTINGS, tenant=DEFAULT_TENANT, database=name)
    admin.delete_database(name, tenant=DEFAULT_TENANT)


@pytest.mark.parametrize("branch", ["north", "south"])
def test_same_name_twice_without_conflict(own_database, branch):
    # would raise in the second run if the first one's collection were still visible
    catalogue = own_database.create_collection("catalogue", metadata={"branch": branch}, embedding_function=None)
    assert own_database.count_collections() == 1
    assert catalogue.database == own_database.database and catalogue.metadata == {"branch": branch}


def test_databases_do_not_see_each_other(client, own_database):
    own_database.create_collection("rare_books", embedding_function=None)
    with pytest.raises(NotFoundError, match="rare_books"):
        client.get_collection("rare_books", embedding_function=None)


# -- way 3: reset() wipes everything; only for suites which run in one process, one test at a time


@pytest.fixture
def blank(client):
    assert client.get_settings().allow_reset
    client.reset()
    yield client
    client.reset()


def test_reset_removes_collections_and_databases(blank):
    chromadb.AdminClient(SETTINGS).create_database("annex")
    put_on_shelf(blank.create_collection("catalogue", embedding_function=None))
    assert blank.reset() is True
    assert blank.count_collections() == 0
    with pytest.raises(NotFoundError):
        chromadb.AdminClient(SETTINGS).get_database("annex")


# -- what the fixtures protect from


def test_two_ephemeral_clients_share_their_collections(blank):
    other = chromadb.EphemeralClient(settings=SETTINGS)
    put_on_shelf(blank.create_collection("leak", embedding_function=None))
    assert other.get_collection("leak", embedding_function=None).count() == 3
    with pytest.raises((UniqueConstraintError, chromadb.errors.InternalError), match="already exists"):
        other.create_collection("leak", embedding_function=None)


def test_differing_settings_are_refused(client):
    with pytest.raises(ValueError, match="already exists for ephemeral with different settings"):
        chromadb.EphemeralClient(settings=Settings(allow_reset=False))


counter = itertools.count()


@pytest.fixture(params=["unique", "database", "reset"])
def isolated(request):
    """All three behind one name: tests that take it run once for each way."""
    lookup = {"unique": "client", "database": "own_database", "reset": "blank"}
    return request.getfixturevalue(lookup[request.param])


def test_nearest_title_whatever_the_isolation(isolated):
    books = put_on_shelf(isolated.create_collection(f"books-{next(counter)}", embedding_function=None))
    hit = books.query(query_embeddings=[[0.2, 1.0, 0.0]], n_results=1, where={"year": {"$lt": 1990}})
    assert hit["metadatas"][0][0]["title"] == "Dune"


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
