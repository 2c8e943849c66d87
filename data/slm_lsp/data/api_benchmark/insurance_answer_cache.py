"""Semantic cache in front of a costly language model: reuse an answer when a customer's question was asked in other words."""
import hashlib
import re
import time

import numpy as np

import chromadb

SYNONYMS = {
    "car": "vehicle", "auto": "vehicle", "motorbike": "vehicle",
    "crash": "accident", "collision": "accident", "crashed": "accident",
    "cost": "price", "costs": "price", "premium": "price", "expensive": "price",
    "stop": "cancel", "quit": "cancel", "end": "cancel",
}
STOPWORDS = set("a an the my i is are do does how what when to of for in on can much it if about and".split())
DIMENSIONS = 384


def embed(question: str) -> np.ndarray:
    """Sum of one pseudo-random unit vector per content word, synonyms folded together."""
    total = np.zeros(DIMENSIONS)
    for word in re.findall(r"\w+", question.lower()):
        if word in STOPWORDS:
            continue
        word = SYNONYMS.get(word, word)
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
        total += np.random.default_rng(seed).standard_normal(DIMENSIONS)
    norm = np.linalg.norm(total)
    return (total / norm if norm else total).astype(np.float32)


class ExpensiveModel:
    def __init__(self):
        self.calls = 0

    def answer(self, question: str) -> str:
        self.calls += 1
        return f"[answer {self.calls}] about: {question}"


class AnswerCache:
    def __init__(self, client, model, threshold=0.25, ttl_seconds=3600, capacity=4):
        self.entries = client.get_or_create_collection(
            name="answer_cache",
            configuration={"hnsw": {"space": "cosine", "sync_threshold": 500}},
            embedding_function=None,
        )
        self.model = model
        self.threshold = threshold
        self.ttl = ttl_seconds
        self.capacity = capacity
        self.hits = 0

    def ask(self, question, product, now=None):
        now = time.time() if now is None else now
        vector = embed(question)
        if self.entries.count():
            nearest = self.entries.query(
                query_embeddings=[vector],
                n_results=1,
                # an answer about home insurance must never serve a question about cars
                where={"$and": [{"product": product}, {"expires": {"$gt": now}}]},
                include=["metadatas", "distances"],
            )
            if nearest["ids"][0] and nearest["distances"][0][0] <= self.threshold:
                self.hits += 1
                found = nearest["metadatas"][0][0]
                self.entries.update(
                    ids=[nearest["ids"][0][0]],
                    metadatas=[{"used": found["used"] + 1, "last_used": now}],
                )
                return found["answer"]
        answer = self.model.answer(question)
        self.entries.upsert(
            ids=[hashlib.sha1(f"{product}|{question}".encode()).hexdigest()],
            embeddings=[vector],
            documents=[question],
            metadatas=[
                {"answer": answer, "product": product, "used": 0, "last_used": now, "expires": now + self.ttl}
            ],
        )
        self.trim()
        return answer

    def trim(self):
        """Keep the most recently used entries."""
        surplus = self.entries.count() - self.capacity
        if surplus > 0:
            everything = self.entries.get(include=["metadatas"])
            oldest_first = sorted(zip(everything["metadatas"], everything["ids"]), key=lambda e: e[0]["last_used"])
            self.entries.delete(ids=[entry_id for _, entry_id in oldest_first[:surplus]])

    def invalidate(self, product, phrase=None):
        """After a change of tariff, forget what was said about it."""
        if phrase is None:
            return self.entries.delete(where={"product": product})
        return self.entries.delete(where={"product": product}, where_document={"$contains": phrase})

    def purge_expired(self, now):
        return self.entries.delete(where={"expires": {"$lte": now}})["deleted"]


def main():
    client = chromadb.EphemeralClient(settings=chromadb.Settings(anonymized_telemetry=False))
    model = ExpensiveModel()
    cache = AnswerCache(client, model)

    first = cache.ask("How do I cancel my car policy?", product="motor", now=1000.0)
    again = cache.ask("how can I stop the auto policy", product="motor", now=1001.0)
    assert first == again and model.calls == 1 and cache.hits == 1

    # The same words about another product, and other words about the same one, reach the model.
    cache.ask("How do I cancel my policy?", product="home", now=1002.0)
    cache.ask("What does a crash do to my premium?", product="motor", now=1003.0)
    assert model.calls == 3
    assert cache.ask("collision and costs", product="motor", now=1004.0).startswith("[answer 3]")

    cache.ask("Is a burst pipe covered?", product="home", now=1005.0)
    cache.ask("Are stolen jewels covered?", product="home", now=1006.0)
    assert cache.entries.count() == 4, "the least recently used answer made room"
    survivors = cache.entries.get(where={"product": "motor"}, include=["documents"])
    assert len(survivors["documents"]) == 1

    cache.invalidate("home", phrase="jewels")
    assert cache.entries.count() == 3
    assert cache.purge_expired(now=1000.0 + 3602) == 1
    expired = cache.ask("collision and costs", product="motor", now=9000.0)
    assert expired.startswith("[answer 6]")
    cache.invalidate("home")
    assert {m["product"] for m in cache.entries.get()["metadatas"]} == {"motor"}
    print(f"{cache.hits} answers from the cache, {model.calls} from the model")


if __name__ == "__main__":
    main()
