"""Reduce a law firm's clause bank to unique clauses: exact repeats by content hash, reworded ones by vector.

Exact repeats cost nothing, since the id *is* the hash of the normalised text and `upsert` is idempotent.
Reworded ones are grouped with union-find over the pairs that one batched query returns.
"""
import argparse
import hashlib
import math
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import chromadb
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

CLAUSES = [
    ("nda_acme.txt", "The Receiving Party shall keep all Confidential Information strictly confidential."),
    ("nda_bolt.txt", "The receiving party shall keep all confidential information strictly  confidential."),
    ("nda_core.txt", "The Receiving Party shall keep the Confidential Information strictly confidential at all times."),
    ("msa_acme.txt", "Either party may terminate this Agreement upon thirty days written notice."),
    ("msa_dune.txt", "Either party may terminate this Agreement upon sixty days written notice."),
    ("msa_echo.txt", "This Agreement is governed by the laws of the State of Delaware."),
    ("msa_flux.txt", "This Agreement is governed by the laws of the State of New York."),
    ("msa_gale.txt", "Either party may terminate this agreement upon thirty days prior written notice."),
]

# Words that turn a clause into another clause however similar the rest is.
MATERIAL = {"thirty", "sixty", "ninety", "delaware", "york", "england", "not", "unless"}


@register_embedding_function
class TermFrequency(EmbeddingFunction[Documents]):
    """Signed feature hashing of lower-cased words, dampened by a logarithm and normalised."""

    def __init__(self, dim=256):
        self.dim = dim

    def __call__(self, input: Documents) -> Embeddings:
        vectors = []
        for text in input:
            vec = [0.0] * self.dim
            for word, n in Counter(words(text)).items():
                h = hashlib.md5(word.encode()).digest()
                vec[int.from_bytes(h[:4], "little") % self.dim] += (1 if h[4] & 1 else -1) * (1 + math.log(n))
            norm = math.sqrt(sum(x * x for x in vec)) or 1.0
            vectors.append([x / norm for x in vec])
        return vectors

    @staticmethod
    def name():
        return "clause_term_frequency"

    def get_config(self):
        return {"dim": self.dim}

    @classmethod
    def build_from_config(cls, config):
        return cls(**config)


def words(text):
    return [w.strip(".,;:()") for w in text.lower().split()]


def clause_id(text):
    return hashlib.sha256(" ".join(words(text)).encode()).hexdigest()[:16]


def load(bank, clauses):
    """Upsert clauses; repeated text collapses before it reaches the database (ids must be unique in a call)."""
    sources = defaultdict(list)
    text_of = {}
    for source, text in clauses:
        key = clause_id(text)
        sources[key].append(source)
        text_of.setdefault(key, text)
    bank.upsert(
        ids=list(text_of),
        documents=list(text_of.values()),
        metadatas=[{"sources": sources[k], "material": sorted(MATERIAL & set(words(text_of[k]))) or ["-"]} for k in text_of],
    )
    return len(clauses) - len(text_of)


def group(bank, threshold):
    rows = bank.get(include=["embeddings", "metadatas"])
    parent = {i: i for i in rows["ids"]}

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    material = {i: m["material"] for i, m in zip(rows["ids"], rows["metadatas"])}
    # One call for all rows: Chroma answers a list of queries with a list of result lists.
    result = bank.query(query_embeddings=rows["embeddings"], n_results=5, include=["distances"])
    for one, ids, distances in zip(rows["ids"], result["ids"], result["distances"]):
        for other, distance in zip(ids, distances):
            if distance < threshold and material[one] == material[other]:
                parent[root(one)] = root(other)
    groups = defaultdict(list)
    for i in rows["ids"]:
        groups[root(i)].append(i)
    return list(groups.values())


def collapse(bank, groups):
    """Keep the clause with most sources (then the shortest), hand it the others' sources, delete those."""
    removed = 0
    for members in groups:
        if len(members) == 1:
            continue
        rows = bank.get(ids=members)
        ranked = sorted(zip(rows["ids"], rows["documents"], rows["metadatas"]), key=lambda r: (-len(r[2]["sources"]), len(r[1])))
        keeper = ranked[0][0]
        everyone = sorted(s for _, _, m in ranked for s in m["sources"])
        bank.update(ids=[keeper], metadatas=[{"sources": everyone, "variants": len(ranked)}])
        bank.delete(ids=[i for i, _, _ in ranked[1:]])
        removed += len(ranked) - 1
    return removed


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threshold", type=float, default=0.25)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as tmp:
        with chromadb.PersistentClient(path=Path(tmp) / "clauses") as client:
            bank = client.create_collection("clause_bank", configuration={"hnsw": {"space": "cosine"}},
                                            embedding_function=TermFrequency())
            exact = load(bank, CLAUSES)
            assert exact == 1 and load(bank, CLAUSES) == 1 and bank.count() == 7
            fuzzy = collapse(bank, group(bank, args.threshold))
            assert fuzzy == 2, fuzzy

        # Reopen: the collection remembers its embedding function, so text queries work at once.
        with chromadb.PersistentClient(path=Path(tmp) / "clauses") as client:
            bank = client.get_collection("clause_bank")
            assert bank.count() == 5
            hit = bank.query(query_texts=["terminate with thirty days notice"], n_results=1)
            assert hit["metadatas"][0][0]["sources"] == ["msa_acme.txt", "msa_gale.txt"]
            laws = bank.get(where_document={"$contains": "governed by the laws"})
            assert len(laws["ids"]) == 2, "Delaware and New York must both survive"
            print(f"{len(CLAUSES)} clauses: {exact} exact and {fuzzy} reworded repeats removed, {bank.count()} remain")


if __name__ == "__main__":
    main([])
