"""Enforce per-tenant quotas (collections, records, document bytes) in front of Chroma for a note-taking service.

Chroma counts records cheaply, but knows no limits of its own when self-hosted. The gate below checks before it
writes, charges an upsert only for ids that are new, and refuses a whole batch rather than half of one.
"""
from __future__ import annotations

import tempfile
from dataclasses import dataclass, field

import chromadb
from chromadb import IntInvertedIndexConfig, Schema
from chromadb.config import Settings


class QuotaExceeded(Exception):
    def __init__(self, tenant: str, what: str, would_be: int, limit: int) -> None:
        super().__init__(f"{tenant}: {would_be} {what} would exceed the plan's {limit}")
        self.what, self.would_be, self.limit = what, would_be, limit


@dataclass(frozen=True)
class Plan:
    name: str
    collections: int
    records: int
    document_bytes: int


FREE = Plan("free", collections=1, records=5, document_bytes=400)
TEAM = Plan("team", collections=3, records=50, document_bytes=10_000)


@dataclass
class Usage:
    collections: int = 0
    records: int = 0
    document_bytes: int = 0
    per_collection: dict[str, int] = field(default_factory=dict)


def syllable_vector(text: str) -> list[float]:
    """Any cheap stand-in will do: vowel positions folded into eight bins."""
    bins = [0.0] * 8
    for position, letter in enumerate(text.lower()):
        if letter in "aeiou":
            bins[(position + ord(letter)) % 8] += 1.0
    return bins


class MeteredTenant:
    """One tenant's client together with its plan."""

    def __init__(self, path: str, name: str, plan: Plan) -> None:
        self.name, self.plan = name, plan
        settings = Settings(is_persistent=True, persist_directory=path)
        admin = chromadb.AdminClient(settings=settings)
        admin.create_tenant(name=name)
        admin.create_database(name="notes", tenant=name)
        self.client = chromadb.RustClient(path=path, settings=settings, tenant=name, database="notes")

    def usage(self) -> Usage:
        usage = Usage()
        for collection in self.client.list_collections():
            count = collection.count()
            usage.collections += 1
            usage.records += count
            usage.per_collection[collection.name] = count
            # The size is kept per record when it is written: summing numbers beats fetching documents.
            sizes = collection.get(include=["metadatas"])["metadatas"]
            usage.document_bytes += sum(metadata["bytes"] for metadata in sizes)
        return usage

    def _check(self, **would_be: int) -> None:
        for what, amount in would_be.items():
            limit = getattr(self.plan, what)
            if amount > limit:
                raise QuotaExceeded(self.name, what, amount, limit)

    def notebook(self, name: str):
        if name not in {collection.name for collection in self.client.list_collections()}:
            self._check(collections=self.client.count_collections() + 1)
        # Integers are for our bookkeeping: `bytes` is read, never filtered on, so it needs no index.
        schema = Schema().delete_index(config=IntInvertedIndexConfig(), key="bytes")
        return self.client.get_or_create_collection(name=name, schema=schema, embedding_function=None)

    def write(self, notebook: str, notes: dict[str, str]) -> Usage:
        """Upsert notes by id. Raises QuotaExceeded before anything is written."""
        collection = self.notebook(notebook)
        sizes = {key: len(text.encode()) for key, text in notes.items()}
        replaced = collection.get(ids=list(notes), include=["metadatas"])
        freed = sum(metadata["bytes"] for metadata in replaced["metadatas"])
        now = self.usage()
        self._check(
            records=now.records + len(notes) - len(replaced["ids"]),
            document_bytes=now.document_bytes + sum(sizes.values()) - freed,
        )
        collection.upsert(
            ids=list(notes),
            documents=list(notes.values()),
            embeddings=[syllable_vector(text) for text in notes.values()],
            metadatas=[{"bytes": sizes[key]} for key in notes],
        )
        return self.usage()


def expect_refusal(what: str, action) -> None:
    try:
        action()
    except QuotaExceeded as refusal:
        assert refusal.what == what, refusal
        print("refused:", refusal)
    else:
        raise AssertionError(f"{what} should be over quota")


def main() -> None:
    with tempfile.TemporaryDirectory() as path:
        service(path)
        chromadb.Client().clear_system_cache()  # lets go of the files before the folder is removed


def service(path: str) -> None:
    anna = MeteredTenant(path, "anna", FREE)
    choir = MeteredTenant(path, "city-choir", TEAM)

    assert anna.write("diary", {f"day-{n}": f"Walked {n} kilometres along the river" for n in range(4)}).records == 4
    expect_refusal("collections", lambda: anna.write("recipes", {"soup": "Leek and potato"}))
    expect_refusal("records", lambda: anna.write("diary", {"day-4": "Rain", "day-5": "More rain"}))
    assert anna.usage().records == 4, "a refused batch leaves nothing behind"

    # Replacing costs no record, and only the difference in bytes.
    before = anna.usage().document_bytes
    after = anna.write("diary", {"day-0": "Rested"})
    assert after.records == 4 and after.document_bytes < before
    expect_refusal("document_bytes", lambda: anna.write("diary", {"day-4": "blister " * 60}))

    # Deleting makes room again.
    diary = anna.notebook("diary")
    assert diary.delete(ids=["day-1", "day-2"])["deleted"] == 2
    assert anna.write("diary", {"day-4": "Rain", "day-5": "More rain", "day-6": "Sun"}).records == 5

    # Another tenant has its own meter, and notebooks of the same name do not mix.
    choir.write("diary", {f"rehearsal-{n}": "Sopranos late, basses later" for n in range(20)})
    choir.write("programme", {"spring": "Requiem, second movement", "autumn": "Madrigals"})
    assert choir.usage().per_collection == {"diary": 20, "programme": 2}
    assert anna.usage().records == 5
    hit = choir.notebook("programme").query(query_embeddings=[syllable_vector("Madrigal")], n_results=1)
    assert hit["ids"] == [["autumn"]]

    for tenant in (anna, choir):
        used = tenant.usage()
        print(
            f"{tenant.name:<11} {tenant.plan.name:<5} {used.collections}/{tenant.plan.collections} notebooks, "
            f"{used.records}/{tenant.plan.records} notes, {used.document_bytes}/{tenant.plan.document_bytes} bytes"
        )


if __name__ == "__main__":
    main()
