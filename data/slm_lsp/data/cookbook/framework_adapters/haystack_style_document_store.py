"""A Haystack 2 document store for news on Chroma, with duplicate policies, Haystack's filters and a retriever."""
import hashlib
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Dict, List, Optional

import chromadb

try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.document_stores.errors import DuplicateDocumentError
    from haystack.document_stores.types import DuplicatePolicy
except ImportError:
    # What of `haystack` is needed below, so that the store can be read and run without it

    @dataclass
    class Document:
        content: Optional[str] = None
        meta: Dict[str, Any] = field(default_factory=dict)
        embedding: Optional[List[float]] = None
        score: Optional[float] = None
        id: str = ""

        def __post_init__(self):
            self.id = self.id or hashlib.sha256(f"{self.content}{self.meta}".encode()).hexdigest()

    class DuplicatePolicy(Enum):
        NONE, SKIP, OVERWRITE, FAIL = "none", "skip", "overwrite", "fail"

    class DuplicateDocumentError(ValueError):
        pass

    def component(cls):
        return cls

    component.output_types = lambda **types: lambda method: method

    def default_to_dict(obj, **init_parameters):
        return {"type": f"{type(obj).__module__}.{type(obj).__qualname__}", "init_parameters": init_parameters}

    def default_from_dict(cls, data):
        return cls(**data["init_parameters"])

COMPARISONS = {
    "==": "$eq", "!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte", "in": "$in", "not in": "$nin",
}
FLIP = {
    "$eq": "$ne", "$ne": "$eq", "$gt": "$lte", "$gte": "$lt", "$lt": "$gte", "$lte": "$gt", "$in": "$nin", "$nin": "$in",
}


