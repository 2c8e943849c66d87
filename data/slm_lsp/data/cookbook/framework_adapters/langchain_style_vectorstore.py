"""A LangChain VectorStore of mountain huts over a Chroma collection, with scores, filters and maximal marginal relevance."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import chromadb
import numpy as np

try:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import VectorStore
except ImportError:  # the few lines of langchain-core that this adapter touches
    from dataclasses import dataclass, field

    @dataclass
    class Document:
        page_content: str
        metadata: dict = field(default_factory=dict)
        id: str | None = None

    class Embeddings:
        pass

    @dataclass
    class _Retriever:
        store: VectorStore
        search_type: str
        search_kwargs: dict

        def invoke(self, query: str) -> list[Document]:
            method = {"similarity": "similarity_search", "mmr": "max_marginal_relevance_search"}[self.search_type]
            return getattr(self.store, method)(query, **self.search_kwargs)

    class VectorStore:
        def as_retriever(self, search_type: str = "similarity", search_kwargs: dict | None = None) -> _Retriever:
            return _Retriever(self, search_type, search_kwargs or {})


class ChromaStore(VectorStore):
    """LangChain embeds, Chroma stores: the collection is created without an embedding function of its own."""

    def __init__(
        self,
        collection_name: str,
        embedding: Embeddings,
        client: chromadb.ClientAPI | None = None,
        collection_metadata: dict[str, Any] | None = None,
    ) -> None:
        self._client = client or chromadb.EphemeralClient()
        self._embedding = embedding
        self._name, self._metadata = collection_name, collection_metadata
        self._collection = self._open()

    def _open(self) -> chromadb.Collection:
        return self._client.get_or_create_collection(
            name=self._name,
            metadata=self._metadata,
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=None,
        )

    @property
    def embeddings(self) -> Embeddings:
        return self._embedding

    @classmethod
    def from_texts(cls, texts, embedding, metadatas=None, *, ids=None, collection_name="langchain", **kwargs):
        store = cls(collection_name, embedding, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(
        self, texts: Iterable[str], metadatas: list[dict] | None = None, *, ids: list[str] | None = None, **kwargs: Any
    ) -> list[str]:
        texts = list(texts)
        ids = ids or [str(uuid.uuid4()) for _ in texts]
        vectors = self._embedding.embed_documents(texts)
        # Chroma wants None, not {}, for "no metadata"
        rows = [row or None for row in metadatas] if metadatas else None
        size = self._client.get_max_batch_size()
        for start in range(0, len(ids), size):
            part = slice(start, start + size)
            self._collection.upsert(
                ids=ids[part],
                embeddings=vectors[part],
                documents=texts[part],
                metadatas=rows[part] if rows else None,
            )
        return ids

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        if ids is None and not kwargs:
            raise ValueError("ids or a where filter is needed; use reset_collection() to drop everything")
        self._collection.delete(ids=ids, **kwargs)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        found = self._collection.get(ids=list(ids), include=["documents", "metadatas"])
        rows = zip(found["ids"], found["documents"], found["metadatas"])
        by_id = {i: Document(page_content=text, metadata=row or {}, id=i) for i, text, row in rows}
        return [by_id[i] for i in ids if i in by_id]  # Chroma's order is not the order of the question

    def similarity_search(self, query: str, k: int = 4, filter: dict | None = None, **kwargs: Any) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **kwargs)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: dict | None = None, where_document: dict | None = None
    ) -> list[tuple[Document, float]]:
        result = self._collection.query(
            query_embeddings=[self._embedding.embed_query(query)],
            n_results=k,
            where=filter,
            where_document=where_document,
            include=["documents", "metadatas", "distances"],
        )
        columns = (result[key][0] for key in ("ids", "documents", "metadatas", "distances"))
        return [(Document(page_content=d, metadata=m or {}, id=i), score) for i, d, m, score in zip(*columns)]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, filter: dict | None = None, **kwargs: Any
    ) -> list[Document]:
        wanted = np.asarray(self._embedding.embed_query(query))
        pool = self._collection.query(
            query_embeddings=[wanted], n_results=fetch_k, where=filter, include=["embeddings", "documents", "metadatas"]
        )
        vectors = np.asarray(pool["embeddings"][0])
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        relevance = vectors @ (wanted / np.linalg.norm(wanted))
        chosen: list[int] = []
        while len(chosen) < min(k, len(vectors)):
            redundancy = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(len(vectors))
            gain = lambda_mult * relevance - (1 - lambda_mult) * redundancy
            gain[chosen] = -np.inf
            chosen.append(int(gain.argmax()))
        ids, documents, rows = (pool[key][0] for key in ("ids", "documents", "metadatas"))
        return [Document(page_content=documents[i], metadata=rows[i] or {}, id=ids[i]) for i in chosen]

    def reset_collection(self) -> None:
        self._client.delete_collection(self._name)
        self._collection = self._open()


class HutWords(Embeddings):
    words = ["glacier", "lake", "via ferrata", "sauna", "winter", "family", "summit", "sunrise", "soup"]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[0.05 + text.lower().count(word) for word in self.words] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


HUTS = [
    ("payer", "Below the summit, sunrise over the glacier. Good soup.", {"altitude": 3029, "beds": 60}),
    ("lake-hut", "Family hut on a lake, boats and soup.", {"altitude": 1510, "beds": 48}),
    ("old-lake-hut", "Family hut at the lake, quieter than the new one.", {"altitude": 1530, "beds": 20}),
    ("iron", "Start of the via ferrata, helmets for rent.", {"altitude": 2250, "beds": 90}),
    ("tarn", "Sauna beside a mountain lake, open in winter.", {"altitude": 1980, "beds": 34}),
]


def main() -> None:
    ids, texts, rows = map(list, zip(*HUTS))
    huts = ChromaStore.from_texts(texts, HutWords(), rows, ids=ids, collection_name="huts")

    hit, score = huts.similarity_search_with_score("sauna in winter", k=1)[0]
    assert hit.id == "tarn" and 0 <= score < 0.5
    high = huts.as_retriever(search_kwargs={"k": 2, "filter": {"altitude": {"$gt": 2000}}})
    assert [d.id for d in high.invoke("glacier and sunrise")][0] == "payer"

    similar = [d.id for d in huts.similarity_search("family lake", k=2)]
    diverse = huts.as_retriever(search_type="mmr", search_kwargs={"k": 2, "lambda_mult": 0.3})
    varied = [d.id for d in diverse.invoke("family lake")]
    assert set(similar) == {"lake-hut", "old-lake-hut"} and set(varied) != set(similar)
    assert [d.id for d in huts.get_by_ids(["tarn", "nowhere", "iron"])] == ["tarn", "iron"]

    assert huts.delete(where={"beds": {"$lt": 30}}) and huts.get_by_ids(["old-lake-hut"]) == []
    fresh = huts.add_texts(["A bivouac, no soup at all."], [{}])
    assert huts.get_by_ids(fresh)[0].metadata == {}
    print("similar:", similar, "| varied:", varied)
    huts.reset_collection()
    assert huts.similarity_search("lake") == []


if __name__ == "__main__":
    main()
