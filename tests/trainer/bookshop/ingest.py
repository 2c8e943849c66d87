"""Reading the publisher's list: a CSV file of books, added in batches."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from catalogue import Book, Catalogue

BATCH = 100


def read_books(path: Path) -> Iterator[Book]:
    """The books of a publisher's list; lines without a number are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["isbn"]:
                continue
            yield Book(
                isbn=row["isbn"].replace("-", ""),
                title=row["title"].strip(),
                blurb=row["blurb"].strip(),
                price=float(row["price"]),
                in_stock=row["stock"] != "0",
            )


def batches(books: Iterator[Book], size: int = BATCH) -> Iterator[list[Book]]:
    """The books in lists of at most `size`."""
    batch: list[Book] = []
    for book in books:
        batch.append(book)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def ingest(catalogue: Catalogue, path: Path) -> int:
    """Add a publisher's list to the catalogue; returns how many books it had."""
    total = 0
    for batch in batches(read_books(path)):
        catalogue.add(batch)
        total += len(batch)
    return total
