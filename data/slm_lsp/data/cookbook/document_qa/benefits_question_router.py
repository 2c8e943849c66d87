"""Route an employee's question to the right knowledge base (leave, pay or equipment) before answering it.

A small "router" collection holds example questions for every desk. The nearest
examples vote; if they disagree or are all far away, a person gets the question
instead. Only then is the knowledge base of that one desk searched.
"""

import re
from collections import defaultdict
from typing import Literal

import chromadb
from chromadb.errors import NotFoundError
from pydantic import BaseModel, Field

Desk = Literal["leave", "pay", "equipment"]

EXAMPLES: dict[Desk, list[str]] = {
    "leave": [
        "How many vacation days do I have left?",
        "Can I carry holidays over into next year?",
        "Who approves parental leave?",
        "What happens when I fall sick during my holidays?",
    ],
    "pay": [
        "When is my salary paid?",
        "Why is my net pay lower this month?",
        "How do I change the bank account for my salary?",
        "Is overtime paid or compensated?",
    ],
    "equipment": [
        "My laptop screen is broken",
        "How do I order a second monitor?",
        "Can I get a headset for calls?",
        "The docking station does not charge my laptop",
    ],
}

KNOWLEDGE: dict[Desk, dict[str, str]] = {
    "leave": {
        "carry-over": "Up to five vacation days carry over and must be used by 31 March.",
        "sick": "Sick days during holidays are given back when you hand in a certificate.",
    },
    "pay": {
        "payday": "Salaries are paid on the 25th, or the working day before.",
        "account": "Change your bank account in the portal before the 10th of the month.",
    },
    "equipment": {
        "monitor": "Order a second monitor in the shop; your manager confirms the order.",
        "repair": "A broken laptop is swapped the same day at the service point.",
    },
}


class WordOverlap(chromadb.EmbeddingFunction[chromadb.Documents]):
    """One slot per known word, learnt from the texts it is given at the start."""

    def __init__(self, vocabulary: list[str]) -> None:
        self._slots = {word: n for n, word in enumerate(vocabulary)}

    @classmethod
    def fitted(cls, texts: list[str]) -> "WordOverlap":
        return cls(sorted({w for t in texts for w in cls.tokens(t)}))

    @staticmethod
    def tokens(text: str) -> list[str]:
        plain = {"vacation": "holiday", "vacations": "holiday", "salaries": "salary"}
        short = {"the", "is", "my", "do", "i", "a", "for", "how", "can", "what", "when", "of", "to", "in", "or", "by"}
        found = (plain.get(w, w.removesuffix("s")) for w in re.findall(r"[a-z]+", text.lower()))
        return [w for w in found if w not in short]

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        vectors = []
        for text in input:
            # The last slot is constant: a text without a single known word still has a direction.
            vector = [0.0] * len(self._slots) + [0.1]
            for token in self.tokens(text):
                if token in self._slots:
                    vector[self._slots[token]] += 1.0
            vectors.append(vector)
        return vectors

    @staticmethod
    def name() -> str:
        return "word_overlap"

    def get_config(self) -> dict:
        return {"vocabulary": list(self._slots)}

    @staticmethod
    def build_from_config(config: dict) -> "WordOverlap":
        return WordOverlap(config["vocabulary"])


class Decision(BaseModel):
    desk: Desk | None = None
    confidence: float = Field(ge=0.0, le=1.0)
    nearest: str


class Reply(BaseModel):
    question: str
    desk: Desk | Literal["human"]
    text: str


class BenefitsBot:
    def __init__(self, client: chromadb.ClientAPI, embedder: WordOverlap) -> None:
        self.client = client
        cosine = {"hnsw": {"space": "cosine"}, "embedding_function": embedder}
        self.router = client.create_collection("hr-router", configuration=dict(cosine))
        for desk, questions in EXAMPLES.items():
            self.router.add(
                ids=[f"{desk}-{n}" for n in range(len(questions))],
                documents=questions,
                metadatas=[{"desk": desk}] * len(questions),
            )
        for desk, articles in KNOWLEDGE.items():
            base = client.create_collection(f"hr-kb-{desk}", configuration=dict(cosine), metadata={"desk": desk})
            base.add(ids=list(articles), documents=list(articles.values()))

    def route(self, question: str, voters: int = 3, cutoff: float = 0.8, majority: float = 0.6) -> Decision:
        near = self.router.query(query_texts=[question], n_results=voters, include=["metadatas", "documents", "distances"])
        votes: dict[Desk, float] = defaultdict(float)
        for meta, distance in zip(near["metadatas"][0], near["distances"][0]):
            if distance < cutoff:
                votes[meta["desk"]] += 1 - distance  # a closer example has a louder voice
        nearest = near["documents"][0][0]
        if not votes:
            return Decision(confidence=0.0, nearest=nearest)
        desk, weight = max(votes.items(), key=lambda item: item[1])
        confidence = weight / sum(votes.values())
        return Decision(desk=desk if confidence >= majority else None, confidence=confidence, nearest=nearest)

    def reply(self, question: str) -> Reply:
        decision = self.route(question)
        if decision.desk is None:
            return Reply(question=question, desk="human", text="I have passed your question on to the HR team.")
        # The embedding function was stored with the collection, so the name is enough to open it.
        base = self.client.get_collection(f"hr-kb-{decision.desk}")
        answer = base.query(query_texts=[question], n_results=1)["documents"][0][0]
        return Reply(question=question, desk=decision.desk, text=answer)


def main() -> None:
    corpus = [q for qs in EXAMPLES.values() for q in qs] + [a for kb in KNOWLEDGE.values() for a in kb.values()]
    bot = BenefitsBot(chromadb.EphemeralClient(), WordOverlap.fitted(corpus))

    for question, desk, fragment in [
        ("Do my vacation days carry over to the next year?", "leave", "31 March"),
        ("I want to change the bank account for my salary", "pay", "before the 10th"),
        ("my laptop is broken again", "equipment", "swapped the same day"),
        ("Where can I park my bicycle?", "human", "HR team"),
    ]:
        reply = bot.reply(question)
        print(f"[{reply.desk:>9}] {question}\n            {reply.text}")
        assert reply.desk == desk and fragment in reply.text, reply

    split = bot.route("Is parental leave paid?")
    assert split.desk is None and 0 < split.confidence < 0.6, "half leave, half pay: a person should look"

    # A desk that is closed down takes its examples along, or questions would lead nowhere.
    bot.client.delete_collection("hr-kb-equipment")
    assert bot.router.delete(where={"desk": "equipment"})["deleted"] == 4
    assert bot.reply("my laptop is broken again").desk == "human"
    try:
        bot.client.get_collection("hr-kb-equipment")
    except NotFoundError:
        print("equipment desk closed,", bot.router.count(), "examples left")
    else:
        raise AssertionError("the closed desk is still open")


if __name__ == "__main__":
    main()
