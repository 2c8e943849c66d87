"""Keep a searchable price list of a veterinary clinic in step with a nightly export, using upsert().

The export is the whole truth of the night: new treatments appear, prices move, some vanish.
``PriceListSync`` works out what really changed, so that only those rows are embedded again.
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Iterable

import chromadb
import numpy as np
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function


@register_embedding_function
class WordHashEmbedding(EmbeddingFunction[Documents]):
    """Bag of words, each word hashed to one of ``buckets`` dimensions."""

    def __init__(self, buckets: int = 48):
        self.buckets = buckets
        self.texts_embedded = 0

    def __call__(self, input: Documents) -> Embeddings:
        rows = np.zeros((len(input), self.buckets), dtype=np.float32)
        for row, text in zip(rows, input):
            for word in text.lower().replace(",", " ").split():
                digest = hashlib.blake2s(word.encode(), digest_size=4).digest()
                row[int.from_bytes(digest, "big") % self.buckets] += 1.0
        self.texts_embedded += len(input)
        return list(rows)

    @staticmethod
    def name() -> str:
        return "vet-word-hash"

    def get_config(self) -> dict[str, Any]:
        return {"buckets": self.buckets}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "WordHashEmbedding":
        return WordHashEmbedding(**config)


@dataclass(frozen=True)
class Treatment:
    code: str
    title: str
    species: str
    cents: int


@dataclass
class SyncReport:
    added: int = 0
    reworded: int = 0
    repriced: int = 0
    retired: int = 0
    untouched: int = 0


class PriceListSync:
    def __init__(self, collection: chromadb.Collection):
        self.collection = collection

    def run(self, export: Iterable[Treatment]) -> SyncReport:
        wanted = {row.code: row for row in export}
        stored = self.collection.get(include=["documents", "metadatas"])
        known = {
            code: (text, meta)
            for code, text, meta in zip(stored["ids"], stored["documents"], stored["metadatas"])
        }

        report = SyncReport()
        changed_text: list[Treatment] = []
        changed_price: list[Treatment] = []
        for code, row in wanted.items():
            if code not in known:
                report.added += 1
                changed_text.append(row)
                continue
            text, meta = known[code]
            if text != row.title:
                report.reworded += 1
                changed_text.append(row)
            elif meta["cents"] != row.cents or meta["species"] != row.species:
                report.repriced += 1
                changed_price.append(row)
            else:
                report.untouched += 1

        if changed_text:  # upsert() inserts and overwrites in one call, and embeds the documents
            self.collection.upsert(
                ids=[row.code for row in changed_text],
                documents=[row.title for row in changed_text],
                metadatas=[{"species": row.species, "cents": row.cents} for row in changed_text],
            )
        if changed_price:  # no new text, so update() of the metadata alone saves the embedding
            self.collection.update(
                ids=[row.code for row in changed_price],
                metadatas=[{"species": row.species, "cents": row.cents} for row in changed_price],
            )
        gone = sorted(known.keys() - wanted.keys())
        if gone:  # delete() refuses an empty list, hence the check
            report.retired = self.collection.delete(ids=gone)["deleted"]
        return report


MONDAY = [
    Treatment("VAC-01", "Rabies vaccination, annual booster", "dog", 4200),
    Treatment("VAC-02", "Feline leukaemia vaccination", "cat", 5100),
    Treatment("DEN-01", "Dental scaling under anaesthesia", "dog", 23000),
    Treatment("NAI-01", "Nail trim and beak check", "parrot", 1900),
]
TUESDAY = [
    Treatment("VAC-01", "Rabies vaccination, annual booster", "dog", 4500),  # dearer
    Treatment("VAC-02", "Feline leukaemia vaccination, two doses", "cat", 5100),  # reworded
    Treatment("DEN-01", "Dental scaling under anaesthesia", "dog", 23000),
    Treatment("XRA-01", "Chest x-ray, two views", "dog", 12000),  # new; the nail trim is gone
]


def main() -> None:
    embedder = WordHashEmbedding(buckets=64)
    client = chromadb.EphemeralClient()
    prices = client.get_or_create_collection("vet_prices", embedding_function=embedder)
    sync = PriceListSync(prices)

    first = sync.run(MONDAY)
    assert (first.added, first.untouched) == (4, 0)
    assert embedder.texts_embedded == 4

    second = sync.run(TUESDAY)
    assert second == SyncReport(added=1, reworded=1, repriced=1, retired=1, untouched=1), second
    assert embedder.texts_embedded == 6, "only the new and the reworded title are embedded again"

    assert sync.run(TUESDAY).untouched == 4, "running twice changes nothing"
    booster = prices.get(ids="VAC-01")["metadatas"][0]
    assert booster["cents"] == 4500

    hit = prices.query(query_texts="x-ray of the chest", n_results=1, where={"species": "dog"})
    assert hit["ids"][0] == ["XRA-01"]
    print("monday :", first)
    print("tuesday:", second)
    print("found  :", hit["documents"][0][0])


if __name__ == "__main__":
    main()
