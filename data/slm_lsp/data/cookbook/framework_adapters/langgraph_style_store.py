"""A LangGraph-style long-term store on Chroma for a bank's advisor agent: namespaces, and operations in batches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

import chromadb

# The operation types as in langgraph.store.base; a graph passes them to batch() and abatch().
Namespace = tuple[str, ...]


class PutOp(NamedTuple):
    namespace: Namespace
    key: str
    value: dict[str, Any] | None  # None deletes
    index: Literal[False] | list[str] | None = None


class GetOp(NamedTuple):
    namespace: Namespace
    key: str


class SearchOp(NamedTuple):
    namespace_prefix: Namespace
    filter: dict[str, Any] | None = None
    limit: int = 10
    offset: int = 0
    query: str | None = None


class ListNamespacesOp(NamedTuple):
    prefix: Namespace = ()
    max_depth: int | None = None


class Item(NamedTuple):
    namespace: Namespace
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    score: float | None = None


def now() -> float:
    return datetime.now(timezone.utc).timestamp()


class ChromaStore:
    """One collection for everything.  A record's id is its namespace and key; each level of the namespace is metadata,
    so that a prefix becomes an equality filter."""

    SEPARATOR = "\x1f"

    def __init__(self, client: chromadb.ClientAPI, embed, fields: list[str], name: str = "langgraph-store") -> None:
        self._embed, self._fields = embed, fields
        self._items = client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        self._zero = [1e-6] * len(embed(""))  # unindexed items need a vector too, Chroma has no record without one

    # -- the two methods a BaseStore has to implement
    def batch(self, ops: Iterable[PutOp | GetOp | SearchOp | ListNamespacesOp]) -> list[Any]:
        handlers = {PutOp: self._put, GetOp: self._get, SearchOp: self._search, ListNamespacesOp: self._namespaces}
        return [handlers[type(op)](op) for op in ops]

    async def abatch(self, ops: Iterable[Any]) -> list[Any]:
        return await asyncio.to_thread(self.batch, list(ops))

    # -- and the shorthands that it offers
    def put(self, namespace: Namespace, key: str, value: dict[str, Any], index: Any = None) -> None:
        self.batch([PutOp(namespace, key, value, index)])

    def get(self, namespace: Namespace, key: str) -> Item | None:
        return self.batch([GetOp(namespace, key)])[0]

    def search(self, prefix: Namespace, /, **kwargs: Any) -> list[Item]:
        return self.batch([SearchOp(prefix, **kwargs)])[0]

    def delete(self, namespace: Namespace, key: str) -> None:
        self.batch([PutOp(namespace, key, None)])

    # -- operations
    def _id(self, namespace: Namespace, key: str) -> str:
        if not namespace or any(not level or self.SEPARATOR in level for level in (*namespace, key)):
            raise ValueError(f"invalid namespace or key: {namespace!r}, {key!r}")
        return self.SEPARATOR.join((*namespace, key))

    def _put(self, op: PutOp) -> None:
        record = self._id(op.namespace, op.key)
        old = self._items.get(ids=record, include=["metadatas"])["metadatas"]
        self._items.delete(ids=[record])  # upsert would merge, and keep keys of the old value
        if op.value is None:
            return
        indexed = [] if op.index is False else [str(op.value[f]) for f in op.index or self._fields if f in op.value]
        scalars = {f"v.{k}": v for k, v in op.value.items() if isinstance(v, (str, int, float, bool))}
        levels = {f"ns{depth}": level for depth, level in enumerate(op.namespace)}
        stamps = {"created": old[0]["created"] if old else now(), "updated": now()}
        self._items.add(
            ids=record,
            documents=json.dumps(op.value),
            embeddings=self._embed(" ".join(indexed)) if indexed else self._zero,
            metadatas={**scalars, **levels, **stamps, "depth": len(op.namespace), "indexed": bool(indexed)},
        )

    def _get(self, op: GetOp) -> Item | None:
        found = self._items.get(ids=self._id(op.namespace, op.key))
        return self._item(found["ids"][0], found["documents"][0], found["metadatas"][0]) if found["ids"] else None

    def _search(self, op: SearchOp) -> list[Item]:
        tests = [{f"ns{depth}": level} for depth, level in enumerate(op.namespace_prefix)]
        tests += [{f"v.{key}": test} for key, test in (op.filter or {}).items()]  # {"$gt": 1} passes through as it is
        if op.query is not None:
            tests.append({"indexed": True})
        where = {"$and": tests} if len(tests) > 1 else tests[0] if tests else None
        if op.query is None:
            page = self._items.get(where=where, limit=op.limit, offset=op.offset)
            return [self._item(*row) for row in zip(page["ids"], page["documents"], page["metadatas"])]
        hits = self._items.query(query_embeddings=self._embed(op.query), n_results=op.limit + op.offset, where=where)
        rows = zip(hits["ids"][0], hits["documents"][0], hits["metadatas"][0], hits["distances"][0])
        return [self._item(*row) for row in rows][op.offset :]  # query() has no offset of its own

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        where = {f"ns{d}": level for d, level in enumerate(op.prefix)} or None
        if where and len(where) > 1:
            where = {"$and": [{k: v} for k, v in where.items()]}
        ids = self._items.get(where=where, include=[])["ids"]
        return sorted({tuple(i.split(self.SEPARATOR)[:-1])[: op.max_depth] for i in ids})

    def _item(self, record: str, document: str, row: dict[str, Any], distance: float | None = None) -> Item:
        *namespace, key = record.split(self.SEPARATOR)
        created, updated = (datetime.fromtimestamp(row[k], timezone.utc) for k in ("created", "updated"))
        score = None if distance is None else 1 - distance
        return Item(tuple(namespace), key, json.loads(document), created, updated, score)


def embed(text: str) -> list[float]:
    terms = ["mortgage", "house", "risk", "share", "pension", "retire", "card", "travel"]
    return [0.02 + text.lower().count(term) for term in terms]


async def main() -> None:
    store = ChromaStore(chromadb.EphemeralClient(), embed, fields=["text"])
    store.put(("clients", "4711", "facts"), "home", {"text": "Wants a mortgage for a house in 2026", "weight": 3})
    store.put(("clients", "4711", "facts"), "risk", {"text": "Avoids risk, sold every share in 2020", "weight": 5})
    store.put(("clients", "4711", "private"), "pin-hint", {"text": "mother's house"}, index=False)
    store.put(("clients", "0815", "facts"), "old-age", {"text": "Retires in May, pension unclear", "weight": 4})

    found = store.search(("clients", "4711"), query="house mortgage?")
    assert [item.key for item in found][0] == "home" and found[0].score > 0.9
    assert "pin-hint" not in [item.key for item in found]  # stored, never searched by meaning
    assert store.get(("clients", "4711", "private"), "pin-hint").value == {"text": "mother's house"}
    heavy = store.search(("clients",), filter={"weight": {"$gte": 4}})
    assert sorted(item.key for item in heavy) == ["old-age", "risk"] and heavy[0].score is None

    first = store.get(("clients", "4711", "facts"), "risk")
    store.put(("clients", "4711", "facts"), "risk", {"text": "Took up one share again", "nested": {"isin": ["DE0001"]}})
    second = store.get(("clients", "4711", "facts"), "risk")
    assert second.created_at == first.created_at and second.updated_at > first.updated_at
    assert "weight" not in second.value and second.value["nested"]["isin"] == ["DE0001"]

    hit, namespaces, _, missing = await store.abatch([
        SearchOp(("clients",), query="pension, when retire", limit=1),
        ListNamespacesOp(prefix=("clients",), max_depth=2),
        PutOp(("clients", "0815", "facts"), "old-age", None),
        GetOp(("clients", "0815", "facts"), "old-age"),
    ])
    assert hit[0].namespace == ("clients", "0815", "facts") and missing is None
    assert namespaces == [("clients", "0815"), ("clients", "4711")]
    pages = [store.search(("clients",), limit=2, offset=offset) for offset in (0, 2)]
    assert [len(page) for page in pages] == [2, 1]
    try:
        store.put((), "x", {})
    except ValueError as error:
        print("refused:", error)
    else:
        raise AssertionError("an empty namespace was accepted")
    print("remembered:", found[0].value["text"], f"({found[0].score:.2f})")


if __name__ == "__main__":
    asyncio.run(main())
