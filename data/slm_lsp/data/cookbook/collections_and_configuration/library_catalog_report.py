"""Print an overview of every collection in a city library's database, page by page, as a table.

list_collections() returns Collection objects (name, id, metadata, configuration), so one pass is enough
for a report; limit and offset keep memory flat when there are thousands.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import NamedTuple

import chromadb
from chromadb.api.models.Collection import Collection
from rich.console import Console
from rich.table import Table

BRANCHES = ["central", "harbour", "north", "old-mill", "station"]
KINDS = {"novels": 3, "maps": 2, "scores": 4}


class Row(NamedTuple):
    name: str
    records: int
    space: str
    dimension: int | None
    branch: str
    kind: str


def every_collection(client: chromadb.ClientAPI, page_size: int = 4) -> Iterator[Collection]:
    """All collections of the client's database, fetching page_size at a time."""
    offset = 0
    while page := client.list_collections(limit=page_size, offset=offset):
        yield from page
        offset += len(page)


def dimension_of(collection: Collection) -> int | None:
    """None until the first record has fixed it. The handle knows what was true when it was fetched."""
    dimension = collection.get_model().dimension
    if dimension is not None:
        assert collection.peek(limit=1)["embeddings"].shape == (1, dimension)
    return dimension


def survey(client: chromadb.ClientAPI) -> list[Row]:
    rows = []
    for collection in every_collection(client):
        about = collection.metadata or {}  # metadata is None when none was given
        rows.append(
            Row(
                name=collection.name,
                records=collection.count(),
                space=collection.configuration_json["hnsw"]["space"],
                dimension=dimension_of(collection),
                branch=about.get("branch", "-"),
                kind=about.get("kind", "-"),
            )
        )
    # Pages come in an order of the database's own; sort for people.
    return sorted(rows, key=lambda row: (row.branch, row.kind))


def render(rows: list[Row]) -> str:
    table = Table(title="Collections")
    for heading in Row._fields:
        table.add_column(heading, justify="right" if heading in ("records", "dimension") else "left")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    table.add_section()
    table.add_row("total", str(sum(row.records for row in rows)))
    console = Console(file=io.StringIO(), width=90)
    console.print(table)
    return console.file.getvalue()


def stock(client: chromadb.ClientAPI) -> None:
    rng = random.Random(1871)
    for branch in BRANCHES:
        for kind, dimension in KINDS.items():
            if branch == "station" and kind == "scores":
                continue  # the kiosk has no room for sheet music
            shelf = client.create_collection(
                name=f"{branch}.{kind}",
                metadata={"branch": branch, "kind": kind},
                configuration={"hnsw": {"space": "cosine" if kind == "novels" else "l2"}},
                embedding_function=None,
            )
            n = rng.randint(2, 9)
            shelf.add(
                ids=[f"{kind}-{i}" for i in range(n)],
                embeddings=[[rng.random() for _ in range(dimension)] for _ in range(n)],
            )
    client.create_collection("inbox", embedding_function=None)


def main() -> None:
    client = chromadb.EphemeralClient()
    stock(client)

    total = client.count_collections()
    assert total == len(BRANCHES) * len(KINDS) - 1 + 1

    rows = survey(client)
    assert len(rows) == total == len({row.name for row in rows}), "paging neither skips nor repeats"
    assert rows[0] == Row("inbox", 0, "l2", None, "-", "-")
    assert {row.dimension for row in rows if row.kind == "scores"} == {4}
    assert {row.space for row in rows if row.kind == "novels"} == {"cosine"}

    report = render(rows)
    assert report.count("harbour.") == 3
    print(report)

    # Offsets past the end are no error, they are simply empty.
    assert list(client.list_collections(offset=total)) == []
    assert len(client.list_collections(limit=1000)) == total
    assert [c.name for c in client.list_collections(limit=2)] == [c.name for c in client.list_collections()][:2]

    # Close a branch: collect the names first, then delete, so that pages do not shift under the loop.
    doomed = [c.name for c in every_collection(client) if (c.metadata or {}).get("branch") == "old-mill"]
    for name in doomed:
        client.delete_collection(name)
    print(f"old-mill closed: {', '.join(sorted(doomed))}; {client.count_collections()} collections left")
    assert client.count_collections() == total - len(KINDS)


if __name__ == "__main__":
    main()
