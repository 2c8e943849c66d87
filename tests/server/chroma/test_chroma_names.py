"""Which names are ChromaDB's: what they are imported as, what else they are bound to, whose attributes they are."""

from __future__ import annotations

import pytest

from slm_lsp.server.chroma import Facts, Workspace, offers
from slm_lsp.server.chroma.installed import shipped
from slm_lsp.server.chroma.names import Names

INSTALLED = shipped()
HEAD = """import chromadb
client = chromadb.PersistentClient(path="x")
films = client.get_or_create_collection("films")
films.add(ids=["a"], metadatas=[{"year": 1999, "genre": "noir"}], documents=["x"])
"""


def inserts(line: str, head: str = HEAD) -> list[str]:
    """What is inserted of all that is offered at the bar in a line below the head."""
    before, _, after = line.partition("|")
    workspace = Workspace()
    workspace.update("store.py", HEAD.replace("films =", "store ="))
    return [offer.insert for offer in offers(head + before, after + "\n", Facts(INSTALLED, workspace.used()))]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("import chromadb.utils.embedding_functions as embedding_functions\nembedding_functions.|", "DefaultEmbedd"),
        ("import chromadb.utils.embedding_functions as ef\nef.Ope|", "OpenAIEmbeddingFunction"),
        ("import chromadb.utils.embedding_functions as ef\nef.OpenAIEmbeddingFunction(|", "api_key="),
        (
            "import chromadb\nimport chromadb.utils.embedding_functions as ef\n"
            "chromadb.Client().create_collection('a', embedding_function=|",
            "ef.DefaultEmbeddingFunction(",
        ),
        ("import chromadb as db\ndb.|", "PersistentClient"),
        ("import chromadb.config as cfg\ncfg.Settings(|", "anonymized_telemetry="),
        ("import chromadb.utils.embedding_functions\nchromadb.utils.embedding_functions.|", "DefaultEmbedd"),
    ],
)
def test_parts_of_the_module_may_be_imported_by_another_name(line: str, first: str) -> None:
    assert inserts(line, "")[0].startswith(first)


@pytest.mark.parametrize("name", ["config", "errors", "utils"])
def test_no_clients_are_offered_of_other_parts_of_the_module(name: str) -> None:
    assert inserts(f"import chromadb.{name} as it\nit.|", "") == []


MONGO = (
    "import chromadb\nfrom pymongo import MongoClient\ndb = MongoClient().shop\nusers = db.get_collection('users')\n"
)
QDRANT = "import chromadb\nimport qdrant_client as q\nc = q.QdrantClient()\ninfo = c.get_collection('users')\n"


@pytest.mark.parametrize(
    ("line", "head"),
    [
        ("users.|", MONGO),
        ("users.update(|", MONGO),
        ("users.delete(where={'|", MONGO),
        ("db.create_collection(|", MONGO),
        ("info.|", QDRANT),
    ],
)
def test_other_databases_have_collections_too(line: str, head: str) -> None:
    assert inserts(line, head) == []
    assert inserts("films = chromadb.Client().get_collection('films')\nfilms.q|", head) == ["query"]


ELSEWHERE = "def a():\n    items = client.get_collection('films')\n    data = items.get()\n\n"


