"""Where ChromaDB expects something, and what is offered there."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from pathlib import Path

import pytest

from slm_lsp.server.chroma import Facts, Installed, Offer, Workspace, offers
from slm_lsp.server.chroma.installed import shipped

INSTALLED: Installed = shipped()
HEAD = """import chromadb
from chromadb.utils import embedding_functions
from chromadb import K, Settings
client = chromadb.PersistentClient(path="x")
films = client.get_or_create_collection("films", metadata={"hnsw:space": "cosine", "owner": "me"})
films.add(ids=["a"], metadatas=[{"year": 1999, "genre": "noir"}], documents=["x"])
"""


def offered(line: str, head: str = HEAD) -> list[Offer]:
    """What is offered at the bar in a line below the head."""
    before, _, after = line.partition("|")
    workspace = Workspace()
    workspace.update("films.py", HEAD)
    return offers(head + before, after + "\n", Facts(INSTALLED, workspace.used()))


def inserts(line: str, head: str = HEAD) -> list[str]:
    return [offer.insert for offer in offered(line, head)]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("chromadb.|", ["PersistentClient", "HttpClient", "EphemeralClient", "Client"]),
        ("films.|", ["query", "add", "get", "count"]),
        ("films.q|", ["query"]),
        ("client.|", ["get_or_create_collection", "get_collection", "create_collection"]),
        ("chromadb.EphemeralClient().|", ["get_or_create_collection"]),
        ("films.query(|", ["query_texts=", "n_results=", "where=", "include="]),
        ("films.query(|)", ["query_texts=", "n_results=", "where=", "include="]),
        ("films.query(query_texts=['a'], |", ["n_results=", "where="]),
        ("films.query(query_texts=['a'], n_r|", ["n_results="]),
        ("films.get(|\nrows = films.query(ids=[1])\n)", ["ids=", "where=", "include="]),
        ("films.query(|, n_results=3)", ["query_texts=", "where="]),
        ("films.query(**more, |", ["query_texts="]),
        ("films.query(\n    query_texts=[f(1, 2)],\n    |\n)", ["n_results="]),
        ("print(films.get(|", ["ids="]),
        ("films.query(n_resul|=3)", ["n_results"]),
        ("chromadb.HttpClient(|", ["host=", "port="]),
        ("chromadb.PersistentClient('x', settings=Settings(allow|", ["allow_reset="]),
        ("films.query(include=[|", ['"documents"', '"metadatas"', '"distances"', '"embeddings"', '"uris"']),
        ('films.query(include=["doc|', ["documents"]),
        ('films.get(include=["documents", "|"])', ["metadatas", "embeddings", "uris"]),
        ('films.get(include=["|", "documents"])', ["metadatas", "embeddings", "uris"]),
        ('films.get(where={"|', ["genre", "year", "$and", "$or"]),
        ("films.get(where={|", ['"genre": ', '"year": ', '"$and": ', '"$or": ']),
        ('films.get({}, where={"year": {"$|', ["$eq", "$in", "$gte"]),
        ('films.get(where={"$and": [{"year": 3}, {"|', ["genre", "year", "$and", "$or"]),
        ('films.get(where={"$and": [{"year": {"$g|', ["$gte", "$gt"]),
        ('films.get(where_document={"$|', ["$contains", "$not_contains"]),
        ('films.get(where_document={"$or": [{"$not_|', ["$not_contains", "$not_regex"]),
        ('where = {"|"}\nfilms.get(where=where)', ["genre", "year"]),
        (
            'wanted = ["|"]\nfilms.query(\n    query_texts=[f(1)], include=wanted)',
            ["documents", "metadatas", "distances"],
        ),
        ('where = {"|"}\ndef f(x):\n    x.query(n_results=3, where=where)', ["genre", "year"]),
        ('where = {"|"}\ndef f(x):\n    x.query(where=where, query_texts=[q])', ["genre", "year"]),
        ("films.get(await f(), |", ["where=", "include="]),
        ('films.add(metadatas=[{"year": 3, "|', ["genre"]),
        ('films.add(metadatas=[{"|": x} for x in xs])', ["genre", "year"]),
        ('metadatas.append({"|', ["genre", "year"]),
        ('K("|', ["genre", "year"]),
        ('client.get_collection("|', ["films"]),
        ("client.get_collection(|", ['"films"', "name=", "embedding_function="]),
        ('client.get_collection(name="|")', ["films"]),
        ('client.create_collection("x", configuration={"|', ["hnsw", "spann", "embedding_function"]),
        ('client.create_collection("x", configuration={"hnsw": {"|', ["space", "ef_construction", "ef_search"]),
        ('client.create_collection("x", configuration={"hnsw": {"space": "|', ["cosine", "l2", "ip"]),
        ('films.modify(configuration={"hnsw": {"|', ["ef_search", "num_threads"]),
        ('client.create_collection("x", metadata={"hnsw:s|', ["hnsw:space", "hnsw:search_ef", "hnsw:sync_threshold"]),
        ('client.create_collection("x", metadata={"hnsw:space": "|', ["cosine", "l2", "ip"]),
        ('client.create_collection("x", metadata={"o|', ["owner"]),
        ('r = films.query(query_texts=["x"])\nr["|', ["documents", "metadatas", "ids", "distances"]),
        ('films.get()["|', ["documents", "metadatas", "ids"]),
        ("embedding_functions.|", ["DefaultEmbeddingFunction", "SentenceTransformerEmbeddingFunction"]),
        ("embedding_functions.OllamaEmbeddingFunction(|", ["url="]),
        (
            "ef = embedding_functions.DefaultEmbeddingFunction()\nclient.get_collection('films', embedding_function=|",
            ["ef"],
        ),
        ("def f(notes: chromadb.Collection):\n    notes.p|", ["peek"]),
        ("def f(notes):\n    notes.p|\nf(films)", ["peek"]),
        ("def make():\n    return client.get_collection('a')\nmake().p|", ["peek"]),
        ("with chromadb.PersistentClient('x') as db:\n    db.h|", ["heartbeat"]),
        ("class A:\n    notes: chromadb.Collection\n    def f(self):\n        self.notes.p|", ["peek"]),
        ("broken = films.query(\nfilms.get(|", ["ids="]),
        ('def f(:\n  x = "\nfilms.get(|', ["ids="]),
    ],
)
def test_what_is_expected_is_offered(line: str, first: list[str]) -> None:
    assert inserts(line)[: len(first)] == first


@pytest.mark.parametrize(
    "line",
    [
        "other.|",
        "other.query(|",
        "films.query(n_results=|",
        "films.query(f(|",
        'films.query(f"{|',
        'films.query(query_texts=["|',
        "# films.query(|",
        'note = "films.query(|',
        'films.get(where={"year": 3, "|',
        'films.get(where={"|": 3, "genre": 4})',
        'films.get(where={"year": "|',
        'films.get(where={"year": {"$gt": 3, "$|',
        'films.get(where={"year": {"$in": ["|',
        'films.get(include="|',
        'films.get(include=["documents" "|',
        'client.create_collection("|',
        'client.create_collection("x", configuration={"hnsw": {"ef_search": "|',
        "def query(|",
        "import chromadb.|",
        "films = {}\nfilms.|",
        "import httpx\nwith httpx.Client() as client:\n    client.|",
        "from store import service\nservice.create_collection(|",
        '"""\nfilms.query(|',
        'import pandas as pd\ncols = ["|"]\ndf.select_dtypes(include=cols)',
        'fields = ["|"]\nuser.model_dump(include=fields)',
        'where = {"|"}\nsession.query(where=where)',
        'where = {"|"}\nclient.heartbeat(where=where)',
        'where = {"|"}\nfilms.get(where=where.copy)',
        "metadatas.append(|",
        "films.query(await |",
        "films.query(yield |",
        "films.query((yield |",
        'for row in films.get():\n    row["|',
        "films.get(*ids, |",
        'films.get(*ids, {"|',
    ],
)
def test_when_in_doubt_there_is_nothing(line: str) -> None:
    assert inserts(line) == []


