"""Probe a small patent corpus for prior art: semantic ranking narrowed by class codes, dates and claim language."""
from __future__ import annotations

import re
import zlib
from datetime import date
from typing import Any

import chromadb
import numpy as np
from chromadb import DEFAULT_TENANT, Documents, EmbeddingFunction, Embeddings
from pydantic import BaseModel, Field


class HashedClaims(EmbeddingFunction[Documents]):
    """Signed feature hashing of lower-cased word stems; good enough to rank claims offline."""

    def __init__(self, width: int = 256) -> None:
        self.width = width

    def __call__(self, input: Documents) -> Embeddings:
        out = np.zeros((len(input), self.width), dtype=np.float32)
        for row, text in enumerate(input):
            for word in re.findall(r"[a-z]{3,}", text.lower()):
                code = zlib.crc32(word[:6].encode())
                out[row, code % self.width] += 1.0 if code & 0x10000 else -1.0
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return list(out / np.where(norms == 0, 1, norms))

    @staticmethod
    def name() -> str:
        return "hashed-claims"

    def get_config(self) -> dict[str, Any]:
        return {"width": self.width}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "HashedClaims":
        return HashedClaims(**config)

    def default_space(self):
        return "cosine"


class Patent(BaseModel):
    number: str
    claim: str
    cpc: str = Field(description="four-character CPC class")
    filed: date
    granted: bool = True

    def as_metadata(self) -> dict[str, str | int | bool]:
        # dates become integers, because only numbers can be compared with $lt and $gte
        return {"cpc": self.cpc, "filed": int(self.filed.strftime("%Y%m%d")), "granted": self.granted}


CORPUS = [
    Patent(number="EP1001", cpc="B62J", filed=date(2003, 5, 2), claim="A bicycle saddle comprising a gel cushion and a ventilation channel."),
    Patent(number="EP1002", cpc="B62J", filed=date(2011, 9, 17), claim="A bicycle saddle wherein the cushion has a hardness of 35 to 45 Shore A."),
    Patent(number="EP1003", cpc="A47C", filed=date(2009, 1, 30), claim="An office chair comprising a ventilated cushion and a tilting mechanism."),
    Patent(number="EP1004", cpc="B62K", filed=date(2015, 3, 8), granted=False, claim="A folding bicycle frame comprising a hinge and a latch."),
    Patent(number="EP1005", cpc="B62J", filed=date(2019, 11, 21), claim="A heated saddle for a bicycle, powered by a hub dynamo."),
    Patent(number="EP1006", cpc="B60N", filed=date(1998, 7, 14), claim="A vehicle seat wherein a gel cushion has a thickness of 12 mm."),
]


def search(collection: chromadb.Collection, text: str, **filters: Any) -> list[tuple[str, float]]:
    result = collection.query(query_texts=[text], n_results=3, include=["distances"], **filters)
    return list(zip(result["ids"][0], result["distances"][0]))


def main() -> None:
    # Each matter gets a database of its own, so that two opinions never share a corpus.
    admin = chromadb.AdminClient(chromadb.EphemeralClient().get_settings())
    admin.create_database(name="matter-4711")
    client = chromadb.EphemeralClient(tenant=DEFAULT_TENANT, database="matter-4711")
    patents = client.create_collection(
        name="prior_art",
        metadata={"jurisdiction": "EP"},
        embedding_function=HashedClaims(width=512),
    )
    patents.add(
        ids=[p.number for p in CORPUS],
        documents=[p.claim for p in CORPUS],
        metadatas=[p.as_metadata() for p in CORPUS],
    )

    invention = "bicycle saddle with gel cushion and channel for ventilation"
    ranked = search(patents, invention)
    print("closest:", ranked)
    assert ranked[0][0] == "EP1001" and ranked[0][1] < ranked[1][1]

    # Only documents filed before our priority date count as prior art.
    earlier = search(patents, invention, where={"filed": {"$lt": 20100101}})
    assert {n for n, _ in earlier} <= {"EP1001", "EP1003", "EP1006"}

    # Claims that name a numeric range, in any class but vehicles' seats.
    ranges = patents.query(
        query_texts=["cushion hardness"],
        n_results=5,
        where={"cpc": {"$ne": "B60N"}},
        where_document={"$regex": r"\d+ to \d+"},
    )
    assert ranges["ids"][0] == ["EP1002"]

    independent = patents.get(
        where_document={"$and": [{"$contains": "comprising"}, {"$not_contains": "chair"}]},
        include=["documents"],
    )
    assert sorted(independent["ids"]) == ["EP1001", "EP1004"]

    no_numbers = patents.get(where_document={"$not_regex": "[0-9]"}, where={"granted": True}, limit=10)
    assert "EP1006" not in no_numbers["ids"] and "EP1004" not in no_numbers["ids"]

    either = patents.get(where_document={"$or": [{"$contains": "dynamo"}, {"$contains": "hinge"}]})
    assert len(either["ids"]) == 2

    # Two questions in one round trip: one result list per question.
    both = patents.query(
        query_texts=["folding frame with latch", "electric heating of a saddle"],
        n_results=1,
        where={"$or": [{"cpc": "B62J"}, {"cpc": "B62K"}]},
    )
    assert [ids[0] for ids in both["ids"]] == ["EP1004", "EP1005"]
    client.delete_collection(name="prior_art")
    print("prior art probe: all checks passed")


if __name__ == "__main__":
    main()
