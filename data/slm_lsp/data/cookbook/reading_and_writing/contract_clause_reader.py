"""Read a contract's clauses back in every way that get() offers.

A lawyer's assistant rarely searches by similarity: it is this clause, those three, all of schedule B,
the ones that mention a penalty, the next ten.  That is get(), and every argument of it is used here.
"""

from __future__ import annotations

import chromadb
from chromadb.api.types import GetResult

CONTRACT = """
1.1|definitions|In this agreement "Goods" means the items listed in Schedule A.
1.2|definitions|"Delivery Date" means the date stated in the purchase order.
2.1|delivery|The Supplier delivers the Goods to the Buyer on the Delivery Date.
2.2|delivery|For each day of delay a penalty of 0.5 percent of the price is due.
2.3|delivery|The penalty is capped at 10 percent of the price.
3.1|payment|The price is payable within 30 days of receipt of the invoice.
3.2|payment|Late payment bears interest at 4 percent per year.
4.1|liability|Neither party is liable for loss of profit.
4.2|liability|Nothing in this agreement limits liability for fraud.
5.1|termination|Either party may terminate with 90 days notice in writing.
5.2|termination|On termination all unpaid sums, any penalty included, fall due.
"""


class ClauseReader:
    """A thin, typed layer over one collection; every method is one get()."""

    def __init__(self, collection: chromadb.Collection):
        self._clauses = collection

    def clause(self, number: str) -> str:
        """The text of one clause, KeyError if there is none."""
        found = self._clauses.get(ids=number, include=["documents"])
        if not found["ids"]:
            raise KeyError(number)
        return found["documents"][0]

    def clauses(self, numbers: list[str]) -> list[str | None]:
        """Texts in the order asked for; get() answers in an order of its own and leaves gaps out."""
        found = self._clauses.get(ids=numbers, include=["documents"])
        text_of = dict(zip(found["ids"], found["documents"]))
        return [text_of.get(number) for number in numbers]

    def part(self, part: str) -> GetResult:
        return self._clauses.get(where={"part": part}, include=["documents", "metadatas"])

    def mentioning(self, word: str, outside: str | None = None) -> list[str]:
        """Numbers of the clauses with this word, optionally outside of one part."""
        found = self._clauses.get(
            where={"part": {"$ne": outside}} if outside else None,
            where_document={"$contains": word},
            include=[],
        )
        return sorted(found["ids"])

    def page(self, number: int, size: int = 4) -> list[str]:
        """The n-th page of the contract, counted from one."""
        return self._clauses.get(limit=size, offset=(number - 1) * size, include=[])["ids"]

    def among(self, numbers: list[str], part: str) -> list[str]:
        """ids and where together: those of the given clauses that belong to a part."""
        return sorted(self._clauses.get(ids=numbers, where={"part": part}, include=[])["ids"])


def load(client: chromadb.ClientAPI) -> chromadb.Collection:
    collection = client.create_collection("supply_agreement_2024")
    rows = [line.split("|") for line in CONTRACT.strip().splitlines()]
    collection.add(
        ids=[number for number, _, _ in rows],
        documents=[text for _, _, text in rows],
        metadatas=[{"part": part, "section": int(number.split(".")[0])} for number, part, _ in rows],
        # No similarity search is planned.  A vector is still required; the position in the contract
        # is an honest one, and nearness then means "stands next to it".
        embeddings=[[float(position), 0.0] for position, _ in enumerate(rows)],
    )
    return collection


def main() -> None:
    client = chromadb.EphemeralClient()
    reader = ClauseReader(load(client))

    assert reader.clause("2.3").startswith("The penalty is capped")
    try:
        reader.clause("9.9")
    except KeyError:
        pass
    else:
        raise AssertionError("get() of an unknown id is empty, so clause() must raise")

    texts = reader.clauses(["3.2", "7.7", "1.1"])
    assert texts[0].startswith("Late payment") and texts[1] is None and "Goods" in texts[2]

    delivery = reader.part("delivery")
    assert delivery["ids"] == ["2.1", "2.2", "2.3"]
    assert delivery["embeddings"] is None, "what was not asked for is None, not an empty list"

    assert reader.mentioning("penalty") == ["2.2", "2.3", "5.2"]
    assert reader.mentioning("penalty", outside="delivery") == ["5.2"]
    assert reader.mentioning("Penalty") == [], "the substring search minds upper and lower case"

    pages = [reader.page(n) for n in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [4, 4, 3, 0], "past the end there is nothing, and no error"
    assert sum(pages, []) == sorted(sum(pages, []))

    assert reader.among(["2.2", "5.2", "3.1"], "termination") == ["5.2"]

    # A plain get() is everything, with documents and metadatas but without the vectors.
    everything = client.get_collection("supply_agreement_2024").get()
    assert len(everything["ids"]) == 11
    assert everything["included"] == ["metadatas", "documents"]

    print(f"{len(everything['ids'])} clauses; penalties in {', '.join(reader.mentioning('penalty'))}")
    for number, text in zip(delivery["ids"], delivery["documents"]):
        print(f"  {number} {text[:60]}")


if __name__ == "__main__":
    main()
