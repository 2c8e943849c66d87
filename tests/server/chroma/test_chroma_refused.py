"""Texts that ChromaDB would refuse are not offered; all others are."""

from __future__ import annotations

import chromadb
import pytest

from slm_lsp.server.chroma import is_refused

HEAD = 'import chromadb\n\nclient = chromadb.PersistentClient(path="./chroma")\n'
CALL = f"{HEAD}docs = client.get_or_create_collection("


NAMES = ["./chroma", "a", "my docs", "-docs", "docs-", "a..b", "d/cs", "é" * 5, "x" * 513]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("before", "text"),
    [
        (f"{CALL}name=", '"{name}")'),
        (f"{CALL}name=", "'{name}')"),
        (CALL, 'name="{name}")'),
        (CALL, '"{name}", metadata=None)'),
        (f'{CALL}"', '{name}")'),
        (f"{CALL}\n    name", '="{name}",'),
        (f"{HEAD}docs = client.", 'get_collection("{name}")'),
        (f"import os, chromadb\n{CALL}", 'name="{name}"'),
        ("from langchain_chroma import Chroma\nchroma._client.", 'delete_collection("{name}")'),
    ],
)
def test_a_name_that_no_collection_can_have(before: str, text: str, name: str) -> None:
    assert is_refused(before, text.format(name=name))


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (f"{CALL}name=", '"docs")'),
        (f"{CALL}name=", '"my_docs-2.0")'),
        (f"{CALL}name=", 'f"{tenant}/docs")'),
        (f"{CALL}name=", "name)"),
        (f"{CALL}name=", '"./chr'),
        (f"{CALL}name=", '"user_" + user)'),
        (f"{CALL}name=", '"%s/docs" % user)'),
        (f"{CALL}name=", '"{}_docs".format(user))'),
        (CALL, '"-".join(parts))'),
        (CALL, '"""docs""")'),
        (CALL, '"docs-" "new")'),
        (f'{CALL}"./chroma", ', 'metadata={"hnsw:space": "cosine"})'),
        ("import pymongo\n\ndocs = db.", 'get_collection("a")'),
        (f"from qdrant_client import QdrantClient\n{HEAD}docs = db.", 'get_collection("my docs")'),
        (HEAD, 'other = chromadb.PersistentClient(path="./chroma")'),
    ],
)
def test_what_may_be_right_is_offered(before: str, text: str) -> None:
    assert not is_refused(before, text)


@pytest.mark.parametrize("name", NAMES)
def test_the_installed_chromadb_refuses_them_too(name: str) -> None:
    client = chromadb.EphemeralClient()
    with pytest.raises(Exception, match=r"(?i)name"):
        client.get_or_create_collection(name)
