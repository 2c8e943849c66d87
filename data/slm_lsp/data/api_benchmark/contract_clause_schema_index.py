"""Define a collection of contract clauses through a Schema, index only the fields that are filtered on, and search by topic."""
from collections import OrderedDict

import chromadb
from chromadb import (
    FloatInvertedIndexConfig,
    HnswIndexConfig,
    IntInvertedIndexConfig,
    Schema,
    StringInvertedIndexConfig,
    VectorIndexConfig,
)
from chromadb.api.types import EmbeddingFunction
from chromadb.utils.embedding_functions import register_embedding_function

LEXICON = OrderedDict(
    liability=["liable", "liability", "damages", "indemnify", "indemnity"],
    payment=["payment", "invoice", "fee", "interest", "due"],
    term=["term", "terminate", "termination", "notice", "renew", "expiry"],
    secrecy=["confidential", "secret", "disclose", "disclosure", "secrecy"],
    data=["personal", "data", "processor", "controller", "privacy"],
)


# A schema carries its embedding function by name; registering it makes the name resolvable.
@register_embedding_function
class ClauseTopics(EmbeddingFunction):
    """Share of each legal topic among the words of a clause."""

    def __init__(self, smoothing=0.1):
        self.smoothing = smoothing

    def __call__(self, input):
        return [self.embed_one(clause) for clause in input]

    def embed_one(self, clause):
        words = [w.strip(".,;()").lower() for w in clause.split()]
        hits = [self.smoothing + sum(w in terms for w in words) for terms in LEXICON.values()]
        return [h / sum(hits) for h in hits]

    @staticmethod
    def name():
        return "clause-topics"

    def get_config(self):
        return {"smoothing": self.smoothing}

    @staticmethod
    def build_from_config(config):
        return ClauseTopics(**config)


def clause_schema():
    """Filters run over `parties`, `year` and `cap_meur`; the free remark of the clerk is never searched."""
    return (
        Schema()
        .create_index(
            config=VectorIndexConfig(
                space="cosine",
                embedding_function=ClauseTopics(smoothing=0.05),
                hnsw=HnswIndexConfig(ef_construction=80, max_neighbors=20, ef_search=60),
            )
        )
        .create_index(config=StringInvertedIndexConfig(), key="parties")
        .create_index(config=IntInvertedIndexConfig(), key="year")
        .create_index(config=FloatInvertedIndexConfig(), key="cap_meur")
        .delete_index(config=StringInvertedIndexConfig(), key="remark")
    )


CLAUSES = {
    "acme-7.2": (
        "The supplier shall indemnify the customer and is liable for damages up to the agreed cap.",
        {"parties": "acme/borg", "year": 2021, "cap_meur": 2.5, "remark": "cap negotiated twice"},
    ),
    "acme-9.1": (
        "Either party may terminate with a notice of three months before expiry of the term.",
        {"parties": "acme/borg", "year": 2021, "remark": "standard"},
    ),
    "nova-4": (
        "Each invoice is due within 30 days; late payment bears interest.",
        {"parties": "nova/city", "year": 2023, "remark": "public body"},
    ),
    "nova-11": (
        "The processor handles personal data on behalf of the controller only.",
        {"parties": "nova/city", "year": 2023, "remark": "annex 3"},
    ),
    "zeta-5": (
        "Confidential information is kept secret and any disclosure makes the party liable.",
        {"parties": "zeta/acme", "year": 2019, "cap_meur": 0.4, "remark": "old template"},
    ),
}


def main():
    client = chromadb.EphemeralClient()
    schema = clause_schema()
    clauses = client.create_collection(name="clauses", schema=schema)
    clauses.add(
        ids=list(CLAUSES),
        documents=[text for text, _ in CLAUSES.values()],
        metadatas=[meta for _, meta in CLAUSES.values()],
    )

    # What the collection reports is what was asked for.
    stored = clauses.schema
    assert stored.keys["#embedding"].float_list.vector_index.config.space == "cosine"
    assert stored.keys["remark"].string.string_inverted_index.enabled is False
    assert stored.keys["year"].int_value.int_inverted_index.enabled is True

    hits = clauses.query(query_texts=["Who is liable for damages?"], n_results=2, include=["documents", "distances"])
    assert hits["ids"][0][0] == "acme-7.2"
    print("liability:", hits["documents"][0][0])

    capped = clauses.query(
        query_texts=["liability and indemnity"],
        n_results=5,
        where={"$and": [{"cap_meur": {"$lt": 1.0}}, {"year": {"$lte": 2020}}]},
    )
    assert capped["ids"] == [["zeta-5"]]

    with_city = clauses.get(where={"parties": "nova/city"}, include=["documents", "metadatas"])
    assert sorted(with_city["ids"]) == ["nova-11", "nova-4"]
    recent_terms = clauses.get(where={"year": {"$gt": 2020}}, where_document={"$contains": "notice"})
    assert recent_terms["ids"] == ["acme-9.1"]

    # A second matter with the same schema; get_or_create hands back the existing one afterwards.
    first = client.get_or_create_collection(name="clauses_drafts", schema=clause_schema())
    second = client.get_or_create_collection(name="clauses_drafts", schema=clause_schema())
    assert first.id == second.id
    second.upsert(
        ids=["draft-1"],
        documents=["Personal data is deleted at termination."],
        metadatas=[{"parties": "acme/nova", "year": 2025}],
    )
    assert first.count() == 1
    topics = first.query(query_texts=["privacy of personal data"], n_results=1, include=["metadatas", "embeddings"])
    assert topics["metadatas"][0][0]["parties"] == "acme/nova"
    assert len(topics["embeddings"][0][0]) == len(LEXICON)
    for name in ("clauses", "clauses_drafts"):
        client.delete_collection(name=name)
    assert client.list_collections() == []
    print("indexes:", sorted(k for k in stored.keys if not k.startswith("#")))


if __name__ == "__main__":
    main()
