"""What is read of an installed chromadb, against that chromadb itself."""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from slm_lsp.server.chroma.facts import from_json, to_json
from slm_lsp.server.chroma.installed import installed_in, package_of, shipped, site_packages
from slm_lsp.server.chroma.reading import read

PACKAGE = package_of(Path(sys.prefix))
OLD = {
    "__init__.py": '__version__ = "0.4.9"\ndef PersistentClient(path: str = "./chroma"):\n    """Keeps data."""\n',
    "api/__init__.py": "class ClientAPI:\n    def heartbeat(self):\n        '''The time.'''\n",
    "api/client.py": "from chromadb.api import ClientAPI\nclass Client(ClientAPI):\n    def heartbeat(self): ...\n",
    "api/models/Collection.py": (
        "class Collection(BaseModel):\n    name: str\n    _client: str\n    def get(self, ids=None, *, where=None):\n"
        '        """Get records. And more.\n\n        Args:\n            ids: Which ones.\n        """\n'
    ),
    "api/types.py": (
        'Include = List[Union[Literal["documents"], Literal["distances"]]]\n'
        "def validate_where(where):\n    if key != '$and': pass\n    if key == '$and' or key == '$or': pass\n"
        "    if operator not in ['$gt', '$eq']: raise ValueError\n"
        "def validate_where_document(where):\n    if operator == '$or': pass\n"
        "    if operator not in ['$contains', '$or']: raise ValueError\n"
        "class GetResult(TypedDict):\n    ids: list\n"
    ),
    "segment/impl/vector/hnsw_params.py": (
        'v = {"hnsw:space": lambda p: bool(re.match(r"^(l2|cosine|ip)$", str(p))), "hnsw:M": lambda p: 1}\n'
    ),
    "utils/embedding_functions.py": (
        "class OpenAIEmbeddingFunction(EmbeddingFunction[Documents]):\n    def __init__(self, api_key: str): ...\n"
        "def DefaultEmbeddingFunction(): ...\n"
    ),
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The site-packages folder of an old chromadb, in small."""
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name, text in OLD.items():
        path = site / "chromadb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return site


def test_an_old_version_is_read_as_it_is(old: Path) -> None:
    facts = read(old / "chromadb")
    assert facts.version == "0.4.9"
    get = facts.owners["collection"]["get"]
    assert [(one.name, one.default, one.doc) for one in get.parameters] == [
        ("ids", "None", "Which ones."),
        ("where", "None", ""),
    ]
    assert get.doc == "Get records."
    assert facts.owners["collection"]["name"].is_attribute
    assert "_client" not in facts.owners["collection"]
    assert facts.owners["client"]["heartbeat"].doc == "The time."
    assert facts.include == {"query": ("documents", "distances"), "get": ("documents",)}
    assert (facts.where, facts.logical, facts.where_document) == (("$gt", "$eq"), ("$and", "$or"), ("$contains", "$or"))
    assert facts.hnsw_metadata == {"hnsw:space": ("l2", "cosine", "ip"), "hnsw:M": ()}
    assert facts.configuration == {}
    assert set(facts.owners["embedding_functions"]) == {"OpenAIEmbeddingFunction", "DefaultEmbeddingFunction"}


def test_facts_survive_json(old: Path) -> None:
    facts = read(old / "chromadb")
    assert from_json(json.loads(json.dumps(to_json(facts)))) == facts


@pytest.mark.parametrize("raw", [None, [], {}, {"format": 0}, {"format": 1}, {**to_json(shipped()), "owners": 3}])
def test_other_json_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError):
        from_json(raw)


def test_an_environment_is_found_by_interpreter_and_by_folder(old: Path, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("")
    for environment in (python, tmp_path, old):
        assert site_packages(environment) == [old]
        assert installed_in(environment).version == "0.4.9"


def test_what_was_read_is_kept_until_it_changes(old: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert installed_in(old, cache).version == "0.4.9"
    (kept,) = cache.iterdir()
    kept.write_text(kept.read_text().replace("0.4.9", "kept"))
    assert installed_in(old, cache).version == "kept"
    kept.write_text("{")
    assert installed_in(old, cache).version == "0.4.9"
    init = old / "chromadb" / "__init__.py"
    init.write_text(init.read_text().replace("0.4.9", "0.4.10"))
    assert installed_in(old, cache).version == "0.4.10"


def test_without_a_chromadb_the_shipped_facts_serve(tmp_path: Path) -> None:
    assert installed_in(None) == shipped()
    assert installed_in(tmp_path) == shipped()
    (tmp_path / "chromadb").mkdir()
    (tmp_path / "chromadb" / "__init__.py").write_text("def broken(")
    assert installed_in(tmp_path) == shipped()


@pytest.mark.skipif(os.name == "nt", reason="folders can be read there whatever their mode")
def test_a_cache_that_cannot_be_written_costs_nothing(old: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert installed_in(old, blocked / "cache").version == "0.4.9"


def test_shipped_facts_are_what_the_command_writes() -> None:
    assert PACKAGE is not None
    assert read(PACKAGE) == shipped()


def classes() -> dict[str, type]:
    from chromadb.api.async_client import AsyncAdminClient, AsyncClient
    from chromadb.api.client import AdminClient, Client
    from chromadb.api.models.AsyncCollection import AsyncCollection
    from chromadb.api.models.Collection import Collection

    return {
        "client": Client,
        "async_client": AsyncClient,
        "admin": AdminClient,
        "async_admin": AsyncAdminClient,
        "collection": Collection,
        "async_collection": AsyncCollection,
    }


@pytest.mark.parametrize("owner", ["client", "async_client", "admin", "async_admin", "collection", "async_collection"])
def test_every_signature_is_the_installed_ones(owner: str) -> None:
    its_class = classes()[owner]
    methods = {name: one for name, one in shipped().owners[owner].items() if not one.is_attribute}
    public = {
        name
        for name in dir(its_class)
        if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(its_class, name))
    }
    assert set(methods) == public - {"clear_system_cache"}
    for name, method in methods.items():
        expected = list(inspect.signature(getattr(its_class, name)).parameters)[1:]
        assert [one.name for one in method.parameters] == expected, name
    for name, one in shipped().owners[owner].items():
        assert one.is_attribute <= (hasattr(its_class, name) or name in its_class.__annotations__)


def test_everything_the_module_offers_is_there() -> None:
    import chromadb
    import chromadb.config
    from chromadb.utils import embedding_functions

    for name, one in shipped().owners["chromadb"].items():
        assert hasattr(chromadb, name)
        if not one.is_attribute:
            assert [each.name for each in one.parameters] == list(inspect.signature(getattr(chromadb, name)).parameters)
    for name, one in shipped().owners["embedding_functions"].items():
        taken = inspect.signature(getattr(embedding_functions, name)).parameters
        assert {each.name for each in one.parameters} <= set(taken), name
    settings = shipped().owners["classes"]["Settings"]
    assert {each.name for each in settings.parameters} <= set(chromadb.config.Settings.model_fields)


def test_debians_packages_are_found(tmp_path: Path) -> None:
    interpreter = tmp_path / "usr" / "bin" / "python3"
    pips, systems = (
        tmp_path / "usr" / "local" / "lib" / "python3.11" / "dist-packages",
        tmp_path / "usr" / "lib" / "python3" / "dist-packages",
    )
    for file in (interpreter, systems / "chromadb" / "__init__.py", pips / "other.py"):
        file.parent.mkdir(parents=True)
        file.touch()
    assert site_packages(interpreter) == [pips, systems]
    assert package_of(interpreter) == systems / "chromadb"
