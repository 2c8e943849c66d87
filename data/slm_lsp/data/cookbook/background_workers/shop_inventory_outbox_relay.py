"""Relay a webshop's transactional outbox to Chroma, at least once, in order per product, surviving crashes.

The shop writes a product and an outbox row in ONE SQLite transaction; writing to Chroma inside it would not be
atomic.  The relay ships the rows later and deletes them only when Chroma has accepted the batch.
"""

import contextlib
import json
import sqlite3
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import chromadb
from chromadb.errors import ChromaError

TABLES = """
create table product (
    sku text primary key, name text not null, price_cents integer not null, stock integer not null, category text not null
);
create table outbox (
    seq integer primary key autoincrement, sku text not null, op text not null check (op in ('put', 'del')), body text
);
"""


class Shop:
    """The system of record.  It knows nothing about Chroma."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.executescript(TABLES)

    @contextlib.contextmanager
    def transaction(self):
        self.db.execute("begin immediate")
        try:
            yield self.db
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def save(self, sku: str, **fields) -> None:
        with self.transaction() as db:
            old = db.execute("select * from product where sku = ?", (sku,)).fetchone()
            row = {**(dict(old) if old else {"stock": 0}), **fields, "sku": sku}
            db.execute("insert or replace into product values (:sku, :name, :price_cents, :stock, :category)", row)
            db.execute("insert into outbox (sku, op, body) values (?, 'put', ?)", (sku, json.dumps(row)))

    def order(self, basket: dict[str, int]) -> None:
        """All or nothing: if one item is short, neither stock nor outbox changes."""
        with self.transaction() as db:
            for sku, amount in basket.items():
                db.execute("update product set stock = stock - ? where sku = ?", (amount, sku))
                row = dict(db.execute("select * from product where sku = ?", (sku,)).fetchone())
                if row["stock"] < 0:
                    raise ValueError(f"{sku} is out of stock")
                db.execute("insert into outbox (sku, op, body) values (?, 'put', ?)", (sku, json.dumps(row)))

    def discontinue(self, sku: str) -> None:
        with self.transaction() as db:
            db.execute("delete from product where sku = ?", (sku,))
            db.execute("insert into outbox (sku, op) values (?, 'del')", (sku,))

    def backlog(self) -> int:
        return self.db.execute("select count(*) from outbox").fetchone()[0]


def name_vector(name: str) -> list[float]:
    """Letters and letter pairs of the folded name over a 27 x 8 grid."""
    folded = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    grid = [0.0] * (27 * 8)
    previous = 26
    for char in folded:
        code = ord(char) - 97 if "a" <= char <= "z" else 26
        grid[previous * 8 + code % 8] += 1.0
        previous = code
    return grid


@dataclass
class Relay:
    db: sqlite3.Connection
    catalog: chromadb.Collection
    batch: int = 50

    def run_once(self) -> int:
        """Ship one batch; returns the number of outbox rows done with."""
        rows = self.db.execute("select seq, sku, op, body from outbox order by seq limit ?", (self.batch,)).fetchall()
        if not rows:
            return 0
        # Only the last event of a product matters.  It also keeps ids unique within one call, which Chroma
        # insists on (DuplicateIDError).
        last = {row["sku"]: row for row in rows}
        puts = [json.loads(r["body"]) for r in last.values() if r["op"] == "put"]
        dels = [r["sku"] for r in last.values() if r["op"] == "del"]
        if puts:
            self.catalog.upsert(
                ids=[p["sku"] for p in puts],
                documents=[p["name"] for p in puts],
                embeddings=[name_vector(p["name"]) for p in puts],
                metadatas=[
                    {"price_cents": p["price_cents"], "stock": p["stock"], "category": p["category"], "available": p["stock"] > 0}
                    for p in puts
                ],
            )
        if dels:
            self.catalog.delete(ids=dels)
        # A crash right here repeats the batch: both calls above may be repeated without harm.
        self.acknowledge([row["seq"] for row in rows])
        return len(rows)

    def acknowledge(self, seqs: list[int]) -> None:
        self.db.executemany("delete from outbox where seq = ?", [(s,) for s in seqs])

    def drain(self) -> int:
        total = 0
        while n := self.run_once():
            total += n
        return total


class CrashingRelay(Relay):
    """Dies after Chroma has accepted a batch, before the outbox learns of it."""

    def acknowledge(self, seqs: list[int]) -> None:
        raise KeyboardInterrupt


def consistent(shop: Shop, catalog: chromadb.Collection) -> bool:
    """The audit that runs every night: both sides hold the same products with the same stock."""
    ours = {r["sku"]: (r["name"], r["price_cents"], r["stock"]) for r in shop.db.execute("select * from product")}
    rows = catalog.get()
    theirs = {i: (d, m["price_cents"], m["stock"]) for i, d, m in zip(rows["ids"], rows["documents"], rows["metadatas"])}
    return ours == theirs


def main() -> None:
    with tempfile.TemporaryDirectory() as tmp, chromadb.PersistentClient(path=Path(tmp, "vectors")) as client:
        catalog = client.get_or_create_collection("catalog", configuration={"hnsw": {"space": "cosine"}})
        shop = Shop(Path(tmp, "shop.db"))
        shop.save("T-10", name="Crème brûlée torch", price_cents=2495, stock=3, category="kitchen")
        shop.save("T-11", name="Creme brulee ramekins", price_cents=1690, stock=8, category="kitchen")
        shop.save("G-02", name="Garden torch", price_cents=995, stock=20, category="garden")
        shop.save("T-10", price_cents=2195)

        with contextlib.suppress(KeyboardInterrupt):
            CrashingRelay(shop.db, catalog).run_once()
        assert catalog.count() == 3 and shop.backlog() == 4, "shipped, but not acknowledged"
        relay = Relay(shop.db, catalog, batch=2)
        assert relay.drain() == 4 and relay.drain() == 0
        assert consistent(shop, catalog)

        with contextlib.suppress(ValueError):
            shop.order({"T-10": 1, "T-11": 99})
        assert shop.backlog() == 0, "a failed order leaves no trace in the outbox"
        shop.order({"T-10": 3, "G-02": 2})
        shop.discontinue("T-11")
        assert not consistent(shop, catalog), "eventually, not immediately"

        # Chroma being away is no drama either: the rows simply stay.
        catalog_id, away = catalog.id, client.get_collection("catalog")
        client.delete_collection("catalog")
        try:
            Relay(shop.db, away).run_once()
        except ChromaError as error:
            assert error.name() == "NotFoundError" and shop.backlog() == 3
        else:
            raise AssertionError("a relay without its collection should fail")
        catalog = client.create_collection("catalog", configuration={"hnsw": {"space": "cosine"}})
        assert catalog.id != catalog_id
        for row in shop.db.execute("select sku from product").fetchall():
            shop.save(row["sku"])          # an empty save re-publishes a product
        Relay(shop.db, catalog).drain()
        assert consistent(shop, catalog)

        hit = catalog.query(query_embeddings=[name_vector("creme brulee torches")], n_results=2)
        assert hit["ids"][0][0] == "T-10" and hit["metadatas"][0][0]["available"] is False
        buyable = catalog.query(query_embeddings=[name_vector("torch")], n_results=2, where={"available": True})
        assert buyable["ids"][0] == ["G-02"]
        print("catalog:", dict(zip(hit["documents"][0], (m["stock"] for m in hit["metadatas"][0]))), "| backlog:", shop.backlog())
        shop.db.close()


if __name__ == "__main__":
    main()
