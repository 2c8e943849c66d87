"""Property-based tests with hypothesis: a collection must behave like a dictionary under any sequence of writes."""
import itertools

import chromadb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

QUICK = settings(max_examples=8, stateful_step_count=10, deadline=None, database=None, derandomize=True,
                 suppress_health_check=list(HealthCheck))

serial = itertools.count()


def setup_module():
    # hypothesis runs many examples per test, so one client serves them all
    global client
    client = chromadb.EphemeralClient()


def teardown_module():
    client.close()


sensor_ids = st.text(alphabet="abcdefgh-0123456789", min_size=1, max_size=8)
# half-integers are exact in float32, so what is read back equals what was written
readings = st.lists(st.integers(-64, 64).map(lambda i: i / 2), min_size=3, max_size=3)
tags = st.dictionaries(
    keys=st.sampled_from(["room", "floor", "broken", "gain"]),
    values=st.one_of(st.integers(-1000, 1000), st.booleans(), st.sampled_from(["lab", "roof", "cellar"])),
    min_size=1,
)


def fresh(space="l2"):
    return client.create_collection(
        f"sensors-{next(serial)}", embedding_function=None, configuration={"hnsw": {"space": space}}
    )


class SensorStore(RuleBasedStateMachine):
    """Each rule does the same to a collection and to a dict; the invariants compare the two."""

    known = Bundle("known")

    def __init__(self):
        super().__init__()
        self.collection = fresh()
        self.model = {}

    @rule(target=known, rows=st.dictionaries(sensor_ids, st.tuples(readings, tags), min_size=1, max_size=4))
    def add(self, rows):
        self.collection.add(
            ids=list(rows),
            embeddings=[vector for vector, _ in rows.values()],
            metadatas=[meta for _, meta in rows.values()],
        )
        for key, (vector, meta) in rows.items():
            # add() keeps what is there: the first writer wins, without an error
            self.model.setdefault(key, (vector, dict(meta)))
        return multiple(*rows)

    @rule(key=known, vector=readings, meta=tags)
    def upsert(self, key, vector, meta):
        self.collection.upsert(ids=[key], embeddings=[vector], metadatas=[meta])
        _, old = self.model.get(key, (None, {}))
        self.model[key] = (vector, {**old, **meta})  # metadata is merged, key by key

    @rule(key=known, meta=tags)
    def update_metadata(self, key, meta):
        self.collection.update(ids=[key], metadatas=[meta])
        if key in self.model:  # updating an unknown id is silently ignored
            vector, old = self.model[key]
            self.model[key] = (vector, {**old, **meta})

    @rule(key=known, vector=readings)
    def update_embedding(self, key, vector):
        self.collection.update(ids=[key], embeddings=[vector])
        if key in self.model:
            self.model[key] = (vector, self.model[key][1])

    @rule(key=consumes(known))
    def delete(self, key):
        # deleting by ids counts the ids that were named, whether they existed or not
        assert self.collection.delete(ids=[key])["deleted"] == 1
        self.model.pop(key, None)

    @rule(room=st.sampled_from(["lab", "roof", "cellar"]))
    def delete_where(self, room):
        doomed = [key for key, (_, meta) in self.model.items() if meta.get("room") == room]
        assert self.collection.delete(where={"room": room}) == {"deleted": len(doomed)}
        for key in doomed:
            del self.model[key]

    @invariant()
    def same_content(self):
        assert self.collection.count() == len(self.model)
        stored = self.collection.get(include=["embeddings", "metadatas"])
        seen = {
            key: (list(vector), meta)
            for key, vector, meta in zip(stored["ids"], stored["embeddings"], stored["metadatas"])
        }
        assert seen == self.model

    def teardown(self):
        client.delete_collection(self.collection.name)


TestSensorStore = SensorStore.TestCase
TestSensorStore.settings = QUICK


@QUICK
@given(st.lists(readings, min_size=1, max_size=12, unique_by=tuple), readings)
def test_nearest_neighbour_is_the_nearest(vectors, probe):
    collection = fresh("l2")
    collection.add(ids=[str(i) for i in range(len(vectors))], embeddings=vectors)
    found = collection.query(query_embeddings=[probe], n_results=1, include=["distances"])
    squared = [sum((a - b) ** 2 for a, b in zip(vector, probe)) for vector in vectors]
    # ties may go either way, the distance may not
    assert found["distances"][0][0] == pytest.approx(min(squared))
    assert squared[int(found["ids"][0][0])] == min(squared)
    client.delete_collection(collection.name)


@QUICK
@given(st.lists(readings, min_size=1, max_size=10), st.integers(1, 15), readings)
def test_query_returns_sorted_and_no_more_than_there_is(vectors, k, probe):
    collection = fresh("l2")
    collection.add(ids=[f"s{i}" for i in range(len(vectors))], embeddings=vectors)
    distances = collection.query(query_embeddings=[probe], n_results=k)["distances"][0]
    assert len(distances) == min(k, len(vectors))
    assert distances == sorted(distances)
    client.delete_collection(collection.name)


@QUICK
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=15), st.integers(-50, 50))
def test_comparison_operators_agree_with_python(values, limit):
    collection = fresh()
    ids = [f"n{i}" for i in range(len(values))]
    collection.add(ids=ids, embeddings=[[1.0, 0.0, 0.0]] * len(ids), metadatas=[{"value": v} for v in values])

    def select(operator):
        return set(collection.get(where={"value": {operator: limit}}, include=[])["ids"])

    below, equal, above = select("$lt"), select("$eq"), select("$gt")
    assert below == {i for i, v in zip(ids, values) if v < limit}
    assert below | equal == select("$lte") and above | equal == select("$gte")
    # the three are a partition
    assert below | equal | above == set(ids) and len(below) + len(equal) + len(above) == len(ids)
    assert select("$ne") == below | above
    client.delete_collection(collection.name)


if __name__ == "__main__":
    # started as a script, hypothesis is imported before pytest could rewrite its asserts: harmless
    raise SystemExit(pytest.main([__file__, "-q", "-W", "ignore::pytest.PytestAssertRewriteWarning"]))
