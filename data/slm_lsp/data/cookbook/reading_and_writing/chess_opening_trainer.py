"""Quiz a chess student only on openings already studied: query_texts narrowed by ids=.

Openings are stored as their move text.  A student types the first moves of a game; the search runs
over the whole book, or with ``ids=`` over the student's own repertoire.
"""
import json
import re
import zlib

import chromadb
from chromadb.api.types import EmbeddingFunction

BOOK = {
    "C50": ("Italian Game", "e4 e5 Nf3 Nc6 Bc4 Bc5"),
    "C60": ("Ruy Lopez", "e4 e5 Nf3 Nc6 Bb5"),
    "C45": ("Scotch Game", "e4 e5 Nf3 Nc6 d4 exd4 Nxd4"),
    "B20": ("Sicilian Defence", "e4 c5"),
    "B90": ("Sicilian, Najdorf", "e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6 Nc3 a6"),
    "C00": ("French Defence", "e4 e6 d4 d5"),
    "B10": ("Caro-Kann Defence", "e4 c6 d4 d5"),
    "D06": ("Queen's Gambit", "d4 d5 c4"),
    "E60": ("King's Indian Defence", "d4 Nf6 c4 g6 Nc3 Bg7 e4 d6"),
    "A10": ("English Opening", "c4 e5 Nc3"),
}


class MoveSequenceEmbedding(EmbeddingFunction):
    """Each half-move counts by its number: the same move at another time is another feature.

    Early moves weigh more, because they decide what kind of game it is.
    """

    SIZE = 96

    def __init__(self, decay=0.85):
        self.decay = decay

    def __call__(self, input):
        out = []
        for game in input:
            vector = [0.0] * self.SIZE
            moves = re.sub(r"\d+\.+\s*", "", game).split()  # "1. e4 e5" and "e4 e5" are one thing
            for ply, move in enumerate(moves):
                slot = zlib.crc32(f"{ply}:{move}".encode()) % self.SIZE
                vector[slot] += self.decay**ply
            out.append(vector)
        return out

    @staticmethod
    def name():
        return "chess-moves"

    def get_config(self):
        return {"decay": self.decay}

    @staticmethod
    def build_from_config(config):
        return MoveSequenceEmbedding(decay=config.get("decay", 0.85))


class Repertoire:
    """The ids of the openings that one student has worked through."""

    def __init__(self, book, student, studied=()):
        self.book = book
        self.student = student
        self.studied = list(studied)

    def learn(self, eco):
        # An unknown id in query(ids=...) is an error at search time, so it is caught at the door.
        if not self.book.get(ids=eco, include=[])["ids"]:
            raise KeyError(f"no opening {eco} in {self.book.name}")
        if eco not in self.studied:
            self.studied.append(eco)

    def recognise(self, moves, n=1, everywhere=False):
        """[(eco, name, distance)] of the nearest openings, in the repertoire or in the whole book."""
        if not everywhere and not self.studied:
            return []
        found = self.book.query(
            query_texts=[moves],
            ids=None if everywhere else self.studied,
            n_results=n,
            include=["metadatas", "distances"],
        )
        rows = zip(found["ids"][0], found["metadatas"][0], found["distances"][0])
        return [(eco, facts["opening"], round(distance, 3)) for eco, facts, distance in rows]


def load_book(client):
    book = client.create_collection(
        "eco_openings",
        embedding_function=MoveSequenceEmbedding(),
        configuration={"hnsw": {"space": "cosine"}},
    )
    book.add(
        ids=list(BOOK),
        documents=[line for _, line in BOOK.values()],
        metadatas=[{"opening": title, "plies": len(line.split())} for title, line in BOOK.values()],
    )
    return book


def main():
    book = load_book(chromadb.Client())
    mira = Repertoire(book, "Mira", studied=["B20", "C00", "D06"])

    spanish = "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6"
    assert mira.recognise(spanish, everywhere=True)[0][1] == "Ruy Lopez"
    # Inside the repertoire there is no Ruy Lopez; the answer never leaves the three openings.
    assert mira.recognise(spanish, n=3)[0][0] in mira.studied
    assert {eco for eco, *_ in mira.recognise(spanish, n=10)} == set(mira.studied)

    mira.learn("C60")
    assert mira.recognise(spanish)[0][:2] == ("C60", "Ruy Lopez")
    assert Repertoire(book, "Noor").recognise(spanish) == []

    try:
        mira.learn("Z99")
    except KeyError as missing:
        print("cannot study", missing)
    else:
        raise AssertionError("Z99 is not in the book")

    # Several games of an evening in one call; ids applies to each of them alike.
    evening = ["e4 c5 Nf3 d6", "d4 d5 c4 e6", "e4 e6 d4 d5 Nc3"]
    review = book.query(query_texts=evening, ids=mira.studied, n_results=1, include=["metadatas"])
    names = [row[0]["opening"] for row in review["metadatas"]]
    assert names == ["Sicilian Defence", "Queen's Gambit", "French Defence"]

    # ids and where may be combined: long lines of the repertoire alone.
    long_lines = book.query(
        query_texts="e4", ids=mira.studied, where={"plies": {"$gte": 4}}, n_results=5, include=[]
    )
    assert set(long_lines["ids"][0]) == {"C00", "C60"}
    print(json.dumps(dict(zip(evening, names)), indent=1))


if __name__ == "__main__":
    main()
