"""Bring collection code of the 0.4 to 0.6 years up to 1.x: distances, listing, includes, embeddings, metadata.

Each `check_*` function is one finding of a code review: what the old line did, how it fails or misleads today,
and the line that replaces it.
"""

import re
import warnings

import chromadb
import numpy as np

TIDES = {"t06": [0.1, 0.9], "t12": [0.8, 0.3], "t18": [0.2, 0.7], "t24": [0.9, 0.1]}

OLD_KEY_TO_NEW = {
    "hnsw:space": "space",
    "hnsw:construction_ef": "ef_construction",
    "hnsw:search_ef": "ef_search",
    "hnsw:M": "max_neighbors",
    "hnsw:num_threads": "num_threads",
    "hnsw:batch_size": "batch_size",
    "hnsw:sync_threshold": "sync_threshold",
    "hnsw:resize_factor": "resize_factor",
}


def split_legacy_metadata(metadata):
    """0.4 metadata -> (metadata, configuration) for create_collection."""
    hnsw = {OLD_KEY_TO_NEW[key]: value for key, value in metadata.items() if key in OLD_KEY_TO_NEW}
    rest = {key: value for key, value in metadata.items() if not key.startswith("hnsw:")}
    return rest or None, {"hnsw": hnsw} if hnsw else None


def harbour(client, name="harbour", **options):
    collection = client.create_collection(name, embedding_function=None, **options)
    collection.add(ids=list(TIDES), embeddings=list(TIDES.values()), metadatas=[{"hour": int(i[1:])} for i in TIDES])
    return collection


def check_distance_in_metadata(client):
    # Old: metadata={"hnsw:space": "cosine"}. Still read when a collection is created ...
    old = {"hnsw:space": "cosine", "hnsw:M": 8, "source": "gauge 4"}
    quiet = harbour(client, "quiet", metadata=old)
    assert quiet.configuration_json["hnsw"]["space"] == "cosine"
    # ... but the two go separate ways afterwards, and a typo is refused without saying which key it is.
    try:
        client.create_collection("typo", metadata={"hnsw:spaec": "cosine"}, embedding_function=None)
    except chromadb.errors.InvalidArgumentError as error:
        assert "spaec" not in str(error)
    # Copying the old metadata into modify() is an error by now:
    try:
        quiet.modify(metadata={**old, "source": "gauge 5"})
    except ValueError as error:
        assert "distance function" in str(error)
    else:
        raise AssertionError("the space changed after creation")

    metadata, configuration = split_legacy_metadata(old)
    assert metadata == {"source": "gauge 4"}
    loud = harbour(client, "loud", metadata=metadata, configuration=configuration)
    assert loud.configuration_json["hnsw"]["max_neighbors"] == 8
    try:
        client.create_collection("typo2", configuration={"hnsw": {"spaec": "cosine"}}, embedding_function=None)
    except chromadb.errors.InvalidArgumentError as error:
        return f"configuration names typos: {str(error).split(',')[0]}"


def check_list_collections(client):
    # Old (0.6): a list of names. Now: Collection objects, so comparing with a string is never true.
    collections = client.list_collections()
    assert "loud" not in collections
    names = [collection.name for collection in collections]
    assert "loud" in names
    return "use [c.name for c in client.list_collections()]"


def check_existence_test(client):
    # Old: try get_collection, `except ValueError`. NotFoundError is no ValueError any more.
    try:
        client.get_collection("fog", embedding_function=None)
    except ValueError:
        raise AssertionError("this branch worked once")
    except chromadb.errors.NotFoundError:
        return "catch chromadb.errors.NotFoundError"


def check_get_or_create_metadata(client):
    # Old (0.4): passing metadata again overwrote the stored one. Now an existing collection stays as it is.
    again = client.get_or_create_collection("loud", metadata={"source": "gauge 6"}, embedding_function=None)
    assert again.metadata == {"source": "gauge 4"}
    again.modify(metadata={"source": "gauge 6"})
    assert client.get_collection("loud", embedding_function=None).metadata == {"source": "gauge 6"}
    return "update metadata with modify()"


def check_include_as_string(client):
    loud = client.get_collection("loud", embedding_function=None)
    try:
        loud.get(include="embeddings")
    except ValueError as error:
        assert "to be a list" in str(error)
    else:
        raise AssertionError("a string passed for a list")
    assert loud.get(ids="t06", include=["embeddings"])["ids"] == ["t06"]
    # "ids" never was an include; they always come.
    try:
        loud.get(include=["ids"])
    except ValueError:
        return 'include=["embeddings"], a list, without "ids"'


def check_truth_of_embeddings(client):
    # Old: embeddings were lists of lists, and `if result["embeddings"]:` was fine. Now they are a numpy array.
    result = client.get_collection("loud", embedding_function=None).get(include=["embeddings"])
    assert isinstance(result["embeddings"], np.ndarray) and result["embeddings"].shape == (4, 2)
    try:
        if result["embeddings"]:
            pass
    except ValueError as error:
        assert "ambiguous" in str(error)
    assert result["embeddings"] is not None and len(result["embeddings"]) == 4
    return "test embeddings with `is not None`, and .tolist() before json.dumps"


def check_two_conditions(client):
    # Never worked quietly: two keys in one where. Operators have to be spelled out.
    loud = client.get_collection("loud", embedding_function=None)
    old_filter = {"hour": {"$gte": 6, "$lt": 18}}
    try:
        loud.get(where=old_filter)
    except ValueError as error:
        assert "exactly one operator" in str(error)
    else:
        raise AssertionError("two conditions without $and")
    new_filter = {"$and": [{"hour": {"$gte": 6}}, {"hour": {"$lt": 18}}]}
    assert sorted(loud.get(where=new_filter)["ids"]) == ["t06", "t12"]
    return "ranges are an $and of two conditions"


def check_gone_methods(client):
    loud = client.get_collection("loud", embedding_function=None)
    gone = ["create_index", "raw_sql", "delete_all"]
    assert not any(hasattr(loud, method) for method in gone)
    # The index needs no building; emptying a collection is deleting and creating it.
    client.delete_collection("loud")
    assert harbour(client, "loud", configuration={"hnsw": {"space": "l2"}}).count() == 4
    return ", ".join(gone) + " are gone"


def main():
    client = chromadb.EphemeralClient()
    warnings.simplefilter("error", DeprecationWarning)  # new code must not lean on what is on its way out
    checks = [value for name, value in globals().items() if re.match("check_", name)]
    for check in checks:
        finding = check(client)
        assert finding, check.__name__
        print(f"{check.__name__.removeprefix('check_').replace('_', ' '):<26} {finding}")
    assert len(checks) == 8


if __name__ == "__main__":
    main()
