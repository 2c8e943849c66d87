"""Normalise the payee lines of bank transactions by recognising merchants already seen in the stream."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import chromadb
from chromadb import Collection

NOISE = re.compile(r"\b(card|purchase|payment|pos|ref|ltd|inc|gmbh|www|com|uk|\d+)\b|[^a-z ]")


@dataclass(frozen=True)
class Transaction:
    reference: str
    payee: str
    amount_cents: int


@dataclass
class Totals:
    merchant_of: dict[str, str] = field(default_factory=dict)
    created: int = 0
    recognised: int = 0


def clean(payee: str) -> str:
    return " ".join(NOISE.sub(" ", payee.lower()).split())


def signature(text: str, buckets: int = 96) -> list[float]:
    """Padded character bigrams, counted; survives truncation and typing mistakes."""
    counts = [0.0] * buckets
    for word in text.split():
        padded = f"^{word}$"
        for pair in zip(padded, padded[1:]):
            counts[zlib.crc32("".join(pair).encode()) % buckets] += 1.0
    return counts


class MerchantRegistry:
    """One record per merchant.  The registry learns: each accepted spelling becomes an alias."""

    def __init__(self, collection: Collection, threshold: float = 0.35) -> None:
        self._merchants = collection
        self._threshold = threshold

    def resolve(self, tx: Transaction) -> tuple[str, bool]:
        """The merchant id of a transaction and whether it had to be created."""
        name = clean(tx.payee)
        # A spelling met before needs no vector search at all.
        exact = self._merchants.get(where={"aliases": {"$contains": name}}, limit=1)
        if exact["ids"]:
            self._book(exact["ids"][0], exact["metadatas"][0], tx, alias=None)
            return exact["ids"][0], False

        nearest = self._merchants.query(
            query_embeddings=[signature(name)], n_results=1, include=["metadatas", "distances"]
        )
        if nearest["ids"][0] and nearest["distances"][0][0] < self._threshold:
            merchant_id = nearest["ids"][0][0]
            self._book(merchant_id, nearest["metadatas"][0][0], tx, alias=name)
            return merchant_id, False

        merchant_id = f"mer_{self._merchants.count() + 1:04d}"
        self._merchants.add(
            ids=merchant_id,
            embeddings=signature(name),
            documents=name,
            metadatas={"aliases": [name], "transactions": 1, "spent_cents": tx.amount_cents},
        )
        return merchant_id, True

    def _book(self, merchant_id: str, known: dict, tx: Transaction, alias: str | None) -> None:
        update = {
            "transactions": known["transactions"] + 1,
            "spent_cents": known["spent_cents"] + tx.amount_cents,
        }
        if alias:
            update["aliases"] = [*known["aliases"], alias]
        # `update` merges metadata key by key: what is not named here is left alone.
        self._merchants.update(ids=merchant_id, metadatas=update)

    def heavy(self, cents: int) -> Iterator[tuple[str, int]]:
        page = self._merchants.get(where={"spent_cents": {"$gte": cents}})
        for name, meta in zip(page["documents"], page["metadatas"]):
            yield name, meta["spent_cents"]


def run(stream: list[Transaction], registry: MerchantRegistry) -> Totals:
    totals = Totals()
    for tx in stream:
        merchant, is_new = registry.resolve(tx)
        totals.merchant_of[tx.reference] = merchant
        if is_new:
            totals.created += 1
        else:
            totals.recognised += 1
    return totals


def main() -> None:
    stream = [
        Transaction("t1", "CARD PURCHASE 4471 BLUE BOTTLE COFFEE", 420),
        Transaction("t2", "POS 0031 BLUE BOTTLE COFFE", 390),
        Transaction("t3", "Northern Rail Ltd", 1860),
        Transaction("t4", "NORTHERN RAILWAY REF 99812", 2210),
        Transaction("t5", "Blue Bottle Coffee", 510),
        Transaction("t6", "Gruber Haustechnik GmbH", 18900),
        Transaction("t7", "GRUBER HAUSTECHNK", 4100),
        Transaction("t8", "Blau Optik", 7900),
    ]
    client = chromadb.EphemeralClient()
    ledger = client.get_or_create_collection(
        name="merchants",
        configuration={"hnsw": {"space": "cosine", "ef_search": 50}},
        metadata={"purpose": "payee normalisation", "cleaner_version": 2},
    )
    totals = run(stream, MerchantRegistry(ledger))

    groups: dict[str, set[str]] = {}
    for reference, merchant in totals.merchant_of.items():
        groups.setdefault(merchant, set()).add(reference)
    assert sorted(map(sorted, groups.values())) == [["t1", "t2", "t5"], ["t3", "t4"], ["t6", "t7"], ["t8"]]
    assert (totals.created, totals.recognised) == (4, 4)

    coffee = ledger.get(ids=totals.merchant_of["t1"])["metadatas"][0]
    assert coffee["aliases"] == ["blue bottle coffee", "blue bottle coffe"]
    assert coffee["spent_cents"] == 420 + 390 + 510

    big = dict(MerchantRegistry(ledger).heavy(10_000))
    assert big == {"gruber haustechnik": 23_000}
    print(f"{len(stream)} transactions -> {ledger.count()} merchants, {totals.recognised} recognised; big: {big}")


if __name__ == "__main__":
    main()
