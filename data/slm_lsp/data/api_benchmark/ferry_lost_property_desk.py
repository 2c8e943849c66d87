"""Lost-property desk of a ferry line: register finds, match them to passengers' descriptions, hand out and clear old stock."""
import collections
import dataclasses
import math
import typing as t

import chromadb
from chromadb import ReadLevel
from chromadb.errors import DuplicateIDError, InvalidArgumentError

COLOURS = ("black", "blue", "red", "green", "brown", "white", "yellow", "grey")
KINDS = ("umbrella", "phone", "scarf", "backpack", "wallet", "glasses", "jacket", "toy")


def describe_as_vector(text: str) -> t.List[float]:
    """One axis per colour and per kind of thing: all the desk ever asks about."""
    words = collections.Counter(text.lower().replace(",", " ").split())
    raw = [float(words[term]) for term in KINDS] + [0.5 * words[term] for term in COLOURS]
    length = math.sqrt(sum(x * x for x in raw)) or 1.0
    return [x / length for x in raw]


@dataclasses.dataclass
class Find:
    tag: str
    text: str
    ship: str
    day: int  # day of the season, so that "older than" is a subtraction


class LostPropertyDesk:
    def __init__(self, client: chromadb.ClientAPI, season: str):
        self._shelf = client.create_collection(
            f"lost-property-{season}",
            embedding_function=None,
            configuration={"hnsw": {"space": "ip"}},
        )

    def register(self, *finds: Find) -> None:
        self._shelf.add(
            ids=[f.tag for f in finds],
            documents=[f.text for f in finds],
            embeddings=[describe_as_vector(f.text) for f in finds],
            metadatas=[{"ship": f.ship, "day": f.day, "state": "shelf"} for f in finds],
        )

    def match(self, description: str, ship: t.Optional[str] = None) -> t.List[str]:
        where: dict = {"state": "shelf"}
        if ship:
            where = {"$and": [where, {"ship": ship}]}
        answer = self._shelf.query(
            query_embeddings=describe_as_vector(description),
            n_results=3,
            where=where,
            include=["documents", "distances"],
        )
        # inner product distance is 1 - dot product: below 0.5 means more than half in common
        return [tag for tag, d in zip(answer["ids"][0], answer["distances"][0]) if d < 0.5]

    def hand_out(self, tag: str, passenger: str) -> None:
        self._shelf.update(ids=tag, metadatas={"state": "returned", "passenger": passenger})

    def correct(self, find: Find) -> None:
        self._shelf.upsert(
            ids=find.tag,
            embeddings=describe_as_vector(find.text),
            documents=find.text,
            metadatas={"ship": find.ship, "day": find.day, "state": "shelf"},
        )

    def clear_older_than(self, day: int, at_most: int) -> int:
        """The van takes a limited number of items per trip."""
        gone = self._shelf.delete(
            where={"$and": [{"day": {"$lt": day}}, {"state": {"$ne": "returned"}}]},
            limit=at_most,
        )
        return gone["deleted"]

    def discard_mentioning(self, word: str) -> int:
        return self._shelf.delete(where_document={"$contains": word})["deleted"]

    def on_record(self) -> int:
        return self._shelf.count(read_level=ReadLevel.INDEX_AND_WAL)


def main() -> None:
    client = chromadb.EphemeralClient()
    desk = LostPropertyDesk(client, season="2025")
    desk.register(
        Find("T-01", "black umbrella", "Aurora", 3),
        Find("T-02", "blue umbrella, broken", "Aurora", 4),
        Find("T-03", "red backpack", "Borealis", 4),
        Find("T-04", "black phone", "Borealis", 9),
        Find("T-05", "brown wallet", "Aurora", 30),
        Find("T-06", "grey scarf, perishable smell", "Aurora", 31),
    )
    assert desk.on_record() == 6

    assert desk.match("my black umbrella")[0] == "T-01"
    assert desk.match("a black umbrella", ship="Borealis") == []
    desk.hand_out("T-01", passenger="Mrs. Nyberg")
    assert "T-01" not in desk.match("black umbrella")

    # The backpack turned out to be a jacket, and green.
    desk.correct(Find("T-03", "green jacket", "Borealis", 4))
    assert desk.match("green jacket") == ["T-03"]

    assert desk.clear_older_than(day=20, at_most=2) == 2
    assert desk.clear_older_than(day=20, at_most=2) == 1
    assert desk.discard_mentioning("perishable") == 1
    left = client.get_collection("lost-property-2025", embedding_function=None).get(include=["metadatas"])
    assert dict(zip(left["ids"], (m["state"] for m in left["metadatas"]))) == {"T-01": "returned", "T-05": "shelf"}

    # Mistakes at the desk come back as exceptions that say what was wrong.
    try:
        desk.register(Find("T-07", "toy", "Aurora", 40), Find("T-07", "red toy", "Aurora", 40))
        raise SystemExit("a tag was given out twice")
    except DuplicateIDError as error:
        assert "T-07" in str(error)
    try:
        desk._shelf.add(ids=["T-08"], embeddings=[[1.0, 0.0]])
        raise SystemExit("a vector of the wrong length was accepted")
    except InvalidArgumentError as error:
        assert "dimension" in str(error)
    print("items on record at the end of the season:", desk.on_record())


if __name__ == "__main__":
    main()
