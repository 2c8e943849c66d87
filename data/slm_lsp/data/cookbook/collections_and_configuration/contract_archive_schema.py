"""Declare with a Schema which metadata of a contract archive is indexed, and see what unindexed keys cannot do.

By default Chroma indexes every metadata value so that it can be filtered on. An archive whose records carry
long free-text notes pays for an index nobody uses. A Schema switches indexes off per type or per key, and
carries the vector index and the embedding function as well: it replaces `configuration=` and
`embedding_function=`, and the two ways cannot be mixed.
"""

import re
from collections import Counter

import chromadb
from chromadb import (
    Documents,
    EmbeddingFunction,
    Embeddings,
    FloatInvertedIndexConfig,
    FtsIndexConfig,
    HnswIndexConfig,
    IntInvertedIndexConfig,
    K,
    Schema,
    StringInvertedIndexConfig,
    VectorIndexConfig,
)
from chromadb.errors import InvalidArgumentError
from chromadb.utils.embedding_functions import register_embedding_function

CLAUSES = ("lease", "warranty", "termination", "indemnity", "royalty", "confidential", "payment", "delivery")


# A function that comes with a schema is found by its name, so it has to be registered.
@register_embedding_function
class ClauseEmbedding(EmbeddingFunction[Documents]):
    """How often each kind of clause is mentioned, by stem."""

    def __init__(self, clauses: tuple[str, ...] = CLAUSES):
        self.clauses = tuple(clauses)

    def __call__(self, input: Documents) -> Embeddings:
        rows = []
        for contract in input:
            words = Counter(re.findall(r"[a-z]+", contract.lower()))
            rows.append([0.01 + sum(n for word, n in words.items() if word.startswith(c)) for c in self.clauses])
        return rows

    @staticmethod
    def name() -> str:
        return "clause-counts"

    def get_config(self):
        return {"clauses": list(self.clauses)}

    @staticmethod
    def build_from_config(config):
        return ClauseEmbedding(tuple(config["clauses"]))


def archive_schema() -> Schema:
    schema = Schema()
    # The vector index has no key: there is one per collection.
    schema.create_index(
        config=VectorIndexConfig(
            space="cosine",
            embedding_function=ClauseEmbedding(),
            hnsw=HnswIndexConfig(
                ef_construction=120,
                max_neighbors=20,
                ef_search=60,
                num_threads=1,
                batch_size=50,
                sync_threshold=500,
                resize_factor=1.3,
            ),
        )
    )
    # Never filtered on, and long.
    schema.delete_index(config=StringInvertedIndexConfig(), key="clerk_notes")
    # Amounts are display only: no float is indexed at all ...
    schema.delete_index(config=FloatInvertedIndexConfig())
    # ... while integers are off in general, but on for the one that people filter by. K("...") names a key too.
    schema.delete_index(config=IntInvertedIndexConfig())
    schema.create_index(config=IntInvertedIndexConfig(), key=K("signed_year"))
    return schema


def refused(call) -> str:
    try:
        call()
    except (InvalidArgumentError, ValueError) as error:
        return str(error)
    raise AssertionError("should have been refused")


def main() -> None:
    client = chromadb.EphemeralClient()
    contracts = client.create_collection("contracts", schema=archive_schema())
    contracts.add(
        ids=["c-101", "c-102", "c-103"],
        documents=[
            "Lease of warehouse 4. Payment quarterly. Termination with six months' notice; lease renewable.",
            "Royalty agreement for a translation: royalties of 8%, payment yearly, confidential terms.",
            "Delivery of machine parts with warranty; warranties void on misuse; delivery within ten days.",
        ],
        metadatas=[
            {"party": "Nordlager", "signed_year": 2019, "pages": 14, "value": 88000.0, "clerk_notes": "ask Ms Roth"},
            {"party": "Verlag Aue", "signed_year": 2022, "pages": 6, "value": 1200.5, "clerk_notes": "signed twice"},
            {"party": "Nordlager", "signed_year": 2022, "pages": 9, "value": 43000.0, "clerk_notes": "-"},
        ],
    )

    # What is indexed works as always.
    assert contracts.query(query_texts=["royalties, confidential"], n_results=1)["ids"] == [["c-102"]]
    recent = contracts.get(where={"$and": [{"party": "Nordlager"}, {"signed_year": {"$gte": 2020}}]})
    assert recent["ids"] == ["c-103"]
    # What is not indexed is still stored and returned.
    assert recent["metadatas"][0]["clerk_notes"] == "-" and recent["metadatas"][0]["value"] == 43000.0
    assert contracts.get(where_document={"$contains": "warehouse"})["ids"] == ["c-101"]

    for where in ({"clerk_notes": "signed twice"}, {"pages": 9}, {"value": {"$gt": 50000.0}}):
        print(refused(lambda: contracts.get(where=where)))

    # The stored schema can be read back, for documentation or a diff against what the code declares.
    keys = contracts.schema.keys
    assert keys["clerk_notes"].string.string_inverted_index.enabled is False
    assert keys["signed_year"].int_value.int_inverted_index.enabled is True
    assert contracts.schema.defaults.float_value.float_inverted_index.enabled is False
    hnsw = contracts.configuration["hnsw"]
    assert hnsw["space"] == "cosine" and hnsw["max_neighbors"] == 20
    assert contracts.schema.serialize_to_json()["keys"]["#document"]["string"]["fts_index"]["enabled"] is True

    # A second archive without full-text search: where_document is gone, vector search stays.
    lean = archive_schema().delete_index(config=FtsIndexConfig(), key="#document")
    vault = client.get_or_create_collection(name="vault", schema=lean)
    vault.add(ids=["v-1"], documents=["Confidential indemnity letter"])
    assert vault.query(query_texts=["indemnity"], n_results=1)["ids"] == [["v-1"]]
    print(refused(lambda: vault.get(where_document={"$contains": "letter"})))

    # Mistakes are caught before anything is created.
    assert "specific keys" in refused(lambda: Schema().create_index(config=VectorIndexConfig(), key="party"))
    assert "reserved" in refused(lambda: Schema().create_index(config=StringInvertedIndexConfig(), key="#party"))
    both = {"schema": archive_schema(), "embedding_function": ClauseEmbedding()}
    assert "simultaneously" in refused(lambda: client.create_collection("annex", **both))
    assert client.count_collections() == 2


if __name__ == "__main__":
    main()
