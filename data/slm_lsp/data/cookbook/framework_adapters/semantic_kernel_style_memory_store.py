"""An async memory store in the style of Semantic Kernel, keeping a travel concierge's memories in Chroma collections."""
from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from functools import partial

import chromadb
import numpy as np
from chromadb.errors import NotFoundError

try:
    from semantic_kernel.memory.memory_record import MemoryRecord
    from semantic_kernel.memory.memory_store_base import MemoryStoreBase
except ImportError:

    @dataclass
    class MemoryRecord:
        is_reference: bool
        external_source_name: str | None
        id: str
        description: str | None
        text: str | None
        additional_metadata: str | None
        embedding: np.ndarray | None = None
        key: str | None = None
        timestamp: dt.datetime | None = field(default_factory=lambda: dt.datetime.now(dt.timezone.utc))

        @staticmethod
        def local_record(id: str, text: str, description: str, additional_metadata: str, embedding) -> MemoryRecord:
            return MemoryRecord(False, None, id, description, text, additional_metadata, embedding)

    class MemoryStoreBase(ABC):
        @abstractmethod
        async def upsert(self, collection_name: str, record: MemoryRecord) -> str: ...

        @abstractmethod
        async def get_nearest_matches(self, collection_name: str, embedding, limit: int, **options) -> list: ...


class ChromaMemory(MemoryStoreBase):
    """Chroma's embedded client blocks, so each call runs in a worker thread and the kernel's event loop stays free."""

    def __init__(self, persist_directory: str) -> None:
        self._client = chromadb.PersistentClient(path=persist_directory)

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)

    # -- collections
    async def create_collection(self, collection_name: str) -> None:
        # cosine, because the kernel's min_relevance_score is a cosine similarity
        create = partial(
            self._client.create_collection,
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=None,
            get_or_create=True,
        )
        await asyncio.to_thread(create, collection_name)

    async def get_collections(self) -> list[str]:
        return [collection.name for collection in await asyncio.to_thread(self._client.list_collections)]

    async def delete_collection(self, collection_name: str) -> None:
        try:
            await asyncio.to_thread(self._client.delete_collection, collection_name)
        except NotFoundError:
            pass  # the kernel's contract: deleting what is not there is fine

    async def _open(self, name: str) -> chromadb.Collection | None:
        try:
            return await asyncio.to_thread(self._client.get_collection, name, embedding_function=None)
        except NotFoundError:
            return None

    async def _require(self, name: str) -> chromadb.Collection:
        collection = await self._open(name)
        if collection is None:
            raise LookupError(f"collection '{name}' does not exist")
        return collection

    # -- records
    async def upsert(self, collection_name: str, record: MemoryRecord) -> str:
        (key,) = await self.upsert_batch(collection_name, [record])
        return key

    async def upsert_batch(self, collection_name: str, records: list[MemoryRecord]) -> list[str]:
        collection = await self._require(collection_name)
        await asyncio.to_thread(
            collection.upsert,
            ids=[record.id for record in records],
            embeddings=[np.asarray(record.embedding, dtype=np.float32) for record in records],
            documents=[record.text or "" for record in records],
            metadatas=[self._row(record) for record in records],
        )
        return [record.id for record in records]

    async def get(self, collection_name: str, key: str, with_embedding: bool = False) -> MemoryRecord | None:
        found = await self.get_batch(collection_name, [key], with_embedding)
        return found[0] if found else None

    async def get_batch(
        self, collection_name: str, keys: list[str], with_embeddings: bool = False
    ) -> list[MemoryRecord]:
        collection = await self._require(collection_name)
        include = ["documents", "metadatas"] + (["embeddings"] if with_embeddings else [])
        found = await asyncio.to_thread(collection.get, ids=keys, include=include)
        vectors = found["embeddings"] if with_embeddings else [None] * len(found["ids"])
        return [self._record(*parts) for parts in zip(found["ids"], found["documents"], found["metadatas"], vectors)]

    async def remove(self, collection_name: str, key: str) -> None:
        collection = await self._require(collection_name)
        await asyncio.to_thread(collection.delete, ids=[key])

    async def get_nearest_matches(
        self, collection_name: str, embedding: np.ndarray, limit: int = 1,
        min_relevance_score: float = 0.0, with_embeddings: bool = False,
    ) -> list[tuple[MemoryRecord, float]]:
        collection = await self._require(collection_name)
        hits = await asyncio.to_thread(
            collection.query,
            query_embeddings=[embedding],
            n_results=limit,
            include=["documents", "metadatas", "distances", "embeddings"],
        )
        matches = []
        columns = (hits[c][0] for c in ("ids", "documents", "metadatas", "embeddings", "distances"))
        for *parts, vector, distance in zip(*columns):
            if (relevance := 1.0 - distance) >= min_relevance_score:
                matches.append((self._record(*parts, vector if with_embeddings else None), relevance))
        return matches

    # -- mapping
    @staticmethod
    def _row(record: MemoryRecord) -> dict:
        row = {"reference": record.is_reference, "timestamp": record.timestamp.timestamp()}
        optional = {"source": record.external_source_name, "description": record.description}
        optional["extra"] = record.additional_metadata
        return row | {key: value for key, value in optional.items() if value is not None}  # metadata takes no None

    @staticmethod
    def _record(key: str, text: str, row: dict, vector) -> MemoryRecord:
        when = dt.datetime.fromtimestamp(row["timestamp"], dt.timezone.utc)
        return MemoryRecord(
            row["reference"], row.get("source"), key, row.get("description"), text, row.get("extra"), vector, key, when
        )


