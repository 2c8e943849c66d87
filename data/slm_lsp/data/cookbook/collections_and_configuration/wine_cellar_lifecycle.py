"""Walk one collection through its whole life in a wine cellar: create, look up, rename, refuse, delete.

Read from top to bottom: each block is one question people ask about collection handling, with its answer.
"""

import chromadb
from chromadb.errors import ChromaError, InvalidArgumentError, NotFoundError

client = chromadb.EphemeralClient()

# sweetness, acidity, tannin, body
WINES = {
    "riesling-2019": ([0.6, 0.9, 0.1, 0.3], "Riesling Kabinett", {"colour": "white", "bottles": 12}),
    "barolo-2015": ([0.1, 0.6, 1.0, 0.9], "Barolo", {"colour": "red", "bottles": 3}),
    "port-2003": ([1.0, 0.3, 0.7, 1.0], "Vintage Port", {"colour": "red", "bottles": 1}),
    "muscadet-2022": ([0.0, 0.8, 0.1, 0.2], "Muscadet sur lie", {"colour": "white", "bottles": 24}),
}

# --- create_collection: fails when the name is taken ------------------------------------------------
cellar = client.create_collection(
    name="cellar",
    metadata={"keeper": "Adele", "temperature_c": 12.5, "humid": True},
    configuration={"hnsw": {"space": "cosine"}},
    embedding_function=None,
)
assert cellar.name == "cellar"
assert cellar.metadata["temperature_c"] == 12.5
assert cellar.count() == 0

try:
    client.create_collection(name="cellar", embedding_function=None)
except ChromaError as taken:
    # The class differs between embedded and server; the common parent is safe to catch.
    assert "already exists" in str(taken)
    print("create twice  :", taken)
else:
    raise AssertionError("a name is unique within a database")

# --- ... unless told otherwise: then it is get_or_create_collection by another name -------------------
again = client.create_collection(name="cellar", embedding_function=None, get_or_create=True)
assert again.id == cellar.id
also = client.get_or_create_collection(name="cellar", metadata={"keeper": "Bruno"}, embedding_function=None)
assert also.id == cellar.id
# An existing collection keeps its metadata and configuration: what you pass is ignored, silently.
assert client.get_collection("cellar", embedding_function=None).metadata["keeper"] == "Adele"

# --- names have rules ---------------------------------------------------------------------------------
for bad in ("ab", "-dash-first", "with space", "x" * 513, "ends-with-"):
    try:
        client.create_collection(bad, embedding_function=None)
    except InvalidArgumentError as error:
        assert "3-512 characters" in str(error)
    else:
        raise AssertionError(f"{bad!r} should be refused")
for good in ("abc", "2024.vintages_A-1", "x" * 512):
    client.create_collection(good, embedding_function=None)
    client.delete_collection(good)
print("names         : 3-512 of [a-zA-Z0-9._-], a letter or digit at both ends")

# --- fill it ------------------------------------------------------------------------------------------
cellar.add(
    ids=list(WINES),
    embeddings=[taste for taste, _, _ in WINES.values()],
    documents=[label for _, label, _ in WINES.values()],
    metadatas=[facts for _, _, facts in WINES.values()],
)
dinner = cellar.query(query_embeddings=[0.1, 0.5, 0.9, 1.0], n_results=1, where={"bottles": {"$gte": 2}})
assert dinner["ids"] == [["barolo-2015"]]
print("with the roast:", dinner["documents"][0][0])

# --- get_collection: by name, or by the id that never changes -------------------------------------------
try:
    client.get_collection(name="attic", embedding_function=None)
except NotFoundError as error:
    print("missing       :", error)
else:
    raise AssertionError("there is no attic")
by_id = client.get_collection_by_id(id=cellar.id, embedding_function=None)
assert by_id == cellar or by_id.name == cellar.name

# --- modify(name=...): rename in place ----------------------------------------------------------------
cellar.modify(name="cellar_east_wing")
assert cellar.name == "cellar_east_wing"  # the handle follows
assert by_id.name == "cellar"  # other handles keep the name they were opened with ...
assert by_id.count() == 4  # ... yet work, because they address the collection by id
assert {c.name for c in client.list_collections()} == {"cellar_east_wing"}

# A rename onto a taken name is refused, and nothing is overwritten.
client.create_collection("cellar_west_wing", embedding_function=None)
try:
    cellar.modify(name="cellar_west_wing")
except ChromaError:
    assert client.get_collection("cellar_east_wing", embedding_function=None).count() == 4
    print("rename        : onto a taken name refused")
else:
    raise AssertionError("a rename took another collection's name")

# --- delete_collection: by name, final ------------------------------------------------------------------
client.delete_collection(name="cellar_west_wing")
client.delete_collection(cellar.name)
assert client.count_collections() == 0
for operation in (cellar.count, lambda: cellar.get(ids=["port-2003"]), lambda: client.delete_collection("cellar")):
    try:
        operation()
    except NotFoundError:
        pass
    else:
        raise AssertionError("nothing should be left to work on")
print("deleted       : old handles raise NotFoundError")

# The same name afterwards is a new, empty collection with a new id, and may have another dimension.
fresh = client.create_collection("cellar", embedding_function=None)
assert fresh.id != by_id.id
fresh.add(ids=["house-red"], embeddings=[[0.5, 0.5]])
assert fresh.count() == 1
client.delete_collection("cellar")
