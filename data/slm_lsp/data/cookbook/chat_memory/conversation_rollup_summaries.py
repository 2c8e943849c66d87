"""Keep a long support conversation short: fold old turns into summaries, and summaries into one digest.

Memory is a small pyramid. Level 0 holds the turns as they were said, level 1 one summary
per six turns, level 2 a digest of summaries. Whatever is folded upwards is deleted below,
so the prompt's size stays bounded however long people talk.
"""

import re
from collections import Counter

import chromadb
import numpy as np

FAN_IN = 6  # how many records of one level become one record of the next
KEEP_RAW = 4  # the newest turns are never folded


def summarise(texts, sentences=2):
    """Extractive stand-in for a language model, after SumBasic: take the sentence richest in frequent
    words, let its words count no longer, take the next.

    Long numbers count extra, because order and invoice numbers are what people ask for later.
    """
    pieces = [s.strip() for t in texts for s in re.split(r"(?<=[.?!])\s", t) if len(s.split()) > 3]
    terms = {p: set(re.findall(r"[a-z]{5,}|\d{2,}", p.lower())) for p in pieces}
    weight = Counter(w for p in pieces for w in terms[p])
    for word in weight:
        weight[word] += 10 * (word.isdigit() and len(word) > 3)
    chosen = set()
    while len(chosen) < min(sentences, len(terms)):
        best = max(terms.keys() - chosen, key=lambda p: (sum(weight[w] for w in terms[p]), p))
        chosen.add(best)
        weight.subtract({w: weight[w] for w in terms[best]})
    return " ".join(dict.fromkeys(p for p in pieces if p in chosen))


def project(texts, dim=160):
    """Sparse word counts times a fixed random matrix: a Johnson-Lindenstrauss sketch."""
    sketch = np.zeros((len(texts), dim))
    for i, text in enumerate(texts):
        for word, n in Counter(re.findall(r"[a-z0-9]{4,}", text.lower())).items():
            rng = np.random.default_rng([ord(c) for c in word[:8]])
            sketch[i] += n * rng.choice([-1.0, 1.0], size=dim)
    return sketch + 1e-4


class RollingMemory:
    def __init__(self, collection):
        self.collection = collection
        self.clock = 0

    def _store(self, level, text, covers):
        first, last = covers
        self.collection.add(
            ids=[f"L{level}-{first:04d}-{last:04d}"],
            embeddings=project([text]),
            documents=[text],
            metadatas=[{"level": level, "first": first, "last": last}],
        )

    def say(self, text):
        self.clock += 1
        self._store(0, text, (self.clock, self.clock))
        self._fold(level=0, spare=KEEP_RAW)
        self._fold(level=1, spare=0)

    def _level(self, level):
        rows = self.collection.get(where={"level": level}, include=["documents", "metadatas"])
        return sorted(
            zip(rows["ids"], rows["documents"], rows["metadatas"]), key=lambda row: row[2]["first"]
        )

    def _fold(self, level, spare):
        rows = self._level(level)
        if len(rows) - spare < FAN_IN:
            return
        folded = rows[:FAN_IN]
        span = folded[0][2]["first"], folded[-1][2]["last"]
        text = summarise([doc for _, doc, _ in folded], sentences=2 + level)
        # First write the summary, then delete what it replaces: a crash in between leaves
        # a repetition, which is harmless, instead of a hole.
        self._store(level + 1, text, span)
        self.collection.delete(ids=[i for i, _, _ in folded])

    def context(self):
        """Digest, summaries, then the raw turns: oldest and coarsest first."""
        return [f"[{m['first']}-{m['last']}] {doc}" for lvl in (2, 1, 0) for _, doc, m in self._level(lvl)]

    def lookup(self, question, levels=(0, 1, 2)):
        hit = self.collection.query(
            query_embeddings=project([question]),
            n_results=1,
            where={"level": {"$in": list(levels)}},
        )
        return hit["documents"][0][0], hit["metadatas"][0][0]

    def covered(self):
        """Every turn ever spoken lies in exactly one stored span."""
        spans = self.collection.get(include=["metadatas"])["metadatas"]
        return sorted(n for m in spans for n in range(m["first"], m["last"] + 1))


def conversation():
    yield "My router order number is 88213 and the router arrived with a cracked antenna."
    yield "Sorry to hear that. Could you send a photo of the router?"
    yield "Photo of the router sent."
    yield "Thanks. The router with order number 88213 will be replaced free of charge."
    yield "Great."
    yield "Anything else today?"
    for week in range(1, 13):
        yield f"Week {week}: the replacement router drops the connection around {18 + week % 4}:00."
        yield f"Understood, the technician measured the line in week {week} and found nothing unusual."
        yield "Okay, I will keep watching."
        yield "Please do, and write again."
    yield "One more thing: does the invoice include the technician?"


def main():
    client = chromadb.EphemeralClient()
    memory = RollingMemory(
        client.create_collection(
            name="support.rolling",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine"}},
        )
    )
    sizes = []
    for turn in conversation():
        memory.say(turn)
        sizes.append(memory.collection.count())
        # The invariant that makes it safe to delete anything at all.
        assert memory.covered() == list(range(1, memory.clock + 1))

    assert memory.clock == 55
    assert max(sizes) <= KEEP_RAW + FAN_IN + FAN_IN, "bounded, whatever the length"
    per_level = Counter(m["level"] for m in memory.collection.get()["metadatas"])
    print(f"{memory.clock} turns held in {sizes[-1]} records, by level {dict(per_level)}")

    text, meta = memory.lookup("what was the order number of the router", levels=(1, 2))
    print("recalled from level", meta["level"], "->", text)
    assert "88213" in text, "the number survived the folding"
    assert meta["first"] == 1 and meta["level"] == 2, "after two rounds of it"

    raw, meta = memory.lookup("does the invoice include the technician")
    assert meta["level"] == 0 and raw.startswith("One more thing")

    lines = memory.context()
    assert lines[-1].endswith("the technician?")
    assert len(" ".join(lines)) < len(" ".join(conversation())) / 2
    print("prompt shrank from", len(" ".join(conversation())), "to", len(" ".join(lines)), "characters")

    newest = memory.collection.peek(limit=1)
    assert newest["embeddings"].shape == (1, 160)


if __name__ == "__main__":
    main()
