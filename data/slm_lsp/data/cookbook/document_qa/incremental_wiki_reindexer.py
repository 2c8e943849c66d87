"""Keep a folder of wiki pages indexed, embedding only the paragraphs that changed since the last run.

usage: incremental_wiki_reindexer.py [--demo | FOLDER --index PATH]

A paragraph's id is its page plus a digest of its text.  Unchanged text keeps its id,
so "what is new" and "what is gone" are two set differences, and embedding,
the expensive step, only sees the first of them.
"""

import argparse
import hashlib
import tempfile
from collections import namedtuple
from pathlib import Path

import chromadb

Report = namedtuple("Report", "embedded kept removed")


class CountingEmbedder:
    """Stands for a paid API: it remembers how many texts it was asked to embed."""

    def __init__(self, dimensions=96):
        self.dimensions = dimensions
        self.billed = 0

    def embed(self, texts):
        self.billed += len(texts)
        return [self._one(text) for text in texts]

    def _one(self, text):
        vector = [0.0] * self.dimensions
        for word in text.lower().replace(".", " ").replace(",", " ").split():
            vector[hashlib.md5(word.encode()).digest()[0] % self.dimensions] += 1.0
        return vector


def paragraphs(page: Path):
    """Yield (position, text) of the blocks of a page that are separated by blank lines."""
    blocks = (block.strip() for block in page.read_text(encoding="utf-8").split("\n\n"))
    yield from enumerate(filter(None, blocks))


def identity(page_name, text):
    return f"{page_name}#{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class WikiIndex:
    def __init__(self, path, embedder):
        self.client = chromadb.PersistentClient(path=str(path))
        self.pages = self.client.get_or_create_collection(
            "wiki_paragraphs", configuration={"hnsw": {"space": "cosine", "ef_search": 50}}
        )
        self.embedder = embedder

    def sync(self, folder):
        """Make the index equal to the folder and say what that took."""
        embedded = kept = removed = 0
        names = sorted(page.name for page in folder.glob("*.txt"))
        for name in names:
            wanted = {identity(name, text): (position, text) for position, text in paragraphs(folder / name)}
            stored = self.pages.get(where={"page": name}, include=["metadatas"])
            positions = {i: meta["position"] for i, meta in zip(stored["ids"], stored["metadatas"])}

            fresh = wanted.keys() - positions.keys()
            if fresh:
                ids = sorted(fresh)
                texts = [wanted[i][1] for i in ids]
                self.pages.add(
                    ids=ids,
                    embeddings=self.embedder.embed(texts),
                    documents=texts,
                    metadatas=[{"page": name, "position": wanted[i][0]} for i in ids],
                )
            # A paragraph that only moved gets new metadata and keeps its vector.
            moved = [i for i in wanted.keys() & positions.keys() if wanted[i][0] != positions[i]]
            if moved:
                self.pages.update(ids=moved, metadatas=[{"position": wanted[i][0]} for i in moved])

            gone = sorted(positions.keys() - wanted.keys())
            if gone:
                self.pages.delete(ids=gone)
            embedded, kept, removed = embedded + len(fresh), kept + len(wanted) - len(fresh), removed + len(gone)

        # Pages that left the folder altogether.
        orphans = {"page": {"$nin": names}} if names else {"position": {"$gte": 0}}
        removed += self.pages.delete(where=orphans)["deleted"]
        return Report(embedded, kept, removed)

    def ask(self, question, n=1):
        hit = self.pages.query(query_embeddings=self.embedder.embed([question]), n_results=n)
        return [(meta["page"], text) for meta, text in zip(hit["metadatas"][0], hit["documents"][0])]

    def page(self, name):
        """A page as it stands in the index, in reading order."""
        rows = self.pages.get(where={"page": {"$eq": name}})
        return [doc for _, doc in sorted(zip([m["position"] for m in rows["metadatas"]], rows["documents"]))]


def demo():
    with tempfile.TemporaryDirectory() as scratch:
        wiki = Path(scratch, "wiki")
        wiki.mkdir()
        (wiki / "bread.txt").write_text("Feed the starter at eight.\n\nKnead for ten minutes.\n\nProve overnight.")
        (wiki / "oven.txt").write_text("Heat the deck oven to 240 degrees.\n\nSteam for the first five minutes.")
        (wiki / "rota.txt").write_text("Maria opens on Monday.")

        embedder = CountingEmbedder()
        index = WikiIndex(Path(scratch, "index"), embedder)
        assert index.sync(wiki) == Report(embedded=6, kept=0, removed=0)
        assert index.sync(wiki) == Report(embedded=0, kept=6, removed=0), "a second run is free"
        assert embedder.billed == 6

        # One paragraph edited, one inserted above it, one page deleted, nothing else touched.
        (wiki / "bread.txt").write_text(
            "Weigh the flour.\n\nFeed the starter at eight.\n\nKnead for twelve minutes.\n\nProve overnight."
        )
        (wiki / "rota.txt").unlink()
        report = index.sync(wiki)
        print("after the edit:", report)
        assert report == Report(embedded=2, kept=4, removed=2)
        assert embedder.billed == 8
        assert index.page("bread.txt")[:2] == ["Weigh the flour.", "Feed the starter at eight."]
        assert index.page("rota.txt") == []
        index.client.close()

        # A new process sees the same index and still has nothing to do.
        reopened = WikiIndex(Path(scratch, "index"), CountingEmbedder())
        assert reopened.sync(wiki).embedded == 0
        page, answer = reopened.ask("how many minutes do I knead")[0]
        print(f"{page}: {answer}")
        assert answer == "Knead for twelve minutes."
        reopened.client.close()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--index", type=Path, default=Path("wiki-index"))
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args(argv)
    if options.demo or options.folder is None:
        demo()
    else:
        print(WikiIndex(options.index, CountingEmbedder()).sync(options.folder))


if __name__ == "__main__":
    main()
