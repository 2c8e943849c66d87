"""Fit TF-IDF on tenancy-law paragraphs and store the fitted vocabulary inside the collection's configuration.

A fitted embedding function has state. If that state is in get_config(), the collection carries it along: whoever
opens the collection later gets exactly the weights that its vectors were made with, without a pickle beside it.
"""
from __future__ import annotations

import math
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Iterable

import chromadb
from chromadb import EmbeddingFunction
from chromadb.utils.embedding_functions import config_to_embedding_function, register_embedding_function

PARAGRAPHS = [
    ("s535", "The landlord must hand over the rented property in a condition suitable for use and maintain it."),
    ("s536", "If the rented property has a defect that removes its suitability, the tenant is exempt from rent."),
    ("s543", "Either party may terminate the lease for a compelling reason without notice."),
    ("s551", "A security deposit may not exceed three months of rent and must earn interest."),
    ("s556", "Operating costs are settled annually; the settlement reaches the tenant within twelve months."),
    ("s558", "The landlord may demand consent to an increase of rent up to the customary local rent."),
    ("s573", "The landlord may terminate only with a legitimate interest such as own use of the dwelling."),
    ("s574", "The tenant may object to termination if it would be an undue hardship for the family."),
]


def words(text: str) -> Iterable[str]:
    return (w.rstrip("s") for w in re.findall(r"[a-z]{3,}", text.lower()))


@register_embedding_function
class TfidfEmbedding(EmbeddingFunction[list[str]]):
    def __init__(self, idf: dict[str, float]):
        if not idf:
            raise ValueError("fit the vocabulary first: TfidfEmbedding.fit(texts)")
        self.idf = idf
        self._column = {word: i for i, word in enumerate(sorted(idf))}

    @classmethod
    def fit(cls, texts: list[str]) -> TfidfEmbedding:
        seen_in = Counter(word for text in texts for word in set(words(text)))
        n = len(texts)
        # words of every paragraph say nothing: log(n/df) drops them to zero, and we drop them altogether
        return cls({word: round(math.log(n / df), 4) for word, df in seen_in.items() if df < n})

    def __call__(self, input: list[str]) -> list[list[float]]:
        out = []
        for text in input:
            row = [0.0] * len(self._column)
            for word, tf in Counter(words(text)).items():
                if word in self._column:
                    row[self._column[word]] = (1 + math.log(tf)) * self.idf[word]
            out.append(row)
        return out

    def unknown(self, text: str) -> set[str]:
        return {w for w in words(text) if w not in self._column}

    @staticmethod
    def name() -> str:
        return "tenancy_tfidf"

    def get_config(self) -> dict[str, Any]:
        return {"idf": self.idf}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> TfidfEmbedding:
        return TfidfEmbedding(config["idf"])

    def default_space(self):
        return "cosine"

    def supported_spaces(self):
        return ["cosine"]


def build(path: Path) -> None:
    texts = [text for _, text in PARAGRAPHS]
    tfidf = TfidfEmbedding.fit(texts)
    with chromadb.PersistentClient(path) as client:
        # the embedding function may also be given within the configuration
        code = client.create_collection(
            "civil-code",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 50}, "embedding_function": tfidf},
        )
        code.add(
            ids=[number for number, _ in PARAGRAPHS],
            documents=texts,
            metadatas=[{"book": 2, "number": int(number[1:])} for number, _ in PARAGRAPHS],
        )


def ask(path: Path, question: str) -> tuple[str, str]:
    with chromadb.PersistentClient(path) as client:
        code = client.get_collection("civil-code")
        found = code.query(query_texts=[question], n_results=1, include=["documents", "distances"])
        return found["ids"][0][0], found["documents"][0][0]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        build(path)

        answers = {
            "How high may a security deposit be?": "s551",
            "Can a tenant pay no rent because of a defect?": "s536",
            "terminate because the landlord has own use": "s573",
            "increase to the customary local rent": "s558",
        }
        for question, expected in answers.items():
            number, text = ask(path, question)
            assert number == expected, (question, number)
            print(f"{number}: {question}")

        with chromadb.PersistentClient(path) as client:
            code = client.get_collection("civil-code")
            stored = code.configuration_json["embedding_function"]
            assert stored["name"] == "tenancy_tfidf" and stored["type"] == "known"
            tfidf = config_to_embedding_function(stored)
            assert tfidf.idf["deposit"] > tfidf.idf["tenant"]  # rarer words weigh more

            # New paragraphs with new words are not seen by the frozen vocabulary: measure before you add
            amendment = "Subletting via online platforms requires permission of the landlord."
            assert "subletting" in tfidf.unknown(amendment)
            assert len(tfidf.unknown(amendment)) > 3

            # the time has come to refit: a second collection, then swap the names
            refitted = TfidfEmbedding.fit([t for _, t in PARAGRAPHS] + [amendment])
            everything = code.get(include=["documents", "metadatas"])
            new = client.create_collection("civil-code-next", embedding_function=refitted)
            new.add(
                ids=everything["ids"] + ["s540"],
                documents=everything["documents"] + [amendment],
                metadatas=everything["metadatas"] + [{"book": 2, "number": 540}],
            )
            code.modify(name="civil-code-old")
            new.modify(name="civil-code")
        assert ask(path, "subletting permission")[0] == "s540"
        print(f"vocabulary: {len(tfidf.idf)} words before the amendment, {len(refitted.idf)} after")


if __name__ == "__main__":
    main()
