"""Give every customer of a support desk a collection of their own, under names that cannot collide.

Customers are called "Müller & Söhne GmbH", collections only [a-zA-Z0-9._-]. A slug alone is ambiguous, so a
short hash of the account id is added; the readable name goes into the collection's metadata.
"""

import hashlib
import re
import unicodedata
from typing import Iterable, List, NamedTuple, Optional

import chromadb
from chromadb.errors import NotFoundError

PREFIX = "cust"
LIMIT = 60  # Chroma allows 512; dashboards do not


class Account(NamedTuple):
    id: str
    name: str


def collection_name(account: Account) -> str:
    ascii_name = unicodedata.normalize("NFKD", account.name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-zA-Z0-9]+", "-", ascii_name).strip("-").lower() or "unnamed"
    digest = hashlib.blake2s(account.id.encode(), digest_size=4).hexdigest()
    # Ends with a hex digit and starts with a letter, as names must.
    return f"{PREFIX}.{slug[: LIMIT - len(PREFIX) - 10].rstrip('-')}.{digest}"


def bag_of_letters(text: str) -> List[float]:
    text = text.lower()
    return [text.count(letter) / (len(text) or 1) for letter in "abcdefghijklmnopqrstuvwxyz"]


class SupportDesk:
    def __init__(self, client: chromadb.ClientAPI):
        self._client = client

    def _tickets(self, account: Account, create: bool = False):
        name = collection_name(account)
        if create:
            return self._client.get_or_create_collection(
                name=name,
                metadata={"account_id": account.id, "account_name": account.name, "kind": "tickets"},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        return self._client.get_collection(name=name, embedding_function=None)

    def file(self, account: Account, tickets: Iterable[tuple]) -> int:
        ids, texts = zip(*tickets)
        collection = self._tickets(account, create=True)
        collection.upsert(ids=list(ids), documents=list(texts), embeddings=[bag_of_letters(t) for t in texts])
        return collection.count()

    def similar(self, account: Account, text: str) -> Optional[str]:
        """The nearest earlier ticket of the same customer, or None for customers we never heard of."""
        try:
            collection = self._tickets(account)
        except NotFoundError:
            return None
        hits = collection.query(query_embeddings=[bag_of_letters(text)], n_results=1, include=["documents"])
        return hits["documents"][0][0] if hits["ids"][0] else None

    def accounts(self) -> List[Account]:
        """Who has data here: read from metadata, since names cannot be turned back."""
        found, page_size = [], 100
        for offset in range(0, self._client.count_collections(), page_size):
            for collection in self._client.list_collections(limit=page_size, offset=offset):
                if collection.name.startswith(PREFIX + "."):
                    about = collection.metadata
                    found.append(Account(about["account_id"], about["account_name"]))
        return sorted(found)

    def rename(self, account: Account, new_name: str) -> Account:
        renamed = account._replace(name=new_name)
        collection = self._tickets(account)
        collection.modify(
            name=collection_name(renamed),
            metadata={**collection.metadata, "account_name": new_name},
        )
        return renamed

    def offboard(self, account: Account) -> bool:
        """Everything of the customer goes in one call: the best argument for a collection each."""
        try:
            self._client.delete_collection(name=collection_name(account))
        except NotFoundError:
            return False
        return True


def main() -> None:
    mueller = Account("a-1001", "Müller & Söhne GmbH")
    muller = Account("a-1002", "Muller & Sohne, GmbH!")
    kanji = Account("a-1003", "株式会社")
    lengthy = Account("a-1004", "The Very Long Established Company of Makers of Fine Mechanical Instruments Ltd")

    names = [collection_name(account) for account in (mueller, muller, kanji, lengthy)]
    print(*names, sep="\n")
    assert len(set(names)) == 4
    assert names[0].rsplit(".", 1)[0] == names[1].rsplit(".", 1)[0], "same slug, told apart by the hash"
    assert all(3 <= len(name) <= LIMIT and re.fullmatch(r"[a-zA-Z0-9][\w.-]*[a-zA-Z0-9]", name) for name in names)

    desk = SupportDesk(chromadb.EphemeralClient())
    desk.file(mueller, [("t1", "Invoice shows the wrong address"), ("t2", "Printer jams on thick paper")])
    desk.file(muller, [("t1", "Cannot log in after password change")])
    desk.file(kanji, [("t1", "Delivery arrived damaged")])
    assert desk.file(mueller, [("t2", "Printer jams on thick paper, again"), ("t3", "Toner empty")]) == 3

    # The nearest neighbour of one customer never comes from another.
    question = "I can not log in with my password"
    assert desk.similar(muller, question) == "Cannot log in after password change"
    assert desk.similar(mueller, question) in {
        "Invoice shows the wrong address", "Printer jams on thick paper, again", "Toner empty"
    }
    assert desk.similar(lengthy, question) is None  # never filed anything; reading did not create a collection
    assert desk.accounts() == [mueller, muller, kanji]

    kanji = desk.rename(kanji, "Kabushiki Trading")
    assert "kabushiki" in collection_name(kanji) and desk.similar(kanji, "damaged") == "Delivery arrived damaged"

    assert desk.offboard(mueller) is True and desk.offboard(mueller) is False
    assert [account.id for account in desk.accounts()] == ["a-1002", "a-1003"]
    print("left:", ", ".join(account.name for account in desk.accounts()))
    for account in desk.accounts():
        desk.offboard(account)


if __name__ == "__main__":
    main()