def test_no_index_is_offered_where_it_cannot_be_changed() -> None:
    assert inserts('films.modify(metadata={"|') == ["owner"]
    assert inserts('films.modify(configuration={"|') == ["hnsw", "embedding_function"]


def test_data_needs_a_data_loader() -> None:
    assert "data" not in inserts('films.get(include=["|')
    assert "data" in inserts('c = client.get_collection("films", data_loader=loader)\nc.get(include=["|')


def test_distances_are_not_what_get_returns() -> None:
    assert "distances" in inserts('films.query(include=["|')
    assert "distances" not in inserts('films.get(include=["|')


def test_a_keyword_says_its_type_its_default_and_what_it_does() -> None:
    offer = offered("films.query(n_re|")[0]
    assert offer == Offer(
        "n_results=", "n_results=", "int = 10", "Number of neighbors to return per query.", "keyword", 4
    )


def test_version_06_lists_names_not_collections() -> None:
    text = HEAD + "for one in client.list_collections():\n    one.pe"
    assert [offer.label for offer in offers(text, "", Facts(INSTALLED))] == ["peek"]
    assert offers(text, "", Facts(replace(INSTALLED, version="0.6.3"))) == []


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_otherwise(end: str) -> None:
    text = (HEAD + "def make() -> chromadb.Collection:\n    return 1\nnotes = make()\nnotes.pe").replace("\n", end)
    assert [offer.label for offer in offers(text, end, Facts(INSTALLED))] == ["peek"]


