"""Make a chat memory forget on request, on schedule and on sight of personal data, and prove that it did.

Three kinds of forgetting:
  * erase(user)      everything a person ever said, at once
  * expire(days)     whatever is older than the retention period, in small bites
  * redact()         e-mail addresses and card numbers inside texts that may otherwise stay
The last one also has to replace the vector: an embedding of a text is a copy of it.
"""
import re
import tempfile
from pathlib import Path

import chromadb

DAY = 86_400
EPOCH = 1_720_000_000

# Chroma runs patterns with Rust's regex engine: no look-around, no back-references.
PERSONAL = {
    "email": r"[a-z0-9._-]+@[a-z0-9-]+\.[a-z]{2,}",
    "card": r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",
}

LINES = [
    # user, day, text
    ("lea", 0, "hi, the parcel never came"),
    ("lea", 1, "write to lea.brandt@example.org please"),
    ("lea", 40, "the second parcel came, thanks"),
    ("omar", 2, "my card 4111 1111 1111 1111 was charged twice"),
    ("omar", 3, "and please cc omar@example.com and billing@example.com"),
    ("omar", 55, "the refund arrived"),
    ("kim", 50, "where is the shop in Lyon?"),
    ("kim", 58, "found it, the shop was lovely"),
]


def letters(text):
    """26 letter frequencies: crude, but it shows that redacting moves the vector."""
    low = text.lower()
    return [low.count(chr(c)) / max(len(low), 1) for c in range(ord("a"), ord("z") + 1)]


class ForgetfulMemory:
    def __init__(self, folder: Path):
        self.client = chromadb.PersistentClient(folder)
        self.chat = self.client.get_or_create_collection("chat")
        self.ledger = self.client.get_or_create_collection("erasure_ledger")

    def record(self, lines):
        start = self.chat.count()
        self.chat.add(
            ids=[f"line-{start + n}" for n in range(len(lines))],
            documents=[text for _, _, text in lines],
            embeddings=[letters(text) for _, _, text in lines],
            metadatas=[{"user": user, "at": EPOCH + day * DAY, "redacted": False} for user, day, _ in lines],
        )

    def _log(self, action, subject, count, now):
        # The ledger says that something was erased, never what.
        number = self.ledger.count()
        self.ledger.add(
            ids=f"entry-{number:06d}",
            embeddings=[0.0],
            metadatas={"action": action, "subject": subject, "count": count, "at": now},
        )

    def erase(self, user, now):
        deleted = self.chat.delete(where={"user": {"$eq": user}})["deleted"]
        self._log("erase", user, deleted, now)
        return deleted

    def expire(self, days, now, bite=2):
        """Delete in bites so that a big purge never holds the database for long."""
        old = {"at": {"$lt": now - days * DAY}}
        bites = 0
        total = 0
        while (gone := self.chat.delete(where=old, limit=bite)["deleted"]) > 0:
            total += gone
            bites += 1
        self._log("expire", f"{days} days", total, now)
        return total, bites

    def redact(self, now):
        touched = 0
        for label, pattern in PERSONAL.items():
            # (?i) instead of lower-casing the documents
            hits = self.chat.get(where_document={"$regex": f"(?i){pattern}"}, include=["documents"])
            if not hits["ids"]:
                continue
            clean = [re.sub(pattern, f"<{label}>", text, flags=re.I) for text in hits["documents"]]
            self.chat.update(
                ids=hits["ids"],
                documents=clean,
                embeddings=[letters(text) for text in clean],
                metadatas=[{"redacted": True}] * len(clean),
            )
            touched += len(clean)
        self._log("redact", "personal data", touched, now)
        return touched

    def leaks(self):
        """Ids of texts in which personal data can still be found; must be empty after redact()."""
        return self.chat.get(
            where_document={"$or": [{"$regex": f"(?i){p}"} for p in PERSONAL.values()]}, include=[]
        )["ids"]


def on_disk(folder: Path, needle: str) -> bool:
    return any(needle.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def main():
    now = EPOCH + 60 * DAY
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "memory"
        memory = ForgetfulMemory(folder)
        memory.record(LINES)
        assert memory.leaks() == ["line-1", "line-3", "line-4"]

        before = memory.chat.get(ids=["line-3"], include=["embeddings"])["embeddings"][0]
        assert memory.redact(now) == 3 and memory.leaks() == []
        line = memory.chat.get(ids=["line-3"], include=["embeddings", "documents", "metadatas"])
        print("redacted:", line["documents"][0])
        assert "4111" not in line["documents"][0] and line["metadatas"][0]["redacted"] is True
        assert line["metadatas"][0]["user"] == "omar", "the other keys are untouched"
        assert (line["embeddings"][0] != before).any(), "the vector was replaced as well"
        assert len(memory.chat.get(where={"redacted": {"$ne": False}})["ids"]) == 3

        assert memory.erase("lea", now) == 3
        assert memory.chat.get(where={"user": "lea"})["ids"] == []
        # Erasing is idempotent: asking twice is no error.
        assert memory.erase("lea", now) == 0

        total, bites = memory.expire(days=8, now=now, bite=2)
        print(f"expired {total} lines in {bites} bites")
        assert (total, bites) == (3, 2)
        assert memory.chat.get(include=["documents"])["documents"] == ["the refund arrived", "found it, the shop was lovely"]

        # limit without a filter would delete "any two", so Chroma refuses it.
        try:
            memory.chat.delete(ids=["line-5"], limit=1)
        except ValueError as refused:
            print("refused:", str(refused)[:60], "...")
        else:
            raise AssertionError("limit= goes with a filter, not with ids")
        memory.client.close()

        # The next process finds the ledger, and nothing of Lea.
        later = ForgetfulMemory(folder)
        entries = later.ledger.get(where={"action": "erase"})["metadatas"]
        assert [(e["subject"], e["count"]) for e in entries] == [("lea", 3), ("lea", 0)]
        assert later.chat.count() == 2 and later.ledger.count() == 4
        later.client.close()
        # Files are another matter: deleted rows linger in a database's free pages until it is vacuumed.
        lingering = on_disk(folder, "the parcel never came")
        print("bytes of the erased text still on disk:", lingering, "-> run `chroma vacuum` to finish the job")


if __name__ == "__main__":
    main()
