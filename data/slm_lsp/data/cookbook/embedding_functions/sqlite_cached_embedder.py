"""Put an SQLite cache before an expensive embedding function, so that nightly imports of radiology findings cost nothing.

The wrapper is itself a registered embedding function.  Its configuration nests the configuration of the function
it wraps, hence a collection that was created with it reopens with cache and all.
"""
import hashlib
import sqlite3
import struct
import tempfile
from contextlib import closing
from pathlib import Path

import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import config_to_embedding_function, register_embedding_function


@register_embedding_function
class LexiconEmbedder(EmbeddingFunction[Documents]):
    """The "expensive" model: here a lexicon of findings; in production a GPU or an invoice."""

    FINDINGS = ["fracture", "effusion", "pneumothorax", "opacity", "cardiomegaly", "nodule", "oedema", "normal"]
    calls = 0
    texts_embedded = 0

    def __init__(self, negation: float = -0.5):
        self.negation = negation

    def __call__(self, input: Documents) -> Embeddings:
        LexiconEmbedder.calls += 1
        LexiconEmbedder.texts_embedded += len(input)
        vectors = []
        for text in input:
            tokens = text.lower().replace(",", "").replace(".", "").split()
            row = [0.05] * len(self.FINDINGS)
            for before, token in zip([""] + tokens, tokens):
                if token in self.FINDINGS:
                    row[self.FINDINGS.index(token)] = self.negation if before == "no" else 1.0
            vectors.append(row)
        return vectors

    @staticmethod
    def name():
        return "radiology_lexicon"

    def get_config(self):
        return {"negation": self.negation}

    @staticmethod
    def build_from_config(config):
        return LexiconEmbedder(config["negation"])


@register_embedding_function
class CachedEmbedder(EmbeddingFunction[Documents]):
    def __init__(self, inner, cache_file):
        self.inner = inner
        self.cache_file = str(cache_file)
        # the inner configuration is part of the key: another model must never answer from this one's cache
        self._salt = f"{inner.name()}|{sorted(inner.get_config().items())}|".encode()
        with closing(self._open()) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS vectors (digest BLOB PRIMARY KEY, packed BLOB NOT NULL)")

    def _open(self):
        return sqlite3.connect(self.cache_file)

    def _digest(self, text):
        return hashlib.sha256(self._salt + text.encode()).digest()

    def __call__(self, input: Documents) -> Embeddings:
        digests = [self._digest(text) for text in input]
        with closing(self._open()) as db, db:
            marks = ",".join("?" * len(digests))
            known = dict(db.execute(f"SELECT digest, packed FROM vectors WHERE digest IN ({marks})", digests))
            # dict.fromkeys: a text that occurs twice in one batch is embedded once
            missing = dict.fromkeys(text for text, d in zip(input, digests) if d not in known)
            if missing:
                for text, vector in zip(missing, self.inner(list(missing))):
                    packed = struct.pack(f"<{len(vector)}f", *vector)
                    known[self._digest(text)] = packed
                    db.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (self._digest(text), packed))
        return [list(struct.unpack(f"<{len(known[d]) // 4}f", known[d])) for d in digests]

    @staticmethod
    def name():
        return "sqlite_cached"

    def get_config(self):
        nested = {"name": self.inner.name(), "config": self.inner.get_config()}
        return {"inner": nested, "cache_file": self.cache_file}

    @staticmethod
    def build_from_config(config):
        return CachedEmbedder(config_to_embedding_function(config["inner"]), config["cache_file"])

    # what the distances mean is for the wrapped model to say
    def default_space(self):
        return self.inner.default_space()

    def supported_spaces(self):
        return self.inner.supported_spaces()


NIGHTLY_EXPORT = [
    ("rx-1001", "Small effusion on the left, no pneumothorax.", "chest"),
    ("rx-1002", "No fracture. Normal alignment.", "wrist"),
    ("rx-1003", "Displaced fracture of the distal radius.", "wrist"),
    ("rx-1004", "Cardiomegaly with oedema and effusion.", "chest"),
    ("rx-1005", "Nodule in the right upper lobe, no effusion.", "chest"),
    ("rx-1006", "No fracture. Normal alignment.", "ankle"),
]


def import_findings(findings, rows):
    ids, texts, regions = zip(*rows)
    findings.upsert(ids=list(ids), documents=list(texts), metadatas=[{"region": r} for r in regions])


def main():
    with tempfile.TemporaryDirectory() as ward:
        cached = CachedEmbedder(LexiconEmbedder(), Path(ward, "vectors.sqlite"))
        client = chromadb.PersistentClient(path=str(Path(ward, "chroma")))
        findings = client.create_collection("findings", embedding_function=cached)

        import_findings(findings, NIGHTLY_EXPORT)
        assert LexiconEmbedder.texts_embedded == 5  # six reports, two of them word for word the same

        # the second night: everything again, and one new report
        import_findings(findings, NIGHTLY_EXPORT + [("rx-1007", "Opacity, possible nodule.", "chest")])
        assert LexiconEmbedder.texts_embedded == 6
        assert findings.count() == 7

        # reopened by name: the wrapper is rebuilt around a rebuilt lexicon and finds its cache file
        reopened = client.get_collection("findings")
        assert reopened.configuration_json["embedding_function"]["config"]["inner"]["name"] == "radiology_lexicon"
        calls = LexiconEmbedder.calls
        hits = reopened.query(query_texts=["Displaced fracture of the distal radius."], n_results=2)
        assert hits["ids"][0][0] == "rx-1003" and LexiconEmbedder.calls == calls  # even the question was cached
        hits = reopened.query(query_texts=["nodule"], n_results=2, where={"region": "chest"})
        assert set(hits["ids"][0]) == {"rx-1005", "rx-1007"} and LexiconEmbedder.calls == calls + 1

        # another setting of the inner model is another key
        strict = CachedEmbedder(LexiconEmbedder(negation=-1.0), cached.cache_file)
        assert strict(["No fracture. Normal alignment."])[0][0] == -1.0
        assert cached(["No fracture. Normal alignment."])[0][0] == -0.5

        with closing(sqlite3.connect(cached.cache_file)) as db:
            entries, = db.execute("SELECT count(*) FROM vectors").fetchone()
        assert entries == 8
        print(f"{findings.count()} reports, {entries} cached vectors, {LexiconEmbedder.calls} model calls")
        client.close()


if __name__ == "__main__":
    main()