def embed(text: str) -> np.ndarray:
    topics = ["train", "window", "vegetarian", "museum", "beach", "allerg", "kids"]
    return np.array([0.02 + text.lower().count(topic) for topic in topics], dtype=np.float32)


def memory(id: str, text: str, description: str = "preference", extra: str = "") -> MemoryRecord:
    return MemoryRecord.local_record(
        id=id, text=text, description=description, additional_metadata=extra, embedding=embed(text)
    )


async def concierge(folder: str) -> None:
    store = ChromaMemory(folder)
    await asyncio.gather(*(store.create_collection(f"guest-{name}") for name in ("lindqvist", "okoye")))
    assert sorted(await store.get_collections()) == ["guest-lindqvist", "guest-okoye"]
    facts = [
        memory("m1", "Prefers the train and a window seat."),
        memory("m2", "Vegetarian, allergic to nuts.", extra="diet"),
        memory("m3", "Kids are 4 and 7: a museum only if there is a beach after."),
    ]
    assert await store.upsert_batch("guest-lindqvist", facts) == ["m1", "m2", "m3"]

    (best, relevance), *_ = await store.get_nearest_matches("guest-lindqvist", embed("which train, window?"), limit=2)
    assert best.id == "m1" and relevance > 0.95
    strict = await store.get_nearest_matches("guest-lindqvist", embed("museum"), limit=3, min_relevance_score=0.5)
    assert [record.id for record, _ in strict] == ["m3"]
    original = await store.get("guest-lindqvist", "m2", with_embedding=True)
    assert np.allclose(original.embedding, facts[1].embedding)
    assert asdict(original)["additional_metadata"] == "diet" and original.timestamp == facts[1].timestamp
    await store.upsert("guest-lindqvist", memory("m2", "Vegetarian. No allergies after all.", extra="diet"))
    assert (await store.get("guest-lindqvist", "m2")).text.endswith("after all.")
    assert await store.get_nearest_matches("guest-okoye", embed("train")) == []  # guests do not share memories
    await store.remove("guest-lindqvist", "m1")
    assert await store.get("guest-lindqvist", "m1") is None
    await store.delete_collection("guest-okoye")
    await store.delete_collection("guest-okoye")
    try:
        await store.upsert("guest-okoye", memory("x", "x"))
    except LookupError as error:
        print("refused:", error)
    else:
        raise AssertionError("written to a collection that does not exist")
    await store.close()
    print(f"best match: {best.text} ({relevance:.2f})")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(concierge(folder))