def test_quotes_are_those_of_the_file() -> None:
    single = "import chromadb\nfilms = chromadb.Client().get_collection('films')\n"
    assert inserts("films.get(include=[|", single)[0] == "'documents'"


def test_names_of_other_files_are_known() -> None:
    workspace = Workspace()
    workspace.update("store.py", HEAD)
    facts = Facts(INSTALLED, workspace.used())
    found = offers("from store import films\nfilms.qu", "\n", facts)
    assert [offer.label for offer in found] == ["query"]
    assert offers("from elsewhere import other\nother.qu", "\n", facts) == []


def test_any_cursor_of_any_text_is_survived() -> None:
    text = (
        HEAD
        + 'def f(a, *, b=[{"x": (1,)}]):\n    films.get(where={"year": {"$gt": 3}}, include=["documents"])["ids"][0]\n'
    )
    facts = Facts(INSTALLED)
    for at in range(len(text)):
        for end in (at, min(at + 7, len(text)), len(text)):
            for offer in offers(text[:at], text[end:], facts):
                typed = text[at - offer.replaces : at]
                assert offer.label.lower().startswith(typed.lower())


def test_two_thousand_lines_take_little_time() -> None:
    text = HEAD + "def f(x):\n    y = films.query(query_texts=[x])  # a call\n    return y\n\n\n" * 400
    facts = Facts(INSTALLED)
    offers(text + "films.", "", facts)
    spent = []
    for _ in range(9):
        began = time.process_time()
        assert offers(text + "films.", text, facts)
        spent.append(time.process_time() - began)
    assert statistics.median(spent) < 0.05  # of the processor's; a few milliseconds on a quiet machine


NEWCOMER = [
    ("client = chromadb.", "PersistentClient"),
    ("client = chromadb.PersistentClient(", "path="),
    ("client = chromadb.", "Client"),
    ("films = client.", "create_collection"),
    ("films = client.", "get_or_create_collection"),
    ("films = client.", "get_collection"),
    ("films = client.get_collection(", '"films"'),
    ("films.", "add"),
    ("films.add(", "documents="),
    ('films.add(documents=["a"], ', "ids="),
    ('films.add(documents=["a"], ids=["1"], ', "metadatas="),
    ('films.add(documents=["a"], ids=["1"], metadatas=[{', '"year": '),
    ("results = films.", "query"),
    ("results = films.query(", "query_texts="),
    ('results = films.query(query_texts=["a"], ', "n_results="),
    ('results = films.query(query_texts=["a"], ', "where="),
    ('results = films.query(query_texts=["a"], where={', '"year": '),
    ('results = films.query(query_texts=["a"], where={"year": {', '"$gte": '),
    ('results = films.query(query_texts=["a"], ', "include="),
    ('results = films.query(query_texts=["a"], include=[', '"documents"'),
    ('results = films.query(query_texts=["a"])\nprint(results[', '"documents"'),
    ("films.", "get"),
    ("films.get(", "ids="),
    ("films.", "count"),
    ("films.", "upsert"),
    ("films.", "update"),
    ("films.", "delete"),
    ("films.delete(", "ids="),
    ("films.", "peek"),
    ("client.", "list_collections"),
    ("client.", "delete_collection"),
    ("client.delete_collection(", '"films"'),
]
"""What a newcomer's commonest lines have behind their dots and brackets."""


def keys_for(line: str, wanted: str) -> int:
    """The fewest keys for an item: characters of it, presses of the down key, and one that takes it."""
    word = wanted.lstrip('"')
    in_quotes = 1 if wanted.startswith('"') else 0
    costs = [
        typed + in_quotes * (typed > 0) + place + 1
        for typed in range(3)
        for place, insert in enumerate(inserts(line + ('"' if in_quotes and typed else "") + word[:typed] + "|"))
        if insert in (wanted, wanted.strip('": '))
    ]
    return min(costs, default=99)


@pytest.mark.parametrize(("line", "wanted"), NEWCOMER)
def test_a_newcomers_lines_take_three_keys_behind_each_dot_and_bracket(line: str, wanted: str) -> None:
    assert keys_for(line, wanted) <= 3


def test_facts_that_ship_are_those_of_a_chromadb() -> None:
    assert INSTALLED.version.count(".") == 2
    assert (
        Path(__file__).parents[3].joinpath("constraints.txt").read_text().count(f"chromadb=={INSTALLED.version}\n") == 1
    )
