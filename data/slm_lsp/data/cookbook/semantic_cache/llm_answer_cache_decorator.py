"""Put a semantic cache in front of an expensive model with a decorator, and measure what it saves.

    @SemanticCache(client, "answers", threshold=0.25)
    def ask(prompt: str) -> str: ...

The threshold is the whole art. Too tight and nothing is saved, too loose and people
get answers to other people's questions; `calibrate` picks it from labelled pairs.
"""
from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import chromadb

SYNONYMS = {
    "reset": "change", "forgot": "change", "forgotten": "change", "modify": "change", "passphrase": "password",
    "refund": "return", "send": "return", "back": "return", "cost": "price", "costs": "price", "pricing": "price",
    "expensive": "price", "cancel": "stop", "end": "stop", "terminate": "stop", "plan": "subscription",
    "membership": "subscription",
}
GLUE = set("a an and can could do does give how i in is it me my of on please should tell the to what whats will would you your".split())


def concepts(prompt: str) -> list[str]:
    return [SYNONYMS.get(w, w) for w in re.findall(r"[a-z]+", prompt.lower()) if w not in GLUE]


def embed(prompt: str, width: int = 401) -> list[float]:
    v = [0.0] * width
    for word in concepts(prompt):
        # two slots per word: a collision in one is outvoted by the other
        for salt in (17, 91):
            v[functools.reduce(lambda h, c: (h * salt + ord(c)) % 999_983, word, salt) % width] += 1.0
    norm = math.sqrt(sum(x * x for x in v)) or 1.0
    return [x / norm for x in v]


@dataclass
class Stats:
    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0

    @property
    def hit_rate(self) -> float:
        return self.hits / max(self.hits + self.misses, 1)


class SemanticCache:
    def __init__(self, client: chromadb.ClientAPI, name: str, threshold: float, cost: float = 1.2) -> None:
        self.collection = client.get_or_create_collection(
            name=name, configuration={"hnsw": {"space": "cosine"}}, metadata={"threshold": threshold}
        )
        self.threshold = threshold
        self.cost = cost  # seconds one model call takes
        self.stats = Stats()

    def lookup(self, prompt: str) -> tuple[str, float] | None:
        if not any(embed(prompt)):
            return None  # nothing but glue words: any neighbour would be a coincidence
        nearest = self.collection.query(
            query_embeddings=[embed(prompt)], n_results=1, include=["metadatas", "distances"]
        )
        # An empty collection answers with empty inner lists, not with an error.
        if not nearest["ids"][0] or nearest["distances"][0][0] > self.threshold:
            return None
        return nearest["metadatas"][0][0]["answer"], nearest["distances"][0][0]

    def store(self, prompt: str, answer: str) -> None:
        self.collection.upsert(
            ids=[" ".join(sorted(set(concepts(prompt)))) or prompt],
            embeddings=[embed(prompt)],
            documents=[prompt],
            metadatas=[{"answer": answer}],
        )

    def __call__(self, function: Callable[[str], str]) -> Callable[[str], str]:
        @functools.wraps(function)
        def cached(prompt: str) -> str:
            if (hit := self.lookup(prompt)) is not None:
                self.stats.hits += 1
                self.stats.seconds_saved += self.cost
                return hit[0]
            self.stats.misses += 1
            answer = function(prompt)
            self.store(prompt, answer)
            return answer

        cached.cache = self  # type: ignore[attr-defined]  # like functools.lru_cache's cache_info
        return cached


def calibrate(pairs: Sequence[tuple[str, str, bool]]) -> float:
    """The largest threshold that lets no wrong pair through, halfway to the nearest wrong one."""

    def distance(a: str, b: str) -> float:
        return 1 - sum(x * y for x, y in zip(embed(a), embed(b)))

    right = max(distance(a, b) for a, b, same in pairs if same)
    wrong = min(distance(a, b) for a, b, same in pairs if not same)
    if right >= wrong:
        raise ValueError("these pairs cannot be told apart by any threshold")
    return (right + wrong) / 2


LABELLED = [
    ("How do I reset my password?", "I forgot my passphrase", True),
    ("What does the plan cost?", "pricing of the membership", True),
    ("Can I send it back?", "refund please", True),
    ("How do I reset my password?", "How do I cancel my plan?", False),
    ("What does the plan cost?", "How do I cancel my plan?", False),
]


def main() -> None:
    threshold = calibrate(LABELLED)
    print(f"calibrated threshold: {threshold:.2f}")

    cache = SemanticCache(chromadb.EphemeralClient(), "llm-answers", threshold)
    served: list[str] = []

    @cache
    def ask(prompt: str) -> str:
        """Ask the model."""
        served.append(prompt)
        return f"answer #{len(served)}"

    first = ask("How do I reset my password?")
    assert ask("please tell me how to change the password") == first
    assert ask("I forgot my passphrase") == first
    price = ask("What does the plan cost?")
    assert price != first and ask("pricing of the membership") == price
    stop = ask("How do I cancel my plan?")
    assert stop not in (first, price), "close words, another question"
    assert ask("terminate subscription") == stop

    assert served == ["How do I reset my password?", "What does the plan cost?", "How do I cancel my plan?"]
    stats = ask.cache.stats
    print(f"{stats.hits} hits, {stats.misses} misses, {stats.hit_rate:.0%} served from cache, {stats.seconds_saved:.1f} s saved")
    assert (stats.hits, stats.misses) == (4, 3) and ask.__doc__ == "Ask the model."

    # Prompts of glue words have no meaning to compare: they pass through, every time.
    assert ask("what is it?") != ask("what is it?")
    assert cache.collection.metadata["threshold"] == threshold
    assert cache.collection.count() == 4

    try:
        calibrate([("stop plan", "end plan", True), ("cancel plan", "terminate plan", False)])
    except ValueError as error:
        print("calibration refused:", error)
    else:
        raise AssertionError("no threshold tells these apart")


if __name__ == "__main__":
    main()
