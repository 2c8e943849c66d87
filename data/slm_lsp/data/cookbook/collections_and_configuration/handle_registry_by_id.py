"""Address collections by UUID in a game's replay store, so that renames by others cannot break stored references.

A name is what people see and change; an id is for life. The registry keeps ids (in a JSON file, say), opens
them with get_collection_by_id(), and compares what it finds. Also shown: what a handle knows about itself, and
how count() takes a read level.
"""
import json
from uuid import UUID, uuid4

import chromadb
from chromadb import ReadLevel
from chromadb.errors import NotFoundError


class ActionHistogram(chromadb.EmbeddingFunction):
    ACTIONS = "MAJDHS"  # move attack jump defend heal special

    def __init__(self):
        pass

    def __call__(self, input):
        return [[replay.count(a) / max(len(replay), 1) for a in self.ACTIONS] for replay in input]

    @staticmethod
    def name():
        return "action-histogram"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return ActionHistogram()


class ReplayRegistry:
    """Maps a season's short code to the UUID of its collection; serialisable."""

    def __init__(self, client, saved="{}"):
        self.client = client
        self.seasons = {code: UUID(text) for code, text in json.loads(saved).items()}

    def dump(self):
        return json.dumps({code: str(uid) for code, uid in self.seasons.items()})

    def register(self, code, collection):
        self.seasons[code] = collection.id

    def open(self, code):
        return self.client.get_collection_by_id(
            id=self.seasons[code], embedding_function=ActionHistogram(), data_loader=None
        )

    def broken(self):
        """Codes whose collection is gone."""
        missing = []
        for code in self.seasons:
            try:
                self.open(code)
            except NotFoundError:
                missing.append(code)
        return missing


def main():
    client = chromadb.EphemeralClient()
    summer = client.create_collection(
        "replays-summer", metadata={"patch": "4.2"}, embedding_function=ActionHistogram()
    )
    winter = client.create_collection("replays-winter", embedding_function=ActionHistogram())
    summer.add(
        ids=["m-1", "m-2", "m-3"],
        documents=["MMMAAJMMMA", "DDHDDHDHMD", "MJMJJMAMJM"],
        metadatas=[{"player": "kestrel"}, {"player": "badger"}, {"player": "kestrel"}],
    )
    winter.add(ids=["m-9"], documents=["SSAASSAASA"])

    registry = ReplayRegistry(client)
    registry.register("S24", summer)
    registry.register("W24", winter)
    saved = registry.dump()
    assert isinstance(summer.id, UUID) and str(summer.id) in saved

    # A handle says where it lives.
    assert (summer.tenant, summer.database) == ("default_tenant", "default_database")
    assert summer.get_model().dimension is None  # as of creation: no record had fixed it yet
    assert repr(summer) == "Collection(name=replays-summer)"

    # The community team renames seasons. Names in configuration files break, ids do not.
    client.get_collection("replays-summer").modify(name="season-of-the-fox", metadata={"patch": "4.2", "theme": "fox"})
    client.get_collection("replays-winter").modify(name="replays-summer")  # of all names!
    reopened = ReplayRegistry(client, saved)
    assert reopened.open("S24").name == "season-of-the-fox" and reopened.open("S24").count() == 3
    assert reopened.open("W24").name == "replays-summer" and reopened.open("W24").count() == 1
    print({code: reopened.open(code).name for code in reopened.seasons})

    # `==` compares everything a handle knows: id, name, metadata, configuration, functions. After the rename the
    # first handle is out of date, so it differs from a fresh one although both reach the same records.
    fresh = reopened.open("S24")
    assert fresh.id == summer.id and fresh != summer
    assert fresh.metadata == {"patch": "4.2", "theme": "fox"} and summer.metadata == {"patch": "4.2"}
    assert fresh.get_model().dimension == 6
    assert summer.get(ids="m-2")["metadatas"] == [{"player": "badger"}]

    # Similar replays, only among a player's own.
    like = fresh.query(query_texts=["MMMJAAMM"], n_results=2, where={"player": "kestrel"})
    assert sorted(like["ids"][0]) == ["m-1", "m-3"]

    # Read levels choose between "everything committed" and "what the index has", which differ on a distributed
    # server. On a single node every level sees everything.
    counts = {level.name: fresh.count(read_level=level) for level in ReadLevel}
    assert set(counts.values()) == {3} and fresh.count() == 3
    assert fresh.count(read_level=ReadLevel.INDEX_AND_WAL) == fresh.count(ReadLevel.INDEX_ONLY)
    assert "INDEX_AND_BOUNDED_WAL" in counts
    print(counts)

    # Gone is gone: by id there is no second collection that could take its place.
    client.delete_collection("season-of-the-fox")
    client.create_collection("season-of-the-fox", embedding_function=ActionHistogram())
    assert reopened.broken() == ["S24"]
    reopened.seasons["X99"] = uuid4()
    assert sorted(reopened.broken()) == ["S24", "X99"]
    print("broken references:", sorted(reopened.broken()))


if __name__ == "__main__":
    main()
