"""What readers say: reviews in a collection of their own, found by book."""

from __future__ import annotations

import time
import uuid

import chromadb


class Reviews:
    """Readers' reviews of books."""

    def __init__(self, client: chromadb.ClientAPI) -> None:
        self._collection = client.get_or_create_collection(name="reviews")

    def write(self, isbn: str, reader: str, text: str, stars: int) -> str:
        """Keep a review; returns its number."""
        if not 1 <= stars <= 5:
            raise ValueError(f"stars must be from 1 to 5, not {stars}")
        number = uuid.uuid4().hex
        self._collection.add(
            ids=[number],
            documents=[text],
            metadatas=[{"isbn": isbn, "reader": reader, "stars": stars, "written": time.time()}],
        )
        return number

    def of(self, isbn: str, least: int = 1) -> list[str]:
        """The texts of a book's reviews with at least so many stars."""
        found = self._collection.get(
            where={"$and": [{"isbn": isbn}, {"stars": {"$gte": least}}]}, include=["documents"]
        )
        return found["documents"] or []

    def average(self, isbn: str) -> float | None:
        """The mean of a book's stars; None when nobody has reviewed it."""
        found = self._collection.get(where={"isbn": isbn}, include=["metadatas"])
        stars = [int(metadata["stars"]) for metadata in found["metadatas"] or []]
        return sum(stars) / len(stars) if stars else None
