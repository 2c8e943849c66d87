"""Keep every version of a company's policies: versioned ids, a "current" flag, questions about the past.

Ids read ``travel-expenses@3``.  Exactly one version of each policy has ``current`` set, so everyday
search needs a single condition, and validity dates answer "what applied on that day" for disputes.
"""

from dataclasses import dataclass
from typing import Optional

import chromadb

NEVER = 99_991_231
TOPICS = ("travel", "money", "holiday", "equipment", "home")


@dataclass(frozen=True)
class PolicyVersion:
    policy: str
    version: int
    text: str
    valid_from: int  # 20240131
    valid_to: int  # the first day on which it no longer applies

    @property
    def id(self) -> str:
        return f"{self.policy}@{self.version}"

    @staticmethod
    def split(record_id: str) -> tuple[str, int]:
        policy, at, version = record_id.rpartition("@")
        if not at or not version.isdigit():
            raise ValueError(f"not a versioned id: {record_id!r}")
        return policy, int(version)


def topic_vector(text: str) -> list[float]:
    words = text.lower()
    return [float(words.count(topic)) for topic in TOPICS] + [0.1]


class PolicyArchive:
    def __init__(self, client: chromadb.ClientAPI):
        self._records = client.get_or_create_collection(
            "company_policies",
            metadata={"id_format": "<policy>@<version>"},
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=None,
        )

    def publish(self, policy: str, text: str, day: int) -> str:
        """Add a version and retire the one before.  An unchanged text publishes nothing."""
        before = self.latest(policy)
        if before and before.text == text:
            return before.id
        if before and day <= before.valid_from:
            raise ValueError(f"{policy} cannot change on {day}: {before.id} starts on {before.valid_from}")
        version = PolicyVersion(policy, before.version + 1 if before else 1, text, day, NEVER)
        self._records.add(
            ids=[version.id],
            documents=[text],
            embeddings=[topic_vector(text)],
            metadatas=[
                {"policy": policy, "version": version.version, "from": day, "to": NEVER, "current": True}
            ],
        )
        if before:  # metadata only: text and vector of a published version are never touched
            self._records.update(ids=[before.id], metadatas=[{"to": day, "current": False}])
        return version.id

    def _one(self, where: dict) -> Optional[PolicyVersion]:
        found = self._records.get(where=where, limit=2)
        assert len(found["ids"]) < 2, f"{where} should be unique, found {found['ids']}"
        if not found["ids"]:
            return None
        policy, version = PolicyVersion.split(found["ids"][0])
        facts = found["metadatas"][0]
        return PolicyVersion(policy, version, found["documents"][0], facts["from"], facts["to"])

    def latest(self, policy: str) -> Optional[PolicyVersion]:
        return self._one({"$and": [{"policy": policy}, {"current": True}]})

    def as_of(self, policy: str, day: int) -> Optional[PolicyVersion]:
        """What applied on a day: from <= day < to."""
        return self._one({"$and": [{"policy": policy}, {"from": {"$lte": day}}, {"to": {"$gt": day}}]})

    def history(self, policy: str) -> list[str]:
        ids = self._records.get(where={"policy": policy}, include=[])["ids"]
        # '@10' sorts before '@9' as text, so sort by the number.
        return sorted(ids, key=PolicyVersion.split)

    def search(self, question: str, n: int = 3, day: Optional[int] = None) -> list[str]:
        where: dict = {"current": True}
        if day is not None:
            where = {"$and": [{"from": {"$lte": day}}, {"to": {"$gt": day}}]}
        found = self._records.query(query_embeddings=topic_vector(question), n_results=n, where=where, include=[])
        return found["ids"][0]

    def withdraw(self, policy: str, day: int) -> bool:
        """No version is current any more; the past remains."""
        last = self.latest(policy)
        if last:
            self._records.update(ids=[last.id], metadatas=[{"to": day, "current": False}])
        return last is not None

    def prune(self, policy: str, keep: int) -> list[str]:
        """Drop all but the newest versions; the current one is always among those kept."""
        drop = self.history(policy)[:-keep] if keep else []
        if drop:
            self._records.delete(ids=drop)
        return drop


def main() -> None:
    archive = PolicyArchive(chromadb.EphemeralClient())
    first = archive.publish("travel-expenses", "Travel by train, money back within 60 days", 20220101)
    assert first == "travel-expenses@1"
    archive.publish("home-office", "Work at home two days; equipment is lent", 20220301)
    archive.publish("leave", "Holiday: 25 days", 20220101)
    archive.publish("leave", "Holiday: 28 days", 20230101)
    second = archive.publish("travel-expenses", "Travel by train, money back within 30 days", 20230615)
    assert second == "travel-expenses@2"
    unchanged = archive.publish("leave", "Holiday: 28 days", 20240101)
    assert unchanged == "leave@2" and archive.history("leave") == ["leave@1", "leave@2"]

    assert archive.search("money for travel")[0] == "travel-expenses@2"
    assert set(archive.search("anything", n=10)) == {"travel-expenses@2", "home-office@1", "leave@2"}
    assert archive.search("money for travel", n=1, day=20230614) == ["travel-expenses@1"]

    # A dispute: the ticket was bought on the last day of the old rule.
    assert "60 days" in archive.as_of("travel-expenses", 20230614).text
    assert "30 days" in archive.as_of("travel-expenses", 20230615).text
    assert archive.as_of("travel-expenses", 20211231) is None

    try:
        archive.publish("leave", "Holiday: 20 days", 20220701)
    except ValueError as error:
        print(error)
    else:
        raise AssertionError("the past was rewritten")

    for number in range(3, 13):
        archive.publish("leave", f"Holiday: {26 + number} days", 20240000 + number * 100 + 1)
    assert archive.history("leave")[-2:] == ["leave@11", "leave@12"]
    assert archive.prune("leave", keep=3) == [f"leave@{n}" for n in range(1, 10)]
    assert archive.latest("leave").id == "leave@12"

    assert archive.withdraw("home-office", 20250101) and not archive.withdraw("home-office", 20250102)
    assert archive.latest("home-office") is None
    assert archive.search("equipment at home", n=1, day=20240505) == ["home-office@1"]
    print("current:", archive.search("anything", n=10), "| leave:", archive.history("leave"))


if __name__ == "__main__":
    main()
