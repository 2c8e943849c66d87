"""The shop's catalogue: one ChromaDB collection of books."""

from __future__ import annotations

from dataclasses import dataclass

import chromadb
from settings import Settings


@dataclass(frozen=True)
class Book:
    """A book as the shop sells it."""

    isbn: str
    title: str
    blurb: str
    price: float
    in_stock: bool = True


class Catalogue:
    """Books that can be searched by what they are about."""

    def __init__(self, settings: Settings) -> None:
        self._client = chromadb.PersistentClient(path=str(settings.folder))
        self._collection = self._client.get_or_create_collection(
            name=settings.collection, metadata={"hnsw:space": "cosine"}
        )

    def add(self, books: list[Book]) -> None:
        """Put books into the catalogue, replacing those with the same number."""
        self._collection.upsert(
            ids=[book.isbn for book in books],
            documents=[f"{book.title}. {book.blurb}" for book in books],
            metadatas=[{"title": book.title, "price": book.price, "in_stock": book.in_stock} for book in books],
        )

    def sold_out(self, isbn: str) -> None:
        """Mark a book as sold out."""
        self._collection.update(ids=[isbn], metadatas=[{"in_stock": False}])

    def forget(self, isbn: str) -> None:
        """Take a book out of the catalogue."""
        self._collection.delete(ids=[isbn])

    def count(self) -> int:
        """How many books there are."""
        return self._collection.count()
