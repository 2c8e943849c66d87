"""Find out which Settings a Chroma client really runs with: arguments, environment, .env and the defaults.

A small investigation in five steps, each with its assertion. Run it when a deployment "ignores" an option.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import chromadb
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings


@contextlib.contextmanager
def environment(**variables):
    """Set variables for a block and put back what was there before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def working_directory(path):
    here = Path.cwd()
    os.chdir(path)
    try:
        yield Path(path)
    finally:
        os.chdir(here)


def step_1_defaults():
    defaults = Settings()
    assert defaults.is_persistent is False
    assert defaults.allow_reset is False
    assert defaults.chroma_api_impl == "chromadb.api.rust.RustBindingsAPI"
    # require() is __getitem__ with a complaint about unset values.
    assert defaults.require("persist_directory") == "./chroma"
    try:
        defaults.require("chroma_server_host")
    except ValueError as error:
        print("1. unset:", error)
    else:
        raise AssertionError("an unset setting was there")


def step_2_argument_beats_environment_beats_dotenv(folder):
    with working_directory(folder) as cwd:
        (cwd / ".env").write_text("ALLOW_RESET=true\nCHROMA_HTTP_KEEPALIVE_SECS=7\n")
        assert Settings().allow_reset is True
        assert Settings().chroma_http_keepalive_secs == 7.0
        with environment(CHROMA_HTTP_KEEPALIVE_SECS="11"):
            assert Settings().chroma_http_keepalive_secs == 11.0
            assert Settings(chroma_http_keepalive_secs=3).chroma_http_keepalive_secs == 3.0
        (cwd / ".env").unlink()
    assert Settings().allow_reset is False  # .env is looked up in the working directory only
    print("2. keyword argument > environment variable > .env > default")


def step_3_the_constructor_has_the_last_word(folder):
    # is_persistent and persist_directory are overwritten by the function you call ...
    settings = Settings(is_persistent=False, persist_directory="/nowhere", allow_reset=True)
    with chromadb.PersistentClient(path=folder / "a", settings=settings) as client:
        effective = client.get_settings()
        assert effective.is_persistent is True and effective.persist_directory == str(folder / "a")
        assert effective.allow_reset is True
        # ... in place: the object you passed has changed, so build a fresh one for each client.
        assert settings.is_persistent is True
    # RustClient does the same, and takes the absence of a path for "in memory".
    with chromadb.RustClient(
        path=str(folder / "r"),
        settings=Settings(is_persistent=False),
        tenant=DEFAULT_TENANT,
        database=DEFAULT_DATABASE,
    ) as client:
        assert client.get_settings().is_persistent is True
    # Client overwrites nothing: there the settings decide alone.
    spelled_out = Settings(is_persistent=True, persist_directory=str(folder / "c"))
    with chromadb.Client(settings=spelled_out, tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE) as client:
        assert client.get_settings().persist_directory == str(folder / "c")
    print("3. PersistentClient overwrites is_persistent and persist_directory")


def step_4_one_path_one_settings(folder):
    first = chromadb.PersistentClient(path=folder / "b", tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE)
    try:
        chromadb.PersistentClient(path=folder / "b", settings=Settings(allow_reset=True))
    except ValueError as error:
        assert "already exists" in str(error) and "different settings" in str(error)
        print("4.", str(error).replace(str(folder), "<folder>"))
    else:
        raise AssertionError("two settings for one path should clash")
    # Equal settings share the running system; both doors must close before it stops.
    second = chromadb.PersistentClient(path=folder / "b", settings=Settings())
    first.create_collection("invoices", embedding_function=None)
    first.close()
    assert second.count_collections() == 1
    second.close()
    with chromadb.PersistentClient(path=folder / "b", settings=Settings(allow_reset=True)) as third:
        assert third.reset() and third.count_collections() == 0

    # In memory there is only one "path". Tests that need other settings forget the cached system first.
    chromadb.EphemeralClient(settings=Settings())
    try:
        chromadb.EphemeralClient(settings=Settings(allow_reset=True))
    except ValueError:
        chromadb.EphemeralClient(settings=Settings()).clear_system_cache()
    assert chromadb.EphemeralClient(settings=Settings(allow_reset=True)).reset()


def step_5_http_arguments_must_agree():
    with environment(CHROMA_SERVER_HOST="vectors.example.org"):
        try:
            chromadb.HttpClient(host="127.0.0.1", port=8000)
        except ValueError as error:
            # The environment variable went into Settings(), and the argument contradicts it.
            assert "vectors.example.org" in str(error) and "127.0.0.1" in str(error)
            print("5. host from the environment contradicts the argument: refused")
        else:
            raise AssertionError
    try:
        chromadb.HttpClient(host="127.0.0.1", port=8000, settings=Settings(chroma_server_http_port=9000))
    except ValueError as error:
        assert "port" in str(error)
    else:
        raise AssertionError("two ports, and no complaint")


def main():
    # configure() replaces what get_settings() returns, no more: pass it on to be effective.
    chromadb.configure(anonymized_telemetry=False)
    assert chromadb.get_settings().anonymized_telemetry is False
    assert chromadb.AdminClient(settings=chromadb.get_settings()).list_databases(limit=1, offset=0)
    chromadb.Client(settings=chromadb.get_settings()).clear_system_cache()

    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        step_1_defaults()
        step_2_argument_beats_environment_beats_dotenv(folder)
        step_3_the_constructor_has_the_last_word(folder)
        step_4_one_path_one_settings(folder)
        step_5_http_arguments_must_agree()


if __name__ == "__main__":
    main()
