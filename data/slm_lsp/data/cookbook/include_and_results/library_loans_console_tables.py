"""Print search results as tables in a terminal: rich for people, tab-separated text for pipes.

Every column of the table knows which part of the result it needs, so the ``include`` list follows
from the columns that the reader asked for, and nothing is fetched only to be thrown away.
"""
import csv
import io
import sys

import chromadb
from rich.console import Console
from rich.table import Table
from rich.text import Text

WORDS = "garden war love history bread sea murder letters dog mountain".split()


def shelf_vector(blurb):
    lowered = blurb.lower()
    return [float(lowered.count(word)) for word in WORDS] + [0.2]


class Column:
    """A table column: where its value comes from, and how it looks."""

    def __init__(self, title, needs, value, justify="left", style=None):
        self.title, self.needs, self.value = title, needs, value
        self.justify, self.style = justify, style


def stars(distance):
    """Five stars for the same direction, none for a right angle (cosine distance 1)."""
    return "*" * round(5 * max(0.0, 1 - distance)) or "-"


COLUMNS = {
    "id": Column("Call number", None, lambda row: row["id"], style="cyan"),
    "title": Column("Title", "metadatas", lambda row: row["metadata"]["title"], style="bold"),
    "year": Column("Year", "metadatas", lambda row: row["metadata"].get("year", ""), justify="right"),
    "loans": Column("Loans", "metadatas", lambda row: row["metadata"].get("loans", 0), justify="right"),
    "blurb": Column("Blurb", "documents", lambda row: row["document"]),
    "match": Column("Match", "distances", lambda row: stars(row["distance"]), style="yellow"),
    "distance": Column("Distance", "distances", lambda row: f"{row['distance']:.3f}", justify="right"),
    "cover": Column("Cover", "uris", lambda row: row["uri"] or "none"),
}
SINGULAR = {"documents": "document", "metadatas": "metadata", "distances": "distance", "uris": "uri"}


def include_for(columns):
    """The include list: each part once, in a fixed order."""
    needed = {COLUMNS[name].needs for name in columns}
    return [part for part in SINGULAR if part in needed]


def rows_of(result, question=0):
    for index, record_id in enumerate(result["ids"][question]):
        row = {"id": record_id}
        for part in result["included"]:
            row[SINGULAR[part]] = result[part][question][index]
        yield row


def as_table(result, columns, caption):
    table = Table(title=caption, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        column = COLUMNS[name]
        table.add_column(column.title, justify=column.justify, style=column.style, overflow="ellipsis", no_wrap=True)
    for row in rows_of(result):
        # Text(), not str: a title such as "[sic]" must not be read as markup.
        table.add_row(*(Text(str(COLUMNS[name].value(row))) for name in columns))
    if not table.row_count:
        table.add_row(Text("nothing found", style="dim"))
    return table


def as_tsv(result, columns):
    buffer = io.StringIO()
    writer = csv.writer(buffer, dialect="excel-tab", lineterminator="\n")
    writer.writerow(columns)
    for row in rows_of(result):
        writer.writerow([COLUMNS[name].value(row) for name in columns])
    return buffer.getvalue()


BOOKS = [
    ("820 WOO", "The Garden and the Sea", 1931, 112, "Letters from a garden above the sea.", "covers/820woo.jpg"),
    ("641 DAV", "Bread", 1977, 340, "A history of bread, from ash cake to bread tin.", None),
    ("823 CHR", "Murder at the Vicarage [sic]", 1930, 95, "A murder, some letters and a dog.", "covers/823chr.jpg"),
    ("796 WHY", "Scrambles", 1871, 12, "Mountain after mountain, and a fall.", None),
    ("940 TUC", "The Long War", 1962, 51, "War and love letters: a history.", None),
]


def main():
    client = chromadb.EphemeralClient()
    books = client.create_collection("library_books", configuration={"hnsw": {"space": "cosine"}})
    books.add(
        ids=[book[0] for book in BOOKS],
        metadatas=[{"title": book[1], "year": book[2], "loans": book[3]} for book in BOOKS],
        documents=[book[4] for book in BOOKS],
        uris=[book[5] for book in BOOKS],
        embeddings=[shelf_vector(book[4]) for book in BOOKS],
    )

    def ask(words, columns, n=3, **filters):
        return books.query(
            query_embeddings=[shelf_vector(words)], n_results=n, include=include_for(columns), **filters
        )

    columns = ["id", "title", "match", "cover"]
    assert include_for(columns) == ["metadatas", "distances", "uris"]
    assert include_for(["id"]) == []
    found = ask("murder with letters", columns)
    assert found["documents"] is None, "the blurb is not shown, so it was not fetched"
    assert found["ids"][0][0] == "823 CHR"

    terminal = Console(width=78, file=sys.stdout, highlight=False)
    terminal.print(as_table(found, columns, caption="murder with letters"))

    # What lands on the page can be tested without a terminal.
    recorder = Console(width=100, file=io.StringIO(), record=True)
    recorder.print(as_table(found, columns, caption="x"))
    printed = recorder.export_text()
    assert "[sic]" in printed and "covers/823chr.jpg" in printed and "***" in printed

    nothing = ask("bread", ["title", "year"], where={"year": {"$gt": 2000}})
    recorder.print(as_table(nothing, ["title", "year"], caption="new bread"))
    assert "nothing found" in recorder.export_text()

    tsv = as_tsv(ask("history of bread", ["id", "blurb", "distance"], n=2), ["id", "blurb", "distance"])
    header, first, _ = tsv.splitlines()
    assert header == "id\tblurb\tdistance" and first.startswith("641 DAV\tA history of bread")
    print(tsv, end="")


if __name__ == "__main__":
    main()