@pytest.mark.parametrize(
    "line",
    [
        ELSEWHERE + "def b(items: dict):\n    items.|",
        ELSEWHERE + "def b(items: dict[str, int]):\n    items.get(|",
        ELSEWHERE + "def b(\n    first: int,\n    items: 'list[str]' = None,\n) -> None:\n    items.get(|",
        ELSEWHERE + "def b(data: dict):\n    data['|",
        ELSEWHERE + "def b(*items):\n    items.|",
        ELSEWHERE + "def b(items=()):\n    items.|",
        "def b(client: Session):\n    client.|",
        "class A:\n    def __init__(self, films: list[str]):\n        self.films = films\n"
        "    def f(self):\n        self.films.|",
    ],
)
def test_a_parameter_is_what_its_annotation_says(line: str) -> None:
    assert inserts(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "from requests import films\nfilms.|",
        "from requests import (\n    get,\n    films,\n)\nfilms.|",
        "import films\nfilms.|",
        "import sqlite as films\nfilms.get(|",
        "a, films = f()\nfilms.|",
        "(a, films) = f()\nfilms.|",
        "a, *films = f()\nfilms.|",
        "for a, films in x:\n    films.|",
        "for a, (b, films) in x:\n    films.|",
        "for films in client.things():\n    films.|",
        "for one in films:\n    one.|",
        "try:\n    pass\nexcept E as films:\n    films.|",
        "with connect() as (films, other):\n    films.|",
        "match c:\n    case films:\n        films.|",
        "def films():\n    pass\nfilms.|",
        "class films:\n    pass\nfilms.|",
        "del films\nfilms.|",
        "order = lambda films: films.|",
        "order = f(lambda a, films=3: (a, films.|",
        "a = films = 3\nfilms.|",
        "def g():\n    films = []\n    films.|",
    ],
)
def test_a_name_that_is_bound_to_something_else_is_that(line: str) -> None:
    assert inserts(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "def g(x):\n    films = []\n    return x\n\nfilms.p|",
        "def g(x):\n    import films\n\ndef h():\n    films.p|",
        'def g(x):\n    """\nfilms = []\n    """\n    films = []\n\ndef h():\n    films.p|',
        "def g(films: list) -> None:\n    pass\n\nfilms.p|",
        "order = sorted(x, key=lambda films: films.year)\nfilms.p|",
        "f(lambda films: 3, films.p|",
        "def g():\n    # for films in x\n    films.p|",
        "def g(films=None):\n    films.p|",
        "def g(films=films):\n    films.p|",
        "from typing import Any\ndef g(films: Any):\n    films.p|",
        "a = b = client.get_collection('a')\nb.p|",
        "a, b = 3, client.get_collection('a')\nb.p|",
        "def both():\n    return client, client.get_collection('a')\na, b = both()\nb.p|",
        "def each() -> list[chromadb.Collection]:\n    ...\nfor one in each():\n    one.p|",
        "for one in [films]:\n    one.p|",
        "for one in client.list_collections():\n    one.p|",
        "def g(db: chromadb.PersistentClient):\n    db.get_collection('a').p|",
        "from store import store\nstore.p|",
        "class A:\n    def __init__(self):\n        self.all = films\n    def f(self):\n        self.all.p|",
        "class A:\n    def __init__(self):\n        self.all = films\na = A()\na.all.p|",
        "class A:\n    def __init__(self):\n        self.all = films\ndef g(a: A):\n    a.all.p|",
        "class A:\n    def me(self):\n        return self\n"
        "    @property\n    def all(self):\n        return films\nA().me().all.p|",
        "class A:\n    def __init__(self, all):\n        self.all = all\nA(films)\n"
        "class B(A):\n    def f(self):\n        self.all.p|",
        "app.state.films = films\ndef g(request):\n    request.app.state.films.p|",
    ],
)
def test_what_is_bound_elsewhere_takes_nothing_away(line: str) -> None:
    assert "peek" in inserts(line)


OBJECT = "class A:\n    def __init__(self):\n        self.collection = client.get_collection('films')\n"


@pytest.mark.parametrize(
    "line",
    [
        "def f(order):\n    order.collection.|",
        "def f(mongo):\n    mongo.db.collection.get(|",
        "class B:\n    def f(self):\n        self.collection.|",
        "    def get(self):\n        return self.collection\nrequests.get().|",
        "    def notes(self):\n        return self.collection\na = A()\na.notes.|",
    ],
)
def test_an_attribute_is_that_of_its_own_object(line: str) -> None:
    assert inserts(line, HEAD + OBJECT) == []


def test_functions_of_other_files_are_known() -> None:
    exports = {"make()": "collection", "films": "collection"}
    names = Names("from store import make as it, films\na = it()\nb = films()\n", exports)
    assert names.kind("a", 1_000) == "collection"
    assert names.kind("b", 1_000) is None


def test_names_of_functions_and_classes_are_no_other_files_business() -> None:
    text = (
        HEAD + "def f():\n    inner = films\nclass A:\n    notes = films\n    def make(self):\n        return films\n"
    )
    assert Names(text).exported() == {"client": "client", "films": "collection"}


def test_calls_in_a_circle_end() -> None:
    functions = "".join(
        f"def f{at}(x):\n    f{(at + 1) % 9}(x)\n    f{(at + 4) % 9}(x)\n    return x\n" for at in range(9)
    )
    assert Names(HEAD + functions).kind("x", len(HEAD) + 20) is None
    assert Names(HEAD + functions + "f3(films)\n").kind("x", len(HEAD) + 20) == "collection"
