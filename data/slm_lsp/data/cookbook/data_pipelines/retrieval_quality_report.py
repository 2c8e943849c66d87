"""Compare embedding functions on a labelled question set: recall@k, precision@k, MRR and nDCG, with a bootstrap interval.

Every candidate gets a collection of its own with the same documents; the evaluation sees nothing but ranked ids.  Run
it in CI and fail the build when the chosen candidate falls below the recorded floor.
"""
from __future__ import annotations

import hashlib
import math
import random
import re
import statistics
from dataclasses import dataclass
from typing import Callable, Iterable, Mapping

import chromadb
from chromadb import Collection, Documents, EmbeddingFunction, Embeddings
from rich.console import Console
from rich.table import Table

LEAFLETS = {
    "ibuprofen": "Ibuprofen relieves pain, fever and inflammation. Do not take it with a stomach ulcer.",
    "paracetamol": "Paracetamol lowers fever and relieves pain. An overdose damages the liver.",
    "amoxicillin": "Amoxicillin is an antibiotic against bacterial infections. Finish the course. Penicillin allergy: do not take.",
    "cetirizine": "Cetirizine is an antihistamine for hay fever and other allergies. It may make you drowsy.",
    "metformin": "Metformin lowers blood sugar in type 2 diabetes. Take it with meals.",
    "insulin": "Insulin is injected to control blood sugar in diabetes. Too much causes hypoglycaemia.",
    "lisinopril": "Lisinopril lowers blood pressure. A dry cough is a common side effect.",
    "codeine": "Codeine is an opioid for pain and cough. It causes constipation and drowsiness.",
    "omeprazole": "Omeprazole reduces stomach acid and heals ulcers.",
    "salbutamol": "Salbutamol opens the airways in asthma. Use the inhaler with a spacer.",
}

# Question -> graded relevance: 2 answers it, 1 is related.
QUESTIONS: dict[str, dict[str, int]] = {
    "which medicines relieve pain and fever": {"ibuprofen": 2, "paracetamol": 2, "codeine": 1},
    "drug lowering sugar in the blood of diabetics": {"metformin": 2, "insulin": 2},
    "is there anything against allergic hay fever": {"cetirizine": 2},
    "antibiotics and penicillin allergies": {"amoxicillin": 2, "cetirizine": 1},
    "tablets that make one drowsy": {"cetirizine": 2, "codeine": 2},
    "healing a stomach ulcer": {"omeprazole": 2, "ibuprofen": 1},
    "coughing as a side effect": {"lisinopril": 2, "codeine": 1},
    "asthmatic inhalers": {"salbutamol": 2},
}


def bucket(token: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:4], "little") % size


class Hashed(EmbeddingFunction[Documents]):
    """Base of the candidates: a subclass says what the features of a text are, with weights."""

    def __init__(self, size: int = 1024) -> None:
        self.size = size

    def features(self, text: str) -> Iterable[tuple[str, float]]:
        raise NotImplementedError

    def __call__(self, input: Documents) -> Embeddings:
        matrix = []
        for text in input:
            row = [0.0] * self.size
            for token, weight in self.features(text):
                row[bucket(token, self.size)] += weight
            matrix.append(row)
        return matrix

    def default_space(self) -> str:
        return "cosine"

    def get_config(self) -> dict[str, int]:
        return {"size": self.size}

    @classmethod
    def build_from_config(cls, config: dict[str, int]) -> "Hashed":
        return cls(config["size"])


class Words(Hashed):
    @staticmethod
    def name() -> str:
        return "eval_words"

    def features(self, text):
        return ((w, 1.0) for w in re.findall(r"\w+", text.lower()))


class Subwords(Hashed):
    """Character 4-grams inside words; long words speak louder than 'and' and 'the'."""

    @staticmethod
    def name() -> str:
        return "eval_subwords"

    def features(self, text):
        for word in re.findall(r"\w{4,}", text.lower()):
            padded = f"<{word}>"
            for i in range(len(padded) - 3):
                yield padded[i : i + 4], 1.0 / math.sqrt(len(padded))


