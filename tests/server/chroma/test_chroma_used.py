"""What a workspace does with ChromaDB."""

from __future__ import annotations

from slm_lsp.server.chroma.used import Workspace, used_in

STORE = """
import chromadb
NAME = "recipes"
client = chromadb.PersistentClient("x")
def films() -> chromadb.Collection:
    return client.get_or_create_collection("films", metadata={"owner": "me", "hnsw:space": "ip"})
recipes = client.get_or_create_collection(NAME)
other = client.get_collection(
    name="old-films",
)
recipes.add(ids=ids, metadatas=[{"minutes": one.minutes, "vegan": True, "tags": {"not": 1}} for one in all_of_them])
recipes.get(where={"$and": [{"minutes": {"$lt": 20}}, {"course": "main"}]})
metadata = {"source": path}
"""


def test_collections_and_keys_are_found() -> None:
    used = used_in(STORE)
    assert used.collections == {"films": 1, "recipes": 1, "old-films": 1}
    assert used.keys == {"minutes": 2, "vegan": 1, "tags": 1, "course": 1, "source": 1}
    assert used.collection_keys == {"owner": 1}
    assert used.exports == {
        "client": "client",
        "films()": "collection",
        "recipes": "collection",
        "other": "collection",
    }


def test_what_is_broken_hides_nothing_else() -> None:
    broken = 'def f(:\n  x = (((\n  y = "\n' + STORE + '\nrecipes.get(where={"cut": {"$'
    used = used_in(broken)
    assert used.collections == {"films": 1, "recipes": 1, "old-films": 1}
    assert used.keys.keys() == {"minutes", "vegan", "tags", "course", "source", "cut"}


def test_names_that_chromadb_refuses_are_no_names() -> None:
    text = 'import chromadb\nc.get_collection("ab")\nc.get_collection("a..b")\nc.get_collection("1.2.3.4")\n'
    text += 'c.get_collection("_a_")\nc.get_collection(f"a{b}")\nc.get_collection("fine.name-1")\n'
    assert used_in(text).collections == {"fine.name-1": 1}


def test_files_that_do_not_speak_of_chromadb_say_nothing() -> None:
    assert used_in('session.get(where={"a": 1})\nmetadata = {"b": 2}\n') == used_in("")


def test_a_file_can_change_and_go() -> None:
    workspace = Workspace()
    workspace.update("a.py", STORE)
    workspace.update("b.py", 'import chromadb\nc.get_collection("films")\n')
    first = workspace.used()
    assert first.collections["films"] == 2
    assert workspace.used() is first
    workspace.update("a.py", "import chromadb\n")
    assert workspace.used().collections == {"films": 1}
    workspace.forget("b.py")
    workspace.forget("never known")
    assert workspace.used().collections == {}


def test_a_name_that_is_two_things_is_none() -> None:
    workspace = Workspace()
    workspace.update("a.py", "import chromadb\nstore = chromadb.Client()\n")
    assert workspace.used().exports == {"store": "client"}
    workspace.update("b.py", 'import chromadb\nstore = chromadb.Client().get_collection("films")\n')
    assert workspace.used().exports == {}
