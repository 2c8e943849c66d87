"""Keep many tenants' properties in one shared collection, behind a guard that scopes every single call.

Thousands of small tenants (here: estate agencies) are cheaper in one collection with a tenant key than in
thousands of collections. The price is that one forgotten `where` leaks data, so application code never gets
the collection itself, only a TenantView that adds the condition to reads and the key to writes.
"""

from typing import Any, Optional, Sequence

import chromadb
from chromadb import FtsIndexConfig, Schema

TENANT_KEY = "_agency"


class TenantView:
    """A collection as one tenant may see it."""

    def __init__(self, collection: chromadb.Collection, tenant: str) -> None:
        if not tenant:
            raise ValueError("an empty tenant would see nothing, and hide a bug")
        self.__collection = collection
        self.__tenant = tenant

    def __scope(self, where: Optional[dict]) -> dict:
        mine = {TENANT_KEY: self.__tenant}
        # $and takes two conditions or more, so the bare case has to stay bare. A caller's own condition on the
        # tenant key is harmless: both must hold.
        return {"$and": [mine, where]} if where else mine

    def __key(self, ids: Sequence[str]) -> list[str]:
        """Ids are prefixed: two agencies may both have a 'flat-1', and neither can overwrite the other's."""
        return [f"{self.__tenant}/{record}" for record in ids]

    def __strip(self, ids: Sequence[str]) -> list[str]:
        return [record.removeprefix(f"{self.__tenant}/") for record in ids]

    def upsert(self, ids: Sequence[str], embeddings: Any, documents: Sequence[str], metadatas: Sequence[dict]) -> None:
        if any(TENANT_KEY in metadata for metadata in metadatas):
            raise ValueError(f"{TENANT_KEY} is set by the store, not by callers")
        self.__collection.upsert(
            ids=self.__key(ids),
            embeddings=embeddings,
            documents=list(documents),
            metadatas=[{**metadata, TENANT_KEY: self.__tenant} for metadata in metadatas],
        )

    def get(self, ids: Optional[Sequence[str]] = None, where: Optional[dict] = None, **options: Any) -> dict:
        result = self.__collection.get(
            ids=self.__key(ids) if ids is not None else None, where=self.__scope(where), **options
        )
        return {**result, "ids": self.__strip(result["ids"])}

    def query(self, query_embeddings: Any, where: Optional[dict] = None, **options: Any) -> dict:
        result = self.__collection.query(
            query_embeddings=query_embeddings, where=self.__scope(where), **options
        )
        return {**result, "ids": [self.__strip(row) for row in result["ids"]]}

    def delete(self, ids: Optional[Sequence[str]] = None, where: Optional[dict] = None) -> int:
        # Ids and where together: both conditions apply, so a guessed id of somebody else is not enough.
        result = self.__collection.delete(
            ids=self.__key(ids) if ids is not None else None, where=self.__scope(where)
        )
        return result["deleted"]

    def count(self) -> int:
        """Collection.count() knows no filter; fetching ids only is the way to count a subset."""
        return len(self.__collection.get(where=self.__scope(None), include=[])["ids"])


# rooms, balcony, price in 100 000
LISTINGS = {
    "hansen": [
        ("flat-1", [2, 1, 3.1], "Two rooms with a view of the park", {"city": "Oslo", "sold": False}),
        ("flat-2", [4, 0, 5.0], "Family flat near the station", {"city": "Oslo", "sold": True}),
        ("hut-1", [1, 0, 0.9], "Cabin by the fjord, no water in winter", {"city": "Voss", "sold": False}),
    ],
    "berg": [
        ("flat-1", [2, 1, 3.0], "Bright two-room flat, newly painted", {"city": "Oslo", "sold": False}),
        ("villa-7", [8, 1, 14.5], "Villa with boathouse", {"city": "Bergen", "sold": False}),
    ],
}


def attack(view: TenantView) -> None:
    """What a careless or curious caller of one agency might try."""
    everything = view.get(where={"$or": [{TENANT_KEY: "hansen"}, {TENANT_KEY: {"$ne": "nobody"}}]})
    assert set(everything["ids"]) == {"flat-1", "villa-7"}
    assert view.get(ids=["hansen/flat-2", "../hansen/flat-2"])["ids"] == []
    assert view.delete(where={TENANT_KEY: "hansen"}) == 0
    assert view.query([[1, 0, 0.9]], n_results=10, where={"city": "Voss"})["ids"] == [[]]
    try:
        view.upsert(["x"], [[1, 1, 1]], ["mine now"], [{TENANT_KEY: "hansen"}])
    except ValueError as error:
        print("attack:", error)
    else:
        raise AssertionError("the key must not be settable")


def main() -> None:
    client = chromadb.EphemeralClient()
    # Texts are read, not filtered on; what must be indexed is the tenant key, like every other string.
    shared = client.create_collection(
        name="listings",
        schema=Schema().delete_index(config=FtsIndexConfig(), key="#document"),
        embedding_function=None,
    )
    views = {agency: TenantView(shared, agency) for agency in LISTINGS}
    for agency, rows in LISTINGS.items():
        ids, vectors, texts, facts = zip(*rows)
        views[agency].upsert(ids, [list(map(float, v)) for v in vectors], texts, facts)
    assert shared.count() == 5
    assert [views[agency].count() for agency in ("hansen", "berg")] == [3, 2]

    hansen, berg = views["hansen"], views["berg"]
    # The nearest flat overall is Berg's, but Hansen's customers are shown Hansen's.
    near = hansen.query([[2.0, 1.0, 3.0]], n_results=2, where={"sold": False}, include=["documents"])
    assert near["ids"] == [["flat-1", "hut-1"]]
    assert near["documents"][0][0].startswith("Two rooms")
    assert berg.get(ids=["flat-1"])["documents"] == ["Bright two-room flat, newly painted"]
    assert hansen.get(where={"city": {"$in": ["Voss", "Bergen"]}}, limit=5)["ids"] == ["hut-1"]

    attack(berg)

    assert hansen.delete(ids=["flat-1"], where={"sold": True}) == 0  # the id matches, the condition does not
    assert hansen.delete(where={"sold": True}) == 1
    assert berg.delete(where={"city": "Oslo"}) == 1
    assert (hansen.count(), berg.count()) == (2, 1)
    print("left per agency:", {agency: view.get(include=[])["ids"] for agency, view in views.items()})


if __name__ == "__main__":
    main()
