"""Finding books: by a reader's words, within a price, only what is on the shelf."""

from __future__ import annotations

from typing import Any

import chromadb


def filters(cheapest: float | None, dearest: float | None, in_stock: bool) -> dict[str, Any] | None:
    """The where clause of a search; None when everything may be found."""
    clauses: list[dict[str, Any]] = []
    if cheapest is not None:
        clauses.append({"price": {"$gte": cheapest}})
    if dearest is not None:
        clauses.append({"price": {"$lte": dearest}})
    if in_stock:
        clauses.append({"in_stock": True})
    if not clauses:
        return None
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def search(collection: chromadb.Collection, words: str, count: int = 5, in_stock: bool = True) -> list[str]:
    """Titles of the books that are nearest to the words."""
    result = collection.query(
        query_texts=[words],
        n_results=count,
        where=filters(None, None, in_stock),
        include=["metadatas", "distances"],
    )
    metadatas = result["metadatas"] or [[]]
    return [str(metadata["title"]) for metadata in metadatas[0]]


def similar(collection: chromadb.Collection, isbn: str, count: int = 3) -> list[str]:
    """Numbers of the books that are nearest to a book."""
    found = collection.get(ids=[isbn], include=["embeddings"])
    result = collection.query(query_embeddings=found["embeddings"], n_results=count + 1, include=["metadatas"])
    return [other for other in result["ids"][0] if other != isbn]
