"""Triage university helpdesk mails by the votes of their nearest solved tickets, and measure it by leaving one out."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from math import exp
import string

import chromadb

SOLVED = [
    ("network", "low", "Wifi is slow in the library reading room"),
    ("network", "high", "No network at all in building C since eight"),
    ("network", "low", "How do I connect my phone to the campus wifi"),
    ("network", "high", "The whole dormitory has no internet connection"),
    ("network", "low", "The vpn disconnects every hour on my laptop"),
    ("account", "low", "I forgot the password of my student account"),
    ("account", "high", "My account was hacked and sends spam mails"),
    ("account", "low", "Please change the name on my student account after marriage"),
    ("account", "high", "Staff account locked before the exam, password refused"),
    ("account", "low", "Password reset link has expired"),
    ("printing", "low", "The printer on floor two is out of toner"),
    ("printing", "low", "How much does printing in colour cost"),
    ("printing", "low", "Paper jam in the printer of the library"),
    ("printing", "high", "All printers refuse to print exam papers today"),
    ("lecture-room", "high", "Projector in lecture hall one is dead and the lecture starts now"),
    ("lecture-room", "low", "The microphone in hall three crackles"),
    ("lecture-room", "high", "Beamer shows no picture, students are waiting in the hall"),
    ("lecture-room", "low", "Could you add a hdmi cable to the projector in room 12"),
]

PUNCTUATION = str.maketrans(string.punctuation, " " * len(string.punctuation))
URGENT = ("now", "today", "since", "waiting", "hacked", "whole", "all", "dead", "locked", "exam", "immediately")


def word_slots(text, slots=180):
    """Words and their first four letters, so that printer, printers and printing share a slot."""
    vector = [0.0] * slots
    for word in text.lower().translate(PUNCTUATION).split():
        if len(word) < 3 or word in ("the", "and", "for", "how", "does", "please", "every", "has", "was", "you", "could"):
            continue
        for piece, weight in ((word, 0.6), (word[:4] + "*", 1.0)):
            vector[sum(ord(c) * (i * i + 7) for i, c in enumerate(piece)) % slots] += weight
    return vector


def urgency_axis(text):
    return [1.2 * sum(w in URGENT for w in text.lower().translate(PUNCTUATION).split())]


@dataclass
class Triage:
    queue: str
    priority: str
    confidence: float
    because: list


class Helpdesk:
    def __init__(self, client, neighbours=3):
        # Two questions, two spaces: what a mail is about, and how urgent it sounds.
        self.topics = client.create_collection("solved_by_topic", configuration={"hnsw": {"space": "cosine"}})
        self.moods = client.create_collection("solved_by_urgency", configuration={"hnsw": {"space": "l2"}})
        self.neighbours = neighbours

    def teach(self, tickets):
        ids = [f"solved-{self.topics.count() + n}" for n in range(len(tickets))]
        texts = [text for _, _, text in tickets]
        labels = [{"queue": queue, "priority": priority} for queue, priority, _ in tickets]
        self.topics.add(ids=ids, documents=texts, metadatas=labels, embeddings=[word_slots(t) for t in texts])
        self.moods.add(ids=ids, metadatas=labels, embeddings=[urgency_axis(t) for t in texts])
        return ids

    def triage(self, mail, leave_out=None):
        extra = 1 if leave_out else 0
        near = self.topics.query(
            query_embeddings=[word_slots(mail)],
            n_results=self.neighbours + extra,
            include=["metadatas", "documents", "distances"],
        )
        votes, because = defaultdict(float), []
        for key, meta, text, distance in zip(
            near["ids"][0], near["metadatas"][0], near["documents"][0], near["distances"][0]
        ):
            if key == leave_out or len(because) == self.neighbours:
                continue
            votes[meta["queue"]] += exp(-3 * distance)
            because.append(text)
        queue = max(votes, key=votes.get)

        # Priority is judged against tickets of the same queue only: "all printers" is urgent for printing.
        rule = {"queue": queue}
        moods = self.moods.query(
            query_embeddings=[urgency_axis(mail)],
            n_results=self.neighbours + extra,
            where=rule,
            include=["metadatas", "distances"],
        )
        weights = Counter()
        for key, meta, distance in zip(moods["ids"][0], moods["metadatas"][0], moods["distances"][0]):
            if key != leave_out:
                weights[meta["priority"]] += exp(-distance)
        priority = weights.most_common(1)[0][0]
        return Triage(queue, priority, votes[queue] / sum(votes.values()), because)

    def evaluate(self):
        """Each solved ticket is triaged by all the others."""
        rows = self.topics.get()
        right_queue = right_priority = 0
        confusion = Counter()
        for key, text, truth in zip(rows["ids"], rows["documents"], rows["metadatas"]):
            guess = self.triage(text, leave_out=key)
            right_queue += guess.queue == truth["queue"]
            right_priority += guess.priority == truth["priority"]
            if guess.queue != truth["queue"]:
                confusion[truth["queue"], guess.queue] += 1
        return right_queue / len(rows["ids"]), right_priority / len(rows["ids"]), confusion

    def correct(self, ticket_id, **labels):
        """An agent moves a ticket: both collections have to learn it."""
        for collection in (self.topics, self.moods):
            collection.update(ids=[ticket_id], metadatas=[labels])


def main():
    desk = Helpdesk(chromadb.EphemeralClient())
    ids = desk.teach(SOLVED)

    queue_rate, priority_rate, confusion = desk.evaluate()
    print(f"leave-one-out: queue {queue_rate:.0%}, priority {priority_rate:.0%}; confused: {dict(confusion)}")
    majority = max(Counter(q for q, _, _ in SOLVED).values()) / len(SOLVED)
    assert queue_rate > 2 * majority, "clearly better than always guessing the largest queue"

    for mail, queue, priority in [
        ("The printers do not print, the exam is today!", "printing", "high"),
        ("How can I connect a tablet to the wifi?", "network", "low"),
        ("my student account password has expired", "account", "low"),
        ("projector dead, the whole lecture hall is waiting", "lecture-room", "high"),
    ]:
        verdict = desk.triage(mail)
        print(f"{verdict.queue:<13}{verdict.priority:<5}{verdict.confidence:5.0%}  {mail}")
        assert (verdict.queue, verdict.priority) == (queue, priority), verdict

    # A mail that fits nowhere is recognised by low agreement, and goes to a person.
    vague = desk.triage("hello it does not work")
    assert vague.confidence < 0.9

    # Correcting labels is a metadata update, the next triage already uses it.
    desk.correct(ids[11], queue="billing", priority="low")
    assert desk.topics.get(where={"queue": "billing"})["documents"] == ["How much does printing in colour cost"]
    assert desk.triage("What does printing in colour cost?").because[0] == "How much does printing in colour cost"
    assert desk.moods.get(ids=[ids[11]])["metadatas"][0]["queue"] == "billing"


if __name__ == "__main__":
    main()
