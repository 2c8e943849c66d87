"""Embed staff-handbook passages and employees' questions differently by overriding embed_query().

Retrieval models such as E5 or BGE want "passage: ..." for what is stored and "query: ..." for what is asked.
Chroma calls the function itself for add/update/upsert, and embed_query for query(query_texts=...).
"""

from dataclasses import dataclass, field

import chromadb
import numpy as np
from chromadb.utils.embedding_functions import register_embedding_function

TOPICS = {
    "leave": {"holiday", "vacation", "leave", "days", "annual", "carry"},
    "sick": {"sick", "ill", "doctor", "certificate", "flu"},
    "money": {"salary", "pay", "payslip", "bonus", "expenses", "receipt"},
    "remote": {"remote", "home", "vpn"},
    "travel": {"abroad", "approval", "laptop", "visa"},
    "parents": {"baby", "parental", "maternity", "child", "nursery"},
}
QUESTION_WORDS = {"how", "when", "who", "can", "may", "what", "do", "i"}


@dataclass
class Usage:
    """What the fake model was asked to encode; the tests of a real one would look at its bill."""

    passages: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


USAGE = Usage()


@register_embedding_function
class PrefixedEncoder(chromadb.EmbeddingFunction[chromadb.Documents]):
    def __init__(self, passage_prefix: str = "passage: ", query_prefix: str = "query: ") -> None:
        self.passage_prefix = passage_prefix
        self.query_prefix = query_prefix

    def _encode(self, text: str) -> np.ndarray:
        """Stands in for a transformer: one axis per topic, and one that tells questions from statements."""
        prefix, _, body = text.partition(": ")
        tokens = set(body.lower().replace("?", " ").replace(".", " ").replace(",", " ").split())
        vector = [float(len(tokens & vocabulary)) for vocabulary in TOPICS.values()]
        # A raw question leans towards other questions.  The trained prefix removes that bias.
        asks = float(len(tokens & QUESTION_WORDS))
        vector.append(0.0 if prefix == "query" else asks)
        return np.asarray(vector, dtype=np.float32) + 0.01

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        USAGE.passages += input
        return [self._encode(self.passage_prefix + text) for text in input]

    def embed_query(self, input: chromadb.Documents) -> chromadb.Embeddings:
        USAGE.questions += input
        return [self._encode(self.query_prefix + text) for text in input]

    @staticmethod
    def name() -> str:
        return "prefixed-encoder"

    def get_config(self) -> dict:
        return {"passage_prefix": self.passage_prefix, "query_prefix": self.query_prefix}

    @staticmethod
    def build_from_config(config: dict) -> "PrefixedEncoder":
        return PrefixedEncoder(**config)

    def default_space(self) -> str:
        return "cosine"


HANDBOOK = {
    "HB-3.1": "Annual leave is 30 days. Up to five days of leave carry over until March.",
    "HB-3.4": "Employees who are sick call before nine and send a doctor certificate from day three.",
    "HB-4.2": "Salary is paid on the 25th, the payslip is in the portal. A bonus follows in June.",
    "HB-4.7": "Expenses need a receipt and are paid with the next salary.",
    "HB-5.0": "Remote work from home is allowed three days a week through the vpn.",
    "HB-5.3": "Work abroad needs approval and a company laptop.",
    "HB-6.1": "Parental leave may be split between both parents of a child, tell us eight weeks before.",
    # an FAQ list in the same collection, the classic trap for symmetric encoders
    "FAQ": "How do I ask? Who can I ask? When may I ask? What can I do? Ask the people team.",
}


def top(collection, question: str, k: int = 1) -> list[str]:
    return collection.query(query_texts=[question], n_results=k, include=["distances"])["ids"][0]


def main() -> None:
    client = chromadb.EphemeralClient()
    handbook = client.get_or_create_collection(name="handbook", embedding_function=PrefixedEncoder())
    handbook.add(ids=list(HANDBOOK), documents=list(HANDBOOK.values()))
    assert len(USAGE.passages) == len(HANDBOOK) and not USAGE.questions

    question = "How and when do I apply for vacation, and what annual days can I carry?"
    assert top(handbook, question) == ["HB-3.1"]
    assert USAGE.questions == [question], "query_texts must go through embed_query"

    # The wrong way: embedding the question as if it were a passage finds the FAQ page instead.
    encoder = PrefixedEncoder()
    wrong = handbook.query(query_embeddings=encoder([question]), n_results=1)
    assert wrong["ids"] == [["FAQ"]]
    # The right way by hand, for callers which cache or precompute query vectors.
    right = handbook.query(query_embeddings=encoder.embed_query([question]), n_results=1)
    assert right["ids"] == [["HB-3.1"]]

    for asked, expected in (
        ("Can I work from home?", "HB-5.0"),
        ("When do I need a doctor certificate if I am ill?", "HB-3.4"),
        ("Who can take parental leave for a baby?", "HB-6.1"),
    ):
        assert top(handbook, asked) == [expected], asked

    # An edited passage is embedded as a passage again.
    before = len(USAGE.passages)
    handbook.update(ids="HB-5.3", documents="Work abroad needs approval, a company laptop and the vpn.")
    assert len(USAGE.passages) == before + 1
    assert "HB-5.3" in top(handbook, "What laptop do I need abroad?", k=2)

    # A collection opened by name rebuilds the encoder and still keeps the two sides apart.
    asked_before = len(USAGE.questions)
    top(client.get_collection("handbook"), "May I get a bonus with my payslip?")
    assert len(USAGE.questions) == asked_before + 1
    print(f"{len(USAGE.passages)} passages and {len(USAGE.questions)} questions were encoded separately")


if __name__ == "__main__":
    main()
