"""A LlamaIndex vector store on Chroma for chunks of clinical guidelines: add, delete by source document, filtered queries."""
from __future__ import annotations

import json
from enum import Enum
from typing import Any, List, Optional

import chromadb
from pydantic import BaseModel, Field, PrivateAttr

try:
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
    from llama_index.core.vector_stores.types import (
        BasePydanticVectorStore, FilterCondition, FilterOperator, MetadataFilter, MetadataFilters,
        VectorStoreQuery, VectorStoreQueryResult,
    )
except ImportError:
    # the part of llama-index-core's data model that a vector store sees
    class NodeRelationship(str, Enum):
        SOURCE = "1"

    class RelatedNodeInfo(BaseModel):
        node_id: str

    class TextNode(BaseModel):
        id_: str
        text: str = ""
        embedding: Optional[List[float]] = None
        metadata: dict = Field(default_factory=dict)
        relationships: dict = Field(default_factory=dict)

        @property
        def node_id(self) -> str:
            return self.id_

        @property
        def ref_doc_id(self) -> Optional[str]:
            source = self.relationships.get(NodeRelationship.SOURCE)
            return source.node_id if source else None

    class FilterOperator(str, Enum):
        EQ, NE, GT, GTE, LT, LTE = "==", "!=", ">", ">=", "<", "<="
        IN, NIN, CONTAINS, TEXT_MATCH = "in", "nin", "contains", "text_match"

    class FilterCondition(str, Enum):
        AND, OR = "and", "or"

    class MetadataFilter(BaseModel):
        key: str
        value: Any
        operator: FilterOperator = FilterOperator.EQ

    class MetadataFilters(BaseModel):
        filters: list
        condition: FilterCondition = FilterCondition.AND

    class VectorStoreQuery(BaseModel):
        query_embedding: Optional[List[float]] = None
        similarity_top_k: int = 1
        filters: Optional[MetadataFilters] = None
        node_ids: Optional[List[str]] = None

    class VectorStoreQueryResult(BaseModel):
        nodes: Optional[list] = None
        similarities: Optional[List[float]] = None
        ids: Optional[List[str]] = None

    class BasePydanticVectorStore(BaseModel):
        stores_text: bool


OPERATORS = {
    FilterOperator.EQ: "$eq", FilterOperator.NE: "$ne", FilterOperator.GT: "$gt", FilterOperator.GTE: "$gte",
    FilterOperator.LT: "$lt", FilterOperator.LTE: "$lte", FilterOperator.IN: "$in", FilterOperator.NIN: "$nin",
    FilterOperator.CONTAINS: "$contains",
}


def to_where(filters: Optional[MetadataFilters]) -> Optional[dict]:
    if filters is None or not filters.filters:
        return None
    parts = []
    for item in filters.filters:
        if isinstance(item, MetadataFilters):
            parts.append(to_where(item))
        elif item.operator not in OPERATORS:
            raise ValueError(f"{item.operator.value} on metadata is not supported by Chroma")
        else:
            parts.append({item.key: {OPERATORS[item.operator]: item.value}})
    return parts[0] if len(parts) == 1 else {f"${filters.condition.value}": parts}


