"""Bill film studios for what they store: walk tenants, databases and collections, and keep a pool of clients.

There is no call that lists tenants, so the service keeps its own register of them, in Chroma itself: a
collection of the default tenant. The client pool holds at most a few clients open and closes the one that was
not used for longest.
"""

import csv
import io
import sys
import tempfile
from collections import OrderedDict
from decimal import Decimal

import chromadb
from chromadb.config import Settings

PRICE_PER_1000_FLOATS = Decimal("0.004")


class ClientPool:
    """Least-recently-used cache of clients. Clients of one path share one database underneath."""

    def __init__(self, path, capacity=2):
        self.path, self.capacity = path, capacity
        self._open = OrderedDict()
        self.opened = 0

    def settings(self):
        return Settings(is_persistent=True, persist_directory=self.path)

    def get(self, tenant, database):
        key = tenant, database
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        if len(self._open) >= self.capacity:
            _, oldest = self._open.popitem(last=False)
            oldest.close()
        self.opened += 1
        self._open[key] = chromadb.RustClient(
            path=self.path, settings=self.settings(), tenant=tenant, database=database
        )
        return self._open[key]

    def close(self):
        while self._open:
            self._open.popitem()[1].close()


class TenantRegister:
    """Names and rates of tenants: a collection used as a small table, with a constant vector."""

    def __init__(self, root):
        self._table = root.get_or_create_collection("tenant_register", embedding_function=None)

    def add(self, tenant, rate):
        self._table.upsert(ids=[tenant], embeddings=[[1.0]], metadatas=[{"rate": rate, "active": True}])

    def deactivate(self, tenant):
        self._table.update(ids=[tenant], metadatas=[{"active": False}])

    def active(self):
        rows = self._table.get(where={"active": True}, include=["metadatas"])
        return sorted((tenant, row["rate"]) for tenant, row in zip(rows["ids"], rows["metadatas"]))


def floats_in(collection):
    """Records times dimension: what a vector database's memory is made of."""
    count = collection.count()
    return count, count * (collection.get_model().dimension or 0)


def report(admin, pool, register):
    for tenant, rate in register.active():
        for database in sorted(d["name"] for d in admin.list_databases(limit=1000, offset=0, tenant=tenant)):
            client = pool.get(tenant, database)
            for collection in sorted(client.list_collections(), key=lambda c: c.name):
                records, floats = floats_in(collection)
                cost = (Decimal(floats) / 1000 * PRICE_PER_1000_FLOATS * Decimal(rate)).quantize(Decimal("0.00001"))
                yield {
                    "tenant": tenant,
                    "database": database,
                    "collection": collection.name,
                    "records": records,
                    "floats": floats,
                    "cost": cost,
                }


def write_csv(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def main():
    with tempfile.TemporaryDirectory() as path:
        pool = ClientPool(path, capacity=2)
        admin = chromadb.AdminClient(settings=pool.settings())
        register = TenantRegister(chromadb.Client(pool.settings()))

        footage = {
            "aurora-films": {"rushes": {"day_one": (40, 16), "day_two": (25, 16)}, "archive": {"stills": (10, 32)}},
            "kino-lab": {"rushes": {"interviews": (12, 8)}},
            "paper-moon": {"rushes": {}},
        }
        for tenant, databases in footage.items():
            admin.create_tenant(name=tenant)
            assert admin.get_tenant(name=tenant) == {"name": tenant}
            register.add(tenant, rate=1.0 if tenant != "kino-lab" else 0.5)
            for database, collections in databases.items():
                admin.create_database(name=database, tenant=tenant)
                assert admin.get_database(name=database, tenant=tenant)["tenant"] == tenant
                for name, (records, dimension) in collections.items():
                    scenes = pool.get(tenant, database).create_collection(name, embedding_function=None)
                    scenes.add(
                        ids=[f"{name}/{n}" for n in range(records)],
                        embeddings=[[(n * k) % 7 / 7 for k in range(1, dimension + 1)] for n in range(records)],
                    )

        rows = list(report(admin, pool, register))
        print(write_csv(rows), end="")
        assert [row["collection"] for row in rows] == ["stills", "day_one", "day_two", "interviews"]
        assert sum(row["records"] for row in rows) == 87
        aurora = [row for row in rows if row["tenant"] == "aurora-films"]
        assert sum(row["floats"] for row in aurora) == 65 * 16 + 10 * 32
        assert sum(row["cost"] for row in aurora) == Decimal("0.00544")
        assert rows[-1]["cost"] == Decimal("0.00019")  # half rate

        # Four places with two open clients: some had to be opened again, none is left behind.
        assert pool.opened > 4 and len(pool._open) == 2

        # A tenant that stops paying is skipped without touching its data.
        register.deactivate("kino-lab")
        assert {row["tenant"] for row in report(admin, pool, register)} == {"aurora-films"}
        assert pool.get("kino-lab", "rushes").get_collection("interviews", embedding_function=None).count() == 12

        # A tenant that leaves takes its databases along; the register forgets it.
        admin.delete_database(name="rushes", tenant="paper-moon")
        assert list(admin.list_databases(tenant="paper-moon")) == []

        print(f"{pool.opened} clients opened in all", file=sys.stderr)
        pool.close()
        chromadb.Client(pool.settings()).clear_system_cache()


if __name__ == "__main__":
    main()
