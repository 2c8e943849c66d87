"""Store a hospital ward's handover notes with time stamps, recall what matters at the bedside, expire what is out of date."""
import tempfile
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import chromadb
from chromadb.config import Settings

TOPICS = {
    "pain": 0, "morphine": 0, "analgesia": 0, "paracetamol": 0,
    "fall": 1, "mobility": 1, "walker": 1, "unsteady": 1,
    "fever": 2, "infection": 2, "antibiotic": 2, "temperature": 2,
    "family": 3, "visit": 3, "daughter": 3, "discharge": 3,
    "diet": 4, "glucose": 4, "insulin": 4, "fasting": 4,
}


def topic_vector(text):
    vector = [0.05] * 5
    for word in text.lower().replace(".", "").replace(",", "").split():
        if word in TOPICS:
            vector[TOPICS[word]] += 1
    return vector


@dataclass
class Note:
    bed: int
    author: str
    text: str
    written: datetime
    urgent: bool = False
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


class HandoverBook:
    """Thin layer over one collection; times are stored as epoch seconds because filters compare numbers."""

    def __init__(self, client, ward):
        self.collection = client.get_or_create_collection(
            name=f"handover_{ward}",
            metadata={"ward": ward, "retention_days": 14},
            embedding_function=None,
        )

    def write(self, notes):
        self.collection.add(
            ids=[note.key for note in notes],
            documents=[note.text for note in notes],
            embeddings=[topic_vector(note.text) for note in notes],
            metadatas=[
                {"bed": n.bed, "author": n.author, "ts": int(n.written.timestamp()), "urgent": n.urgent} for n in notes
            ],
        )

    def recall(self, bed, question, since, k=3):
        hits = self.collection.query(
            query_embeddings=[topic_vector(question)],
            n_results=k,
            where={"$and": [{"bed": bed}, {"ts": {"$gte": int(since.timestamp())}}]},
            include=["documents", "metadatas", "distances"],
        )
        return list(zip(hits["documents"][0], hits["metadatas"][0]))

    def timeline(self, bed):
        notes = self.collection.get(where={"bed": {"$eq": bed}}, include=["documents", "metadatas"])
        return sorted(zip(notes["metadatas"], notes["documents"]), key=lambda pair: pair[0]["ts"])

    def settle(self, key, by):
        """Urgent no longer, and on record who said so. A key set to None is removed from the record."""
        self.collection.update(ids=[key], metadatas=[{"urgent": None, "settled_by": by}])

    def expire(self, now, chunk=50):
        """Delete in small bites so that a nurse who writes is never kept waiting."""
        days = self.collection.metadata["retention_days"]
        cutoff = int((now - timedelta(days=days)).timestamp())
        removed = 0
        while True:
            step = self.collection.delete(where={"ts": {"$lt": cutoff}}, limit=chunk)["deleted"]
            removed += step
            if step < chunk:
                return removed


def main():
    now = datetime(2025, 3, 3, 19, 0, tzinfo=timezone.utc)
    hours = lambda n: now - timedelta(hours=n)  # noqa: E731
    notes = [
        Note(3, "amira", "Pain after surgery, morphine 5 mg given.", hours(10), urgent=True, key="surgery-pain"),
        Note(3, "amira", "Unsteady on her feet, use the walker.", hours(9)),
        Note(3, "tom", "Daughter will visit, asks about discharge.", hours(2)),
        Note(3, "tom", "Less pain, paracetamol is enough now.", hours(1)),
        Note(7, "tom", "Fever 39.1, antibiotic started.", hours(5), urgent=True),
        Note(7, "amira", "Fasting before the scan, check glucose.", hours(12)),
    ]
    archive = [Note(9, "old", f"Diet as before, day {d}.", now - timedelta(days=15 + d)) for d in range(7)]

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(anonymized_telemetry=False, allow_reset=True)
        with closing(chromadb.PersistentClient(path=folder, settings=settings)) as client:
            book = HandoverBook(client, ward="b2")
            book.write(notes + archive)
            assert book.collection.count() == 13

            about_pain = book.recall(3, "how is the pain, which analgesia", since=hours(24), k=2)
            assert {meta["author"] for _, meta in about_pain} == {"amira", "tom"}
            this_shift = book.recall(3, "how is the pain, which analgesia", since=hours(8), k=1)
            assert this_shift[0][0].startswith("Less pain")
            print("bed 3, this shift:", this_shift[0][0])

            urgent = book.collection.get(where={"urgent": True}, include=["metadatas"])
            assert {m["bed"] for m in urgent["metadatas"]} == {3, 7}
            book.settle("surgery-pain", by="tom")
            settled = book.collection.get(ids="surgery-pain")["metadatas"][0]
            assert "urgent" not in settled and settled["settled_by"] == "tom"
            assert len(book.collection.get(where={"urgent": True})["ids"]) == 1

            assert [meta["author"] for meta, _ in book.timeline(7)] == ["amira", "tom"]
            assert book.expire(now, chunk=3) == 7
            assert book.collection.count() == 6

            # The training ward is wiped after each course; allow_reset makes that possible.
            assert client.get_settings().allow_reset
            assert client.reset() and client.count_collections() == 0
            print("expired 7 notes, then wiped the training ward")


if __name__ == "__main__":
    main()
