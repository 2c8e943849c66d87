"""In which order offers come, where neither the workspace nor what was typed decides.

Knows: what people write most, counted in open projects and in ChromaDB's own guides. Must not know: which names exist;
a name that an installed version lacks is never looked up here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

MEMBERS = {
    "chromadb": "PersistentClient HttpClient EphemeralClient Client AsyncHttpClient CloudClient AdminClient "
    "Collection ClientAPI Settings Documents EmbeddingFunction Embeddings QueryResult GetResult",
    "client": "get_or_create_collection get_collection create_collection list_collections delete_collection heartbeat "
    "count_collections reset get_max_batch_size get_version close",
    "collection": "query add get count upsert delete update peek modify name metadata id configuration",
    "embedding_functions": "DefaultEmbeddingFunction SentenceTransformerEmbeddingFunction OpenAIEmbeddingFunction "
    "OllamaEmbeddingFunction HuggingFaceEmbeddingFunction CohereEmbeddingFunction",
}
KEYWORDS = {
    "query": "query_texts n_results where include where_document query_embeddings ids",
    "get": "ids where include limit where_document offset",
    "add": "documents ids metadatas embeddings",
    "upsert": "documents ids metadatas embeddings",
    "update": "ids documents metadatas embeddings",
    "delete": "ids where where_document",
    "modify": "name metadata configuration",
    "create_collection": "name embedding_function metadata configuration get_or_create",
    "get_or_create_collection": "name embedding_function metadata configuration",
    "PersistentClient": "path settings",
    "HttpClient": "host port ssl headers settings",
    "AsyncHttpClient": "host port ssl headers settings",
    "Settings": "anonymized_telemetry allow_reset is_persistent persist_directory",
}
VALUES = {
    "include": "documents metadatas distances embeddings uris data",
    "results": "documents metadatas ids distances embeddings",
    "where": "$eq $in $gte $lte $gt $lt $ne $nin $contains $not_contains",
    "logical": "$and $or",
    "where_document": "$contains $not_contains $and $or $regex $not_regex",
    "space": "cosine l2 ip",
    "hnsw": "space ef_construction ef_search max_neighbors",
}


def ranked(names: Iterable[str], order: str | Sequence[str], counts: Mapping[str, int] | None = None) -> list[str]:
    """The names: those the user uses most first, then those of a given order, then the others as they come."""
    places = {name: place for place, name in enumerate(order.split() if isinstance(order, str) else order)}
    said = counts or {}
    return sorted(names, key=lambda name: (-said.get(name, 0), places.get(name, len(places))))
