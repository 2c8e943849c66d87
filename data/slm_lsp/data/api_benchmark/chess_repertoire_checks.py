"""Pytest suite for a chess-opening repertoire kept in Chroma: one in-memory system for the module, reset for every test."""
import pytest
from chromadb.api.client import AdminClient, Client
from chromadb.config import Settings, System
from chromadb.errors import InternalError, NotFoundError

# first moves as coordinates: enough to tell open games from flank openings
MOVES = ["e4", "d4", "c4", "Nf3", "e5", "c5", "d5", "Nf6", "g6", "e6"]

LINES = [
    ("C50", "Italian Game", "e4 e5 Nf3", 0.54),
    ("B20", "Sicilian Defence", "e4 c5", 0.49),
    ("D06", "Queen's Gambit", "d4 d5 c4", 0.57),
    ("A15", "English Opening", "c4 Nf6", 0.52),
    ("E60", "King's Indian Defence", "d4 Nf6 c4 g6", 0.55),
    ("C00", "French Defence", "e4 e6", 0.53),
]


def encode(moves):
    played = moves.split()
    return [1.0 / (1 + played.index(m)) if m in played else 0.0 for m in MOVES]


class Repertoire:
    """The code under test."""

    def __init__(self, client, name="repertoire"):
        self.lines = client.get_or_create_collection(name, embedding_function=None)

    def learn(self, lines):
        self.lines.upsert(
            ids=[eco for eco, *_ in lines],
            embeddings=[encode(moves) for _, _, moves, _ in lines],
            documents=[moves for _, _, moves, _ in lines],
            metadatas=[{"opening": title, "score": score} for _, title, _, score in lines],
        )

    def similar(self, moves, n=1, floor=0.0):
        hits = self.lines.query(query_embeddings=[encode(moves)], n_results=n, where={"score": {"$gte": floor}})
        return [meta["opening"] for meta in hits["metadatas"][0]]

    def forget(self, *eco):
        return self.lines.delete(ids=list(eco))["deleted"]


@pytest.fixture(scope="module")
def system():
    running = System(Settings(allow_reset=True, is_persistent=False, anonymized_telemetry=False))
    running.start()
    yield running
    running.stop()


@pytest.fixture()
def client(system):
    fresh = Client.from_system(system, tenant="default_tenant", database="default_database")
    fresh.reset()
    yield fresh
    fresh.clear_system_cache()


@pytest.fixture()
def repertoire(client):
    book = Repertoire(client)
    book.learn(LINES)
    return book


def test_starts_empty_after_reset(client):
    assert client.count_collections() == 0
    assert client.get_settings().allow_reset is True


def test_finds_the_same_line(repertoire):
    assert repertoire.similar("d4 Nf6 c4 g6") == ["King's Indian Defence"]


@pytest.mark.parametrize("floor, expected", [(0.0, "Sicilian Defence"), (0.5, "French Defence")])
def test_score_floor_excludes_bad_lines(repertoire, floor, expected):
    names = repertoire.similar("e4 c5 e6", n=3, floor=floor)
    assert expected in names
    assert ("Sicilian Defence" in names) is (floor < 0.49)


def test_learning_twice_does_not_duplicate(repertoire):
    repertoire.learn(LINES[:2])
    assert repertoire.lines.count() == 6


def test_forgetting_reports_what_was_removed(repertoire):
    assert repertoire.forget("A15", "B20") == 2
    assert repertoire.lines.get(ids=["A15"])["ids"] == []


def test_documents_can_be_searched_by_move(repertoire):
    with_c4 = repertoire.lines.get(where_document={"$contains": "c4"}, include=["metadatas"])
    assert sorted(with_c4["ids"]) == ["A15", "D06", "E60"]


def test_peek_is_cheap_and_complete(repertoire):
    page = repertoire.lines.peek(limit=2)
    assert len(page["embeddings"]) == 2
    assert set(page["metadatas"][0]) == {"opening", "score"}


def test_missing_book_is_an_error(client):
    with pytest.raises(NotFoundError, match="does not exist"):
        client.get_collection("endgames", embedding_function=None)


def test_creating_twice_is_an_error_unless_allowed(client):
    client.create_collection(name="traps", embedding_function=None)
    with pytest.raises(InternalError):
        client.create_collection(name="traps", embedding_function=None)
    again = client.create_collection(name="traps", embedding_function=None, get_or_create=True)
    assert again.name == "traps"
    client.delete_collection(name="traps")


def test_each_player_has_a_database(system, client):
    admin = AdminClient.from_system(system)
    for player in ("magda", "piotr"):
        admin.create_database(name=player)
    hers = Client.from_system(system, database="magda")
    Repertoire(hers).learn(LINES[:3])
    his = Client.from_system(system, database="piotr")
    assert his.count_collections() == 0
    assert Repertoire(hers).lines.count() == 3
    admin.delete_database(name="magda")
    assert "magda" not in [d["name"] for d in admin.list_databases(limit=20)]


if __name__ == "__main__":
    raise SystemExit(pytest.main(["-q", "-p", "no:cacheprovider", __file__]))
