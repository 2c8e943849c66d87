"""Re-embed a collection of lecture transcripts with a better function, page by page, with progress.

A vector cannot be compared with one of another model, so a new embedding function means a new
collection: it is filled in pages from the old one while a rich progress bar runs, checked, and then
takes over the old one's name.  Searches go on all the while.
"""
import io
import sys
import zlib

import chromadb
import numpy as np
from chromadb.api.types import EmbeddingFunction
from chromadb.utils.embedding_functions import register_embedding_function
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@register_embedding_function
class WholeWords(EmbeddingFunction):
    """The old function: exact words only."""

    def __init__(self, dim=64):
        self.dim = dim

    def features(self, text):
        return text.lower().split()

    def __call__(self, input):
        matrix = np.zeros((len(input), self.dim), dtype=np.float32)
        for row, text in enumerate(input):
            for feature in self.features(text):
                matrix[row, zlib.crc32(feature.encode()) % self.dim] += 1
        return list(matrix)

    @staticmethod
    def name():
        return "lectures-whole-words"

    def get_config(self):
        return {"dim": self.dim}

    @classmethod
    def build_from_config(cls, config):
        return cls(dim=config["dim"])


@register_embedding_function
class Trigrams(WholeWords):
    """The new function: pieces of three letters, so that 'derivative' and 'derivatives' are near."""

    def __init__(self, dim=256):
        super().__init__(dim)

    def features(self, text):
        padded = f"  {text.lower()}  "
        return [padded[i : i + 3] for i in range(len(padded) - 2)]

    @staticmethod
    def name():
        return "lectures-trigrams"


SUBJECTS = {
    "calculus": "derivative of a product and the chain rule",
    "botany": "stomata open in light and close in drought",
    "music": "the dominant seventh resolves to the tonic",
    "law": "an offer lapses when it is refused",
}


def fill(collection, lectures=90):
    subjects = list(SUBJECTS.items())
    rows = []
    for n in range(lectures):
        subject, text = subjects[n % len(subjects)]
        rows.append((f"{subject}-{n:03d}", f"part {n}: {text}", subject))
    collection.add(
        ids=[row[0] for row in rows],
        documents=[row[1] for row in rows],
        metadatas=[{"subject": row[2], "minute": n * 3} for n, row in enumerate(rows)],
    )
    collection.update(
        ids=[row[0] for row in rows],
        uris=[f"https://video.example.edu/{row[0]}#t={n * 180}" for n, row in enumerate(rows)],
    )


def reindex(source, target, page=20, console=None):
    """Copy everything but the vectors; returns the number of records.  Can be repeated."""
    total = source.count()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"re-embedding {source.name}", total=total)
        for offset in range(0, total, page):
            # No "embeddings" in include: they are what is being replaced.
            rows = source.get(limit=page, offset=offset, include=["documents", "metadatas", "uris"])
            target.upsert(
                ids=rows["ids"],
                documents=rows["documents"],
                metadatas=rows["metadatas"],
            )
            # With documents and uris in one call either could be meant to be embedded, so the
            # addresses follow in a call of their own.
            target.update(ids=rows["ids"], uris=rows["uris"])
            progress.advance(task, len(rows["ids"]))
        finished = progress.tasks[0].completed
    return int(finished)


def verify(source, target):
    """Same ids, same texts; and vectors of the new size."""
    old, new = source.get(include=["documents", "uris"]), target.get(include=["documents", "uris"])
    old_rows = dict(zip(old["ids"], zip(old["documents"], old["uris"])))
    new_rows = dict(zip(new["ids"], zip(new["documents"], new["uris"])))
    if old_rows != new_rows:
        raise RuntimeError(f"{len(old_rows.items() ^ new_rows.items())} rows differ")
    return target.peek(limit=1)["embeddings"].shape[1]


def swap(client, source, target, name):
    """The new collection takes the name; the old one is kept aside until nobody needs it."""
    source.modify(name=f"{name}-retired", metadata={"replaced_by": str(target.id)})
    target.modify(name=name)


def main():
    client = chromadb.EphemeralClient()
    old = client.create_collection("lectures", embedding_function=WholeWords())
    fill(old)
    assert old.count() == 90

    def best(question):
        collection = client.get_collection("lectures", embedding_function=None)
        # embedding_function=None leaves it to the stored configuration, which names the right one.
        found = collection.query(query_texts=[question], n_results=1, include=["metadatas"])
        return found["metadatas"][0][0]["subject"]

    asked = "derivatives of products"
    before = best(asked)

    new = client.get_or_create_collection("lectures-next", embedding_function=Trigrams())
    screen = Console(file=sys.stderr if sys.stderr.isatty() else io.StringIO())
    assert reindex(old, new, page=25, console=screen) == 90
    assert new.count() == 90 and verify(old, new) == 256
    assert reindex(old, new, page=40, console=screen) == 90 and new.count() == 90, "a repeated run adds nothing"

    swap(client, old, new, "lectures")
    assert sorted(c.name for c in client.list_collections()) == ["lectures", "lectures-retired"]
    after = best(asked)
    assert after == "calculus"

    # Opening with the old function is refused: it would ask with vectors of another kind.
    try:
        client.get_collection("lectures", embedding_function=WholeWords())
    except ValueError as error:
        print("refused:", str(error).rpartition(": new")[2].strip(": ") or error)
    else:
        raise AssertionError("a conflict of functions")

    client.delete_collection("lectures-retired")
    address = client.get_collection("lectures").get(ids="calculus-004", include=["uris"])["uris"][0]
    assert address.endswith("#t=720")
    print(f"{asked!r}: {before} before, {after} after; {address}")


if __name__ == "__main__":
    main()
