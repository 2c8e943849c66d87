"""Let a game's innkeeper remember: memories are ranked by similarity, by importance and by how long ago they were touched.

Chroma supplies the similarity; the two other terms are applied to a generous first
page of results.  Recalling a memory refreshes it, so what is spoken of often stays
vivid and the rest fades.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import chromadb

HALF_LIFE = 24.0      # game hours after which an untouched memory counts half
THEMES = ["dragon", "ale", "debt", "wedding", "road", "weather", "thief", "harvest"]


def theme_vector(**weights: float) -> list[float]:
    """Hand-made vectors: the game's writers tag each line with themes, no model needed."""
    unknown = weights.keys() - set(THEMES)
    if unknown:
        raise KeyError(f"unknown theme {sorted(unknown)}")
    return [weights.get(theme, 0.0) + 0.01 for theme in THEMES]


@dataclass(order=True)
class Memory:
    score: float
    id: str
    text: str
    age: float


class Innkeeper:
    def __init__(self, client: chromadb.ClientAPI, name: str) -> None:
        self.hours = 0.0
        self.memories = client.create_collection(
            name=f"npc-{name.lower()}",
            configuration={"hnsw": {"space": "cosine", "ef_search": 64}},
            metadata={"npc": name, "half_life": HALF_LIFE},
        )

    def live(self, hours: float) -> None:
        self.hours += hours

    def notice(self, key: str, text: str, importance: int, **themes: float) -> None:
        self.memories.upsert(
            ids=key,
            embeddings=theme_vector(**themes),
            documents=text,
            metadatas={"importance": importance, "born": self.hours, "touched": self.hours, "recalled": 0},
        )

    def recall(self, count: int = 2, *, refresh: bool = True, **themes: float) -> list[Memory]:
        page = self.memories.query(
            query_embeddings=theme_vector(**themes),
            n_results=max(count * 4, 8),
            include=["documents", "metadatas", "distances"],
        )
        ranked = []
        rows = zip(page["ids"][0], page["documents"][0], page["metadatas"][0], page["distances"][0])
        for key, text, meta, distance in rows:
            age = self.hours - meta["touched"]
            # Nothing fades below a tenth: an old fire must still beat fresh news about the weather.
            recency = 0.1 + 0.9 * 0.5 ** (age / HALF_LIFE)
            # 1 for trifles to 10 for life and death; the logarithm keeps a ten from winning everything
            weight = 0.5 + 0.5 * math.log10(meta["importance"])
            ranked.append(Memory((1 - distance) * recency * weight, key, text, age))
        best = sorted(ranked, reverse=True)[:count]
        if refresh and best:
            self._touch([m.id for m in best])
        return best

    def _touch(self, keys: list[str]) -> None:
        rows = self.memories.get(ids=keys, include=["metadatas"])
        self.memories.update(
            ids=rows["ids"],
            metadatas=[{"touched": self.hours, "recalled": m["recalled"] + 1} for m in rows["metadatas"]],
        )

    def sleep(self, floor: float = 30 * HALF_LIFE) -> int:
        """Overnight, trifles that nobody has asked about for a long time are dropped for good."""
        faded = {
            "$and": [
                {"touched": {"$lt": self.hours - floor}},
                {"importance": {"$lte": 3}},
                {"recalled": {"$lt": 2}},
            ]
        }
        return self.memories.delete(where=faded)["deleted"]


def main() -> None:
    berta = Innkeeper(chromadb.EphemeralClient(), "Berta")

    berta.notice("m1", "A dragon burned the mill when I was a girl.", 9, dragon=1.0)
    berta.notice("m2", "The miller owes me for six barrels.", 4, debt=1.0, ale=0.5)
    berta.live(200)
    berta.notice("m3", "A tinker claims that he saw a dragon.", 2, dragon=1.0, road=0.3)
    berta.notice("m4", "Rain all day, the road is mud.", 1, weather=1.0, road=0.6)
    berta.notice("m5", "The smith's daughter marries on Sunday.", 3, wedding=1.0)

    # Fresh gossip beats the great fire, because the fire has not been spoken of for 200 hours.
    first = berta.recall(1, dragon=1.0)[0]
    print(f"{berta.hours:5.0f} h  dragon? {first.text}  ({first.score:.3f})")
    assert first.id == "m3"

    # Look without touching: the ranking must not depend on who watches.
    peeked = [berta.recall(2, refresh=False, dragon=1.0) for _ in range(2)]
    assert peeked[0] == peeked[1]

    # The player keeps asking after the old fire for a few evenings ...
    for _ in range(3):
        berta.live(8)
        told = berta.recall(2, dragon=1.0)
    assert {m.id for m in told} == {"m1", "m3"}

    # ... and now that both are equally fresh, the important one comes first.
    vivid = berta.recall(1, dragon=1.0)[0]
    print(f"{berta.hours:5.0f} h  dragon? {vivid.text}  ({vivid.score:.3f})")
    assert vivid.id == "m1" and vivid.age == 0

    # A debt is remembered among other things, for it is the only one of its kind.
    assert berta.recall(1, debt=1.0, ale=0.5)[0].id == "m2"

    berta.live(31 * HALF_LIFE)
    dropped = berta.sleep()
    kept = berta.memories.get(include=["metadatas"])
    print(f"{berta.hours:5.0f} h  forgot {dropped}, kept {sorted(kept['ids'])}")
    assert dropped == 2, "the rain and the wedding: small, old, never asked for"
    assert sorted(kept["ids"]) == ["m1", "m2", "m3"]
    assert all(m["born"] <= m["touched"] for m in kept["metadatas"]), "update() kept the keys it was not given"

    try:
        berta.notice("m6", "A unicorn!", 5, unicorn=1.0)
    except KeyError as error:
        print("rejected:", error.args[0])
    else:
        raise AssertionError("an unknown feature was accepted")


if __name__ == "__main__":
    main()
