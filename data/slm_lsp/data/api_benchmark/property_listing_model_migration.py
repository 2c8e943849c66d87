"""Re-embed a live collection of property listings with a new model: copy to a shadow collection, verify, swap names, roll back."""
import logging
import sys
import tempfile

import chromadb
from chromadb.errors import NotFoundError
from chromadb.utils.embedding_functions import register_embedding_function

log = logging.getLogger("reembed")


@register_embedding_function
class RoomsV1(chromadb.EmbeddingFunction):
    """The model in production since 2021: only looks at eight words."""

    WORDS = "garden balcony kitchen bath garage lift cellar attic".split()

    def __init__(self):
        self.dimension = len(self.WORDS)

    def __call__(self, input):
        return [[float(word in text.lower()) + 0.001 for word in self.WORDS] for text in input]

    @staticmethod
    def name():
        return "rooms-v1"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return RoomsV1()


@register_embedding_function
class RoomsV2(chromadb.EmbeddingFunction):
    """The new model also knows the surroundings, and weighs them."""

    EXTRA = "quiet lake station school sunny view".split()

    def __init__(self, extra_weight=2.0):
        self.extra_weight = extra_weight

    def __call__(self, input):
        rooms = RoomsV1()(input)
        return [
            [*map(float, vec), *(self.extra_weight * (word in text.lower()) + 0.001 for word in self.EXTRA)]
            for vec, text in zip(rooms, input)
        ]

    @staticmethod
    def name():
        return "rooms-v2"

    def get_config(self):
        return {"extra_weight": self.extra_weight}

    @staticmethod
    def build_from_config(config):
        return RoomsV2(**config)


def reembed(source, target, page=2):
    """Copy every record in pages; the embeddings are left out, so that the target computes its own."""
    copied = 0
    while True:
        rows = source.get(limit=page, offset=copied, include=["documents", "metadatas"])
        if not rows["ids"]:
            break
        target.upsert(ids=rows["ids"], documents=rows["documents"], metadatas=rows["metadatas"])
        copied += len(rows["ids"])
        log.info("copied %d of %d", copied, source.count())
    return copied


def verify(source, target):
    """The same ids and metadata, a vector of the new width for each."""
    old = source.get(include=["metadatas"])
    new = target.get(ids=old["ids"], include=["metadatas", "embeddings"])
    assert new["embeddings"].shape == (len(old["ids"]), 14)
    assert dict(zip(old["ids"], old["metadatas"])) == dict(zip(new["ids"], new["metadatas"]))


def migrate(client, name, embedding_function):
    live = client.get_collection(name=name)
    shadow = client.create_collection(
        name=f"{name}.shadow",
        metadata={**(live.metadata or {}), "model": embedding_function.name()},
        configuration={"hnsw": {"space": "cosine"}, "embedding_function": embedding_function},
    )
    try:
        reembed(live, shadow)
        verify(live, shadow)
    except Exception:
        client.delete_collection(name=shadow.name)
        raise
    live.modify(name=f"{name}.before")
    shadow.modify(name=name)
    return live, shadow


LISTINGS = [
    ("L1", "Sunny flat with balcony and lift, near the station", {"city": "Graz", "rent": 980}),
    ("L2", "House with garden, garage and cellar", {"city": "Linz", "rent": 1750}),
    ("L3", "Quiet attic with view of the lake", {"city": "Bregenz", "rent": 1100}),
    ("L4", "Kitchen, bath, balcony: all new", {"city": "Graz", "rent": 890}),
    ("L5", "Garden flat beside the school, quiet", {"city": "Graz", "rent": 1020}),
]


def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with tempfile.TemporaryDirectory() as path:
        client = chromadb.PersistentClient(path)
        listings = client.create_collection("listings", embedding_function=RoomsV1(), metadata={"market": "AT"})
        ids, texts, metas = zip(*LISTINGS)
        listings.add(ids=list(ids), documents=list(texts), metadatas=list(metas))

        # Opening the collection with the new model is refused: the vectors would not be comparable.
        try:
            client.get_collection(name="listings", embedding_function=RoomsV2())
            raise SystemExit("two models were mixed")
        except ValueError as conflict:
            assert "rooms-v1" in str(conflict)

        before, after = migrate(client, "listings", RoomsV2(extra_weight=3.0))
        assert {c.name for c in client.list_collections()} == {"listings", "listings.before"}
        assert after.id == client.get_collection("listings").id and before.count() == after.count() == 5

        # The stored configuration brings the right model back without naming it here.
        current = client.get_collection("listings")
        lakeside = current.query(query_texts=["quiet place with a view of the lake"], n_results=1)
        assert lakeside["ids"] == [["L3"]]
        affordable = current.query(query_texts=["sunny, near station"], n_results=3, where={"rent": {"$lt": 1000}})
        assert affordable["ids"][0] == ["L1", "L4"]

        # A failed second migration leaves nothing behind.
        try:
            migrate(client, "listings", RoomsV1())
        except AssertionError as reason:
            print("second migration stopped:", type(reason).__name__)
        try:
            client.get_collection("listings.shadow")
        except NotFoundError:
            pass
        else:
            raise SystemExit("the shadow collection was left behind")

        client.delete_collection(name="listings.before")
        assert client.count_collections() == 1 and current.metadata == {"market": "AT", "model": "rooms-v2"}
        client.close()
        print("listings now use", current.metadata["model"])


if __name__ == "__main__":
    main()