class GuidelineVectorStore(BasePydanticVectorStore):
    stores_text: bool = True
    collection_name: str
    _collection: Any = PrivateAttr()

    def __init__(self, client: chromadb.ClientAPI, collection_name: str, **kwargs: Any) -> None:
        super().__init__(collection_name=collection_name, **kwargs)
        self._collection = client.get_or_create_collection(
            collection_name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    @property
    def client(self) -> Any:
        return self._collection

    def add(self, nodes: List[TextNode], **add_kwargs: Any) -> List[str]:
        rows = []
        for node in nodes:
            # What is no scalar travels as JSON in one private key; scalars stay filterable.
            flat = {k: v for k, v in node.metadata.items() if isinstance(v, (str, int, float, bool))}
            rest = {k: v for k, v in node.metadata.items() if k not in flat}
            rows.append({**flat, "_rest": json.dumps(rest), "ref_doc_id": node.ref_doc_id or "none"})
        self._collection.upsert(
            ids=[node.node_id for node in nodes],
            embeddings=[node.embedding for node in nodes],
            documents=[node.text for node in nodes],
            metadatas=rows,
        )
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        self._collection.delete(where={"ref_doc_id": ref_doc_id})

    def get_nodes(
        self, node_ids: Optional[List[str]] = None, filters: Optional[MetadataFilters] = None
    ) -> List[TextNode]:
        found = self._collection.get(
            ids=node_ids, where=to_where(filters), include=["documents", "metadatas", "embeddings"]
        )
        columns = (found[key] for key in ("ids", "documents", "metadatas", "embeddings"))
        return [self._node(*parts) for parts in zip(*columns)]

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        found = self._collection.query(
            query_embeddings=[query.query_embedding],
            n_results=query.similarity_top_k,
            ids=query.node_ids,
            where=to_where(query.filters),
            include=["documents", "metadatas", "distances"],
        )
        nodes = [self._node(*parts) for parts in zip(found["ids"][0], found["documents"][0], found["metadatas"][0])]
        # LlamaIndex wants similarities: bigger is better
        similarities = [1.0 - distance for distance in found["distances"][0]]
        return VectorStoreQueryResult(nodes=nodes, similarities=similarities, ids=found["ids"][0])

    @staticmethod
    def _node(node_id: str, text: str, row: dict, embedding: Any = None) -> TextNode:
        metadata = {k: v for k, v in row.items() if k not in ("_rest", "ref_doc_id")} | json.loads(row["_rest"])
        return TextNode(
            id_=node_id,
            text=text,
            metadata=metadata,
            embedding=None if embedding is None else [float(x) for x in embedding],
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=row["ref_doc_id"])},
        )


def embed(text: str) -> List[float]:
    terms = ("asthma", "inhaler", "insulin", "glucose", "pressure", "salt")
    return [0.1 + text.lower().count(term) for term in terms]


def chunk(doc: str, number: int, text: str, **metadata: Any) -> TextNode:
    source = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=doc)}
    return TextNode(id_=f"{doc}#{number}", text=text, embedding=embed(text), metadata=metadata, relationships=source)


def main() -> None:
    store = GuidelineVectorStore(chromadb.EphemeralClient(), collection_name="guidelines")
    added = store.add([
        chunk("asthma-2023", 0, "Asthma: an inhaler with a spacer is first choice.", year=2023, grade="A", ages=[5, 99]),
        chunk("asthma-2023", 1, "Acute asthma: repeat the inhaler after 20 minutes.", year=2023, grade="B"),
        chunk("asthma-2016", 0, "Asthma: inhaler on demand.", year=2016, grade="B"),
        chunk("diabetes-2022", 0, "Insulin is adjusted to glucose, glucose is measured fasting.", year=2022, grade="A"),
        chunk("pressure-2021", 0, "High blood pressure: less salt first.", year=2021, grade="A"),
    ])
    assert added[0] == "asthma-2023#0" and store.client.count() == 5

    recent = MetadataFilters(filters=[
        MetadataFilter(key="year", value=2020, operator=FilterOperator.GTE),
        MetadataFilters(condition=FilterCondition.OR, filters=[MetadataFilter(key="grade", value=g) for g in "AB"]),
    ])
    result = store.query(VectorStoreQuery(query_embedding=embed("asthma inhaler"), similarity_top_k=2, filters=recent))
    assert set(result.ids) == {"asthma-2023#0", "asthma-2023#1"}
    assert result.similarities == sorted(result.similarities, reverse=True) and result.similarities[0] > 0.99
    assert store.get_nodes(["asthma-2023#0"])[0].metadata == {"year": 2023, "grade": "A", "ages": [5, 99]}
    only = VectorStoreQuery(query_embedding=embed("salt"), similarity_top_k=3, node_ids=["diabetes-2022#0"])
    assert store.query(only).ids == ["diabetes-2022#0"]

    store.delete("asthma-2023")  # the guideline was withdrawn: all of its chunks go
    older = MetadataFilter(key="year", value=[2016, 2022], operator=FilterOperator.IN)
    left = store.get_nodes(filters=MetadataFilters(filters=[older]))
    assert sorted(node.ref_doc_id for node in left) == ["asthma-2016", "diabetes-2022"]
    print("asthma:", list(zip(result.ids, (round(s, 3) for s in result.similarities))))


if __name__ == "__main__":
    main()
