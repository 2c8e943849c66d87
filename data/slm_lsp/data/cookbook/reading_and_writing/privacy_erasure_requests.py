"""Carry out privacy erasure requests against a collection of support chats with delete().

Four kinds of request come in: single messages, everything of one person, everything that quotes a
phrase, and "the oldest N of a channel, please, but not all at once".  Each is one call of delete(),
and each leaves a line in an audit trail with the number of records that it took away.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Optional

import chromadb
from chromadb.api.models.Collection import Collection
from chromadb.api.types import Where, WhereDocument


@dataclass
class ErasureOffice:
    chats: Collection
    audit: list[str] = field(default_factory=list)

    def erase_messages(self, message_ids: list[str], reason: str) -> int:
        """Erase by id.  The answer counts ids asked for, so count what exists before trusting it."""
        present = self.chats.get(ids=message_ids, include=[])["ids"]
        if not present:
            return self._log(0, reason)
        return self._log(self.chats.delete(ids=present)["deleted"], reason)

    def erase_person(self, person: str, keep_invoices: bool = True) -> int:
        where: Where = {"person": person}
        if keep_invoices:  # tax law beats the right to be forgotten
            where = {"$and": [{"person": person}, {"kind": {"$ne": "invoice"}}]}
        return self._log(self.chats.delete(where=where)["deleted"], f"everything of {person}")

    def erase_phrase(self, phrase: str, channel: Optional[str] = None) -> int:
        where_document: WhereDocument = {"$contains": phrase}
        if channel is None:
            outcome = self.chats.delete(where_document=where_document)
        else:  # both filters must hold
            outcome = self.chats.delete(where={"channel": channel}, where_document=where_document)
        return self._log(outcome["deleted"], f"phrase {phrase!r}")

    def erase_expired(self, before: date, step: int = 3) -> int:
        """Erase in small steps with ``limit`` so that no single call holds the database for long."""
        too_old: Where = {"day": {"$lt": int(before.strftime("%Y%m%d"))}}
        total = 0
        while True:
            gone = self.chats.delete(where=too_old, limit=step)["deleted"]
            total += gone
            if gone < step:
                break
        return self._log(total, f"older than {before.isoformat()}")

    def _log(self, count: int, reason: str) -> int:
        self.audit.append(f"{count:>3} erased: {reason}")
        return count


def seed(chats: Collection) -> None:
    rows = [
        # id, person, channel, kind, day, text
        ("m01", "ines", "email", "chat", 20230110, "My card number is 4929 0000 0000 1234"),
        ("m02", "ines", "email", "invoice", 20230111, "Invoice 889, 40 EUR, paid by card"),
        ("m03", "ines", "phone", "chat", 20240704, "Please call me back after six"),
        ("m04", "tomo", "phone", "chat", 20220301, "The router blinks red"),
        ("m05", "tomo", "email", "chat", 20220302, "Still red. card number 4929, as asked"),
        ("m06", "vera", "email", "chat", 20240912, "Thanks, solved"),
        ("m07", "vera", "email", "chat", 20240913, "Spoke too soon"),
        *((f"bot{n:02}", "bot", "web", "chat", 20210100 + n, f"Greeting {n}") for n in range(1, 9)),
    ]
    chats.add(
        ids=[row[0] for row in rows],
        embeddings=[[len(row[5]) / 40.0, float(row[4] % 100), 1.0] for row in rows],
        metadatas=[{"person": p, "channel": c, "kind": k, "day": d} for _, p, c, k, d, _ in rows],
        documents=[row[5] for row in rows],
    )


def main() -> None:
    client = chromadb.EphemeralClient()
    chats = client.create_collection("support_chats", embedding_function=None)
    seed(chats)
    office = ErasureOffice(chats)
    assert chats.count() == 15

    assert office.erase_messages(["m06", "m99"], "ticket 12, one of two ids exists") == 1
    assert office.erase_phrase("card number", channel="email") == 2
    assert set(chats.get(where={"person": "ines"}, include=[])["ids"]) == {"m02", "m03"}

    assert office.erase_person("ines") == 1
    assert chats.get(where={"person": "ines"}, include=["metadatas"])["metadatas"][0]["kind"] == "invoice"

    assert office.erase_expired(date(2022, 1, 1), step=3) == 8  # steps of 3, 3 and 2
    assert office.erase_expired(date(2022, 1, 1)) == 0
    assert sorted(chats.get(include=[])["ids"]) == ["m02", "m04", "m07"]

    # delete() has no "everything" form: forgetting the filter must not empty the collection ...
    for careless in ({}, {"limit": 5}, {"ids": []}, {"ids": ["m02"], "limit": 1}):
        try:
            chats.delete(**careless)
        except ValueError as error:
            office.audit.append(f"refused {careless}: {error}")
        else:
            raise AssertionError(careless)
    assert chats.count() == 3
    # ... and the deliberate form is to fetch the ids first.
    chats.delete(ids=chats.get(include=[])["ids"])
    assert chats.count() == 0

    print("\n".join(office.audit))


if __name__ == "__main__":
    main()
