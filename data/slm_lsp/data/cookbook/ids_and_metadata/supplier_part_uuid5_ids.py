"""Derive stable ids for spare parts with uuid5, and one-off ids for events with uuid4.

Several suppliers sell the same part under their own numbers.  ``uuid5(namespace, natural key)`` gives
every (supplier, number) pair one id, on every machine and in every run, without a table of ids.  An
event such as a price quote has no natural key; it gets a random uuid4 and refers to the part's id.
"""
import uuid
from datetime import datetime, timezone
from uuid import UUID

import chromadb

# A namespace of our own, itself derived from a name: the same everywhere, clashing with nobody.
PARTS_NS = uuid.uuid5(uuid.NAMESPACE_DNS, "parts.bicycle-works.example")
COUNTRIES = ["jp", "it", "de", "tw"]


def part_uuid(supplier, number):
    """The key is normalised first: 'SH 105-R7000' and 'sh105r7000' are one number on the shelf."""
    clean = "".join(ch for ch in number.casefold() if ch.isalnum())
    if not clean:
        raise ValueError(f"{number!r} holds no part number")
    # A separator that cannot occur in either half keeps ("ab", "c") and ("a", "bc") apart.
    return uuid.uuid5(PARTS_NS, f"{supplier.casefold()}\x1f{clean}")


class PartsCatalogue:
    def __init__(self, client):
        self.parts = client.get_or_create_collection("spare_parts", embedding_function=None)
        self.quotes = client.get_or_create_collection("part_quotes", embedding_function=None)

    def put(self, supplier, number, text, size, weight):
        part = part_uuid(supplier, number)
        self.parts.upsert(
            ids=[str(part)],  # ids are strings; str() of a UUID is its canonical form
            documents=[text],
            embeddings=[[size, weight]],
            metadatas=[{"supplier": supplier, "number": number, "ns": str(PARTS_NS)}],
        )
        return part

    def find(self, supplier, number):
        """By natural key: compute the id, no search, no filter."""
        found = self.parts.get(ids=str(part_uuid(supplier, number)))
        return found["documents"][0] if found["ids"] else None

    def quote(self, part: UUID, cents, country):
        if not self.parts.get(ids=[str(part)], include=[])["ids"]:
            raise LookupError(f"no part {part}")
        event = uuid.uuid4()
        self.quotes.add(
            ids=str(event),
            embeddings=[float(country == c) for c in COUNTRIES],
            metadatas={
                "part": str(part),
                "cents": cents,
                "at": int(datetime.now(timezone.utc).timestamp()),
            },
        )
        return event

    def quotes_of(self, part: UUID):
        found = self.quotes.get(where={"part": str(part)}, include=["metadatas"])
        return {UUID(key): facts["cents"] for key, facts in zip(found["ids"], found["metadatas"])}

    def similar(self, part: UUID, n=2):
        """Neighbours of a stored record: its own vector asks, and it is left out of the answer."""
        own = self.parts.get(ids=[str(part)], include=["embeddings"])["embeddings"][0]
        answer = self.parts.query(query_embeddings=[own], n_results=n + 1, include=["documents"])
        rows = zip(answer["ids"][0], answer["documents"][0])
        return [text for key, text in rows if UUID(key) != part][:n]


def main():
    catalogue = PartsCatalogue(chromadb.EphemeralClient())
    crank = catalogue.put("Shimada", "SH 105-R7000", "Crank set 50-34, 172.5 mm", 172.5, 0.71)
    chain = catalogue.put("Shimada", "CN-HG601", "Chain, 11 speed", 138.0, 0.25)
    rival = catalogue.put("Campagnetti", "105 R7000", "Crank set 50-34, 170 mm", 170.0, 0.69)
    assert len({crank, chain, rival}) == 3 and catalogue.parts.count() == 3

    # The same key in another spelling: the same id, so upsert() hits the same record.
    again = catalogue.put("SHIMADA", "sh105r7000", "Crank set 50-34, 172.5 mm, silver", 172.5, 0.71)
    assert again == crank and catalogue.parts.count() == 3
    assert catalogue.find("shimada", "SH-105 R7000").endswith("silver")
    assert catalogue.find("shimada", "SH-106") is None
    assert part_uuid("ab", "c1") != part_uuid("a", "bc1")

    # Known for good: this value must never change, or every stored id is lost.
    assert crank.version == 5
    assert str(part_uuid("Shimada", "CN-HG601")) == str(uuid.uuid5(PARTS_NS, "shimada\x1fcnhg601"))

    # Ids are compared as strings.  Another spelling of a UUID is another id to chromadb ...
    shouted = str(chain).upper()
    assert catalogue.parts.get(ids=[shouted])["ids"] == []
    # ... and a UUID object is no id at all.
    try:
        catalogue.parts.get(ids=[chain])
    except ValueError as error:
        print("refused:", error)
    else:
        raise AssertionError("UUID objects should be refused")
    # So whatever comes from outside goes through UUID() on its way in.
    assert catalogue.parts.get(ids=[str(UUID(shouted))])["ids"] == [str(chain)]

    first, second = catalogue.quote(crank, 18_900, "jp"), catalogue.quote(crank, 17_450, "tw")
    assert first != second and first.version == 4
    assert catalogue.quotes_of(crank) == {first: 18_900, second: 17_450}
    try:
        catalogue.quote(uuid.uuid4(), 1, "de")
    except LookupError:
        pass
    else:
        raise AssertionError("a quote needs a part")

    # A collection has a UUID as well; it stays when the name changes, and finds the collection again.
    collection_id = catalogue.parts.id
    assert isinstance(collection_id, UUID)
    catalogue.parts.modify(name="spare_parts_2024")
    assert catalogue.parts.id == collection_id and catalogue.parts.name == "spare_parts_2024"

    assert catalogue.similar(crank, n=1) == ["Crank set 50-34, 170 mm"]
    print(f"crank {crank}")
    print(f"  quotes: {sorted(catalogue.quotes_of(crank).values())}, similar: {catalogue.similar(crank)}")


if __name__ == "__main__":
    main()