@dataclass(frozen=True)
class Scores:
    recall: float
    precision: float
    mrr: float
    ndcg: float


def score(ranking: list[str], relevant: Mapping[str, int], k: int) -> Scores:
    top = ranking[:k]
    found = [i for i in top if i in relevant]
    first = next((n for n, i in enumerate(ranking, 1) if i in relevant), None)
    gain = sum((2 ** relevant.get(i, 0) - 1) / math.log2(n + 1) for n, i in enumerate(top, 1))
    ideal = sum((2**g - 1) / math.log2(n + 1) for n, g in enumerate(sorted(relevant.values(), reverse=True)[:k], 1))
    return Scores(len(found) / len(relevant), len(found) / k, 1 / first if first else 0.0, gain / ideal)


def evaluate(collection: Collection, k: int) -> list[Scores]:
    """One batched query for the whole question set: results come back in the order of the questions."""
    texts = list(QUESTIONS)
    result = collection.query(query_texts=texts, n_results=collection.count(), include=[])
    return [score(ids, QUESTIONS[text], k) for text, ids in zip(texts, result["ids"])]


def mean(scores: list[Scores]) -> Scores:
    return Scores(*(statistics.fmean(getattr(s, f) for s in scores) for f in ("recall", "precision", "mrr", "ndcg")))


def bootstrap(values: list[float], rounds: int = 500, seed: int = 0) -> tuple[float, float]:
    """A 90 % interval of the mean.  With eight questions it is wide, which is the point of showing it."""
    dice = random.Random(seed)
    means = sorted(statistics.fmean(dice.choices(values, k=len(values))) for _ in range(rounds))
    return means[int(rounds * 0.05)], means[int(rounds * 0.95)]


def build(client: chromadb.ClientAPI, factory: Callable[[], EmbeddingFunction]) -> Collection:
    function = factory()
    collection = client.create_collection(f"eval-{function.name()}", embedding_function=function, metadata={"corpus": "leaflets-v1"})
    collection.add(ids=list(LEAFLETS), documents=list(LEAFLETS.values()))
    return collection


def main() -> None:
    client = chromadb.EphemeralClient()
    k, floor = 3, 0.85
    table = Table("candidate", f"recall@{k}", "90 %", f"precision@{k}", "MRR", f"nDCG@{k}")
    report: dict[str, Scores] = {}
    for factory in (Words, Subwords):
        collection = build(client, factory)
        per_question = evaluate(collection, k)
        report[factory.name()] = avg = mean(per_question)
        low, high = bootstrap([s.recall for s in per_question])
        assert low <= avg.recall <= high
        numbers = [f"{avg.recall:.2f}", f"{low:.2f}-{high:.2f}", f"{avg.precision:.2f}", f"{avg.mrr:.2f}", f"{avg.ndcg:.2f}"]
        table.add_row(factory.name(), *numbers)
        worst = min(zip(per_question, QUESTIONS), key=lambda p: p[0].ndcg)
        table.add_row(f"  worst: {worst[1]}", style="dim")
    Console(width=110).print(table)

    perfect = score(["a", "b", "x"], {"a": 2, "b": 1}, k=2)
    assert perfect == Scores(1.0, 1.0, 1.0, 1.0) and score(["x", "y"], {"a": 2}, k=2) == Scores(0.0, 0.0, 0.0, 0.0)
    assert score(["x", "a"], {"a": 2}, k=1).mrr == 0.5, "MRR looks at the whole ranking, recall@1 does not"

    winner = max(report, key=lambda name: report[name].ndcg)
    assert winner == "eval_subwords" and report[winner].recall > report["eval_words"].recall
    assert report[winner].recall >= floor, "regression: retrieval fell below the recorded floor"
    for collection in client.list_collections():
        client.delete_collection(collection.name)


if __name__ == "__main__":
    main()