def haystack_filter_to_where(filters: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """{"field": "meta.x", "operator": ">", "value": 1} and nested AND/OR/NOT conditions -> Chroma's `where`."""
    if not filters:
        return None
    if "conditions" in filters:
        parts = [haystack_filter_to_where(condition) for condition in filters["conditions"]]
        if filters["operator"] == "NOT":
            # not (a and b) = (not a) or (not b); only single comparisons can be turned round
            tests = [(key, *test.popitem()) for part in parts for key, test in part.items()]
            flipped = [{key: {FLIP[operator]: value}} for key, operator, value in tests]
            return flipped[0] if len(flipped) == 1 else {"$or": flipped}
        return parts[0] if len(parts) == 1 else {f"${filters['operator'].lower()}": parts}
    return {filters["field"].removeprefix("meta."): {COMPARISONS[filters["operator"]]: filters["value"]}}


class ChromaNewsStore:
    """Implements haystack's DocumentStore protocol: count, filter, write and delete documents, to_dict, from_dict."""

    def __init__(self, collection_name: str = "documents", distance: str = "cosine", page: int = 100):
        self.collection_name = collection_name
        self.distance = distance
        self.page = page
        self._collection = chromadb.EphemeralClient().get_or_create_collection(
            name=collection_name,
            configuration={"hnsw": {"space": distance}},
            embedding_function=None,
        )

    def to_dict(self) -> Dict[str, Any]:
        return default_to_dict(self, collection_name=self.collection_name, distance=self.distance, page=self.page)

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> "ChromaNewsStore":
        return default_from_dict(cls, data)

    def count_documents(self) -> int:
        return self._collection.count()

    def filter_documents(self, filters: Optional[Dict[str, Any]] = None) -> List[Document]:
        where, documents, offset = haystack_filter_to_where(filters), [], 0
        while True:
            got = self._collection.get(
                where=where, limit=self.page, offset=offset, include=["documents", "metadatas", "embeddings"]
            )
            for key, text, meta, vector in zip(got["ids"], got["documents"], got["metadatas"], got["embeddings"]):
                documents.append(Document(id=key, content=text, meta=meta or {}, embedding=vector.tolist()))
            if len(got["ids"]) < self.page:
                return documents
            offset += self.page

    def write_documents(self, documents: List[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE) -> int:
        if any(document.embedding is None for document in documents):
            raise ValueError("run an embedder before the writer: Chroma is given vectors here, it makes none")
        present = set(self._collection.get(ids=[d.id for d in documents], include=[])["ids"])
        if present and policy in (DuplicatePolicy.NONE, DuplicatePolicy.FAIL):
            raise DuplicateDocumentError(f"already stored: {', '.join(sorted(present))}")
        if policy is DuplicatePolicy.SKIP:
            documents = [document for document in documents if document.id not in present]
        if not documents:
            return 0
        self._collection.upsert(
            ids=[d.id for d in documents],
            documents=[d.content or "" for d in documents],
            embeddings=[d.embedding for d in documents],
            metadatas=[d.meta or None for d in documents],
        )
        return len(documents)

    def delete_documents(self, document_ids: List[str]) -> None:
        if document_ids:  # an empty list is refused by Chroma, and harmless in Haystack
            self._collection.delete(ids=document_ids)

    def search(self, embedding: List[float], top_k: int, filters: Optional[Dict[str, Any]]) -> List[Document]:
        hits = self._collection.query(
            query_embeddings=embedding, n_results=top_k, where=haystack_filter_to_where(filters)
        )
        return [
            Document(id=key, content=text, meta=meta or {}, score=1 - distance)
            for key, text, meta, distance in zip(*(hits[c][0] for c in ("ids", "documents", "metadatas", "distances")))
        ]


@component
class NewsEmbeddingRetriever:
    def __init__(self, document_store: ChromaNewsStore, top_k: int = 10, filters: Optional[Dict[str, Any]] = None):
        self.document_store, self.top_k, self.filters = document_store, top_k, filters

    @component.output_types(documents=List[Document])
    def run(self, query_embedding: List[float], top_k: Optional[int] = None, filters: Optional[Dict[str, Any]] = None):
        found = self.document_store.search(query_embedding, top_k or self.top_k, filters or self.filters)
        return {"documents": found}


def sections(text: str) -> List[float]:
    desks = ("goal match coach", "tram council bridge", "bank rates shares", "opera film novel")
    return [0.1 + sum(word in text.lower() for word in words.split()) for words in desks]


def article(key: str, text: str, **meta: Any) -> Document:
    return Document(id=key, content=text, meta=meta, embedding=sections(text))


def main() -> None:
    store = ChromaNewsStore("news", page=2)  # a tiny page, to see the paging work
    morning = [
        article("n1", "Late goal decides the match, coach relieved.", desk="sport", words=420),
        article("n2", "Council closes the bridge, tram diverted.", desk="city", words=610),
        article("n3", "Bank lifts rates, shares fall.", desk="money", words=530),
        article("n4", "New opera after a novel.", desk="arts", words=380),
        article("n5", "Tram drivers strike.", desk="city", words=150),
    ]
    assert store.write_documents(morning) == 5 == store.count_documents() == len(store.filter_documents())

    corrected = replace(morning[2], content="Bank cuts rates, shares rise.")
    assert store.write_documents([corrected, morning[0]], DuplicatePolicy.SKIP) == 0
    try:
        store.write_documents([corrected])
    except DuplicateDocumentError as error:
        print("refused:", error)
    else:
        raise AssertionError("the duplicate was written")
    assert store.write_documents([corrected], DuplicatePolicy.OVERWRITE) == 1
    only_n3 = store.filter_documents({"field": "meta.desk", "operator": "==", "value": "money"})
    assert [d.content for d in only_n3] == ["Bank cuts rates, shares rise."]

    long_reads = {"operator": "AND", "conditions": [
        {"field": "meta.words", "operator": ">=", "value": 400},
        {"operator": "NOT", "conditions": [{"field": "meta.desk", "operator": "==", "value": "sport"}]},
    ]}
    assert {d.id for d in store.filter_documents(long_reads)} == {"n2", "n3"}

    retriever = NewsEmbeddingRetriever(store, top_k=2)
    top = retriever.run(query_embedding=sections("tram and bridge"))["documents"]
    assert [d.id for d in top][0] == "n2" and {d.id for d in top} == {"n2", "n5"} and top[0].score > 0.9
    short = retriever.run(sections("tram"), top_k=1, filters={"field": "meta.words", "operator": "<", "value": 200})
    assert [d.id for d in short["documents"]] == ["n5"]

    # A pipeline saved as YAML finds the same collection again.
    twin = ChromaNewsStore.from_dict(store.to_dict())
    twin.delete_documents(["n4", "n5"])
    twin.delete_documents([])
    assert store.count_documents() == 3
    print("tram and bridge:", [(d.id, round(d.score, 2)) for d in top])


if __name__ == "__main__":
    main()
