"""Normalise vectors to unit length so that song similarity can use the cheaper inner-product space safely.

Shows default_space() and supported_spaces() at work: which distance Chroma picks when none is configured, and the
warning it gives when a configured one does not suit the function.
"""
import warnings
from typing import Any, Dict, List

import numpy as np

import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import known_embedding_functions, register_embedding_function

MOODS = ("slow", "fast", "sad", "happy", "guitar", "piano", "synth", "drums", "vocals", "strings")


class TagCounter(EmbeddingFunction[Documents]):
    """Counts mood tags.  Songs tagged by many listeners get long vectors - which is popularity, not mood."""

    def __init__(self) -> None:
        pass

    def __call__(self, input: Documents) -> Embeddings:
        return [np.array([line.split().count(mood) for mood in MOODS], dtype=np.float32) for line in input]

    @staticmethod
    def name() -> str:
        return "tag_counter"

    def get_config(self) -> Dict[str, Any]:
        return {}

    @staticmethod
    def build_from_config(config: Dict[str, Any]) -> "TagCounter":
        return TagCounter()

    def supported_spaces(self) -> List[str]:
        return ["l2", "cosine"]


class UnitLength(EmbeddingFunction[Documents]):
    def __init__(self, of: str = "tag_counter", epsilon: float = 1e-9) -> None:
        self.of = of
        self.epsilon = epsilon
        self._inner = known_embedding_functions[of].build_from_config({})

    def __call__(self, input: Documents) -> Embeddings:
        raw = np.vstack(self._inner(input))
        norms = np.linalg.norm(raw, axis=1, keepdims=True)
        # an untagged song has no direction: leave it at the origin rather than divide by zero
        unit = np.divide(raw, norms, out=np.zeros_like(raw), where=norms > self.epsilon)
        return list(unit)

    @staticmethod
    def name() -> str:
        return "unit_length"

    def get_config(self) -> Dict[str, Any]:
        return {"of": self.of, "epsilon": self.epsilon}

    @staticmethod
    def build_from_config(config: Dict[str, Any]) -> "UnitLength":
        return UnitLength(config["of"], config["epsilon"])

    def default_space(self) -> str:
        return "ip"

    def supported_spaces(self) -> List[str]:
        # on the unit sphere all three rank alike, so all three are fine
        return ["ip", "cosine", "l2"]


register_embedding_function(TagCounter)
register_embedding_function(UnitLength)

SONGS = {
    "Paper Boats": "slow sad piano vocals",
    "Motorway": "fast happy synth drums " * 40,  # a hit: forty listeners tagged it
    "Harvest Road": "slow happy guitar vocals",
    "Glass": "slow sad piano piano strings",
    "Night Bus": "fast sad synth drums vocals",
}


def rank(client: "chromadb.ClientAPI", name: str, ef: Any, wanted: str, space: Any = None) -> List[str]:
    settings = None if space is None else {"hnsw": {"space": space}}
    songs = client.create_collection(name, embedding_function=ef, configuration=settings)
    songs.add(ids=list(SONGS), documents=list(SONGS.values()))
    answer = songs.query(query_texts=[wanted], n_results=len(SONGS), include=["distances"])
    client.delete_collection(name)
    return answer["ids"][0]


def main() -> None:
    client = chromadb.EphemeralClient()
    wanted = "slow sad piano"

    # 1. Raw counts and inner product: the hit wins every search that it shares one tag with.
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        drowned = rank(client, "raw-ip", TagCounter(), wanted="sad synth", space="ip")
    assert drowned[0] == "Motorway", drowned
    told = [str(w.message) for w in heard if w.category is UserWarning]
    assert told and "space ip is not supported by tag_counter" in told[0], told

    # 2. The same search on unit vectors: the sad one is first.
    assert rank(client, "unit-ip", UnitLength(), wanted="sad synth")[0] == "Night Bus"

    # 3. All spaces agree once the lengths are gone.
    orders = {space: rank(client, f"unit-{space}", UnitLength(), wanted, space) for space in ("ip", "cosine", "l2")}
    assert orders["ip"][:2] == orders["cosine"][:2] == orders["l2"][:2]
    assert set(orders["ip"][:2]) == {"Paper Boats", "Glass"}

    # 4. The space of a collection is that of its function unless said otherwise.
    plain = client.create_collection("plain", embedding_function=TagCounter())
    unit = client.create_collection("unit", embedding_function=UnitLength())
    tuned = client.create_collection(
        "tuned",
        embedding_function=UnitLength(),
        configuration={"hnsw": {"ef_construction": 200, "max_neighbors": 32, "ef_search": 64}},
    )
    spaces = {c.name: c.configuration_json["hnsw"]["space"] for c in client.list_collections()}
    assert spaces == {"plain": "l2", "unit": "ip", "tuned": "ip"}, spaces
    assert tuned.configuration["hnsw"]["max_neighbors"] == 32

    # 5. With "ip" Chroma reports 1 - dot product: 0 is "the same", 1 "nothing in common".
    unit.add(ids=["silence", "ballad"], documents=["", "slow sad piano"])
    found = unit.query(query_texts=["slow sad piano"], n_results=2)
    distances = dict(zip(found["ids"][0], found["distances"][0]))
    assert abs(distances["ballad"]) < 1e-6 and abs(distances["silence"] - 1.0) < 1e-6

    # 6. The distance cannot be changed afterwards, neither by metadata ...
    try:
        plain.modify(metadata={"hnsw:space": "cosine"})
    except ValueError as error:
        print("as expected:", error)
    else:
        raise AssertionError("the space should be fixed")
    # ... nor silently: get_or_create returns the collection as it was first made.
    same = client.get_or_create_collection(
        "plain", embedding_function=TagCounter(), configuration={"hnsw": {"space": "cosine"}}
    )
    assert same.id == plain.id and same.configuration_json["hnsw"]["space"] == "l2"
    print("ip order:", " > ".join(orders["ip"]))


if __name__ == "__main__":
    main()
