"""Query movies by lists in their metadata: any of, all of, none of, only these, how many.

Metadata values may be lists of strings, ints, floats or booleans.  $contains and $not_contains ask
for one element; everything else that one wants of a list is put together from those two, or stored
beside the list when the movie is written.
"""

from dataclasses import dataclass

import chromadb

Filter = dict


@dataclass
class Movie:
    key: str
    title: str
    tags: list[str]
    screenings: list[int]  # years of re-release
    ratings: list[float]
    mood: tuple[float, float]  # (calm .. tense, sad .. funny)


MOVIES = [
    Movie("stalker", "Stalker", ["sci-fi", "slow", "russian"], [1979, 2002, 2019], [4.5, 5.0], (0.4, 0.1)),
    Movie("airplane", "Airplane!", ["comedy", "parody"], [1980], [4.0, 3.5, 4.0], (0.3, 1.0)),
    Movie("alien", "Alien", ["sci-fi", "horror"], [1979, 2003], [4.5], (1.0, 0.1)),
    Movie("spaceballs", "Spaceballs", ["sci-fi", "comedy", "parody"], [1987, 2017], [3.0, 2.5], (0.3, 0.9)),
    Movie("playtime", "Playtime", ["comedy", "slow", "french"], [1967, 2002], [5.0, 4.5], (0.1, 0.7)),
    Movie("untagged", "Home video, Easter", [], [], [], (0.0, 0.5)),
]


# ---- filters on a list -------------------------------------------------------------------------
def has(key: str, value) -> Filter:
    return {key: {"$contains": value}}


def has_any(key: str, values) -> Filter:
    parts = [has(key, value) for value in values]
    return {"$or": parts} if len(parts) > 1 else parts[0]


def has_all(key: str, values) -> Filter:
    parts = [has(key, value) for value in values]
    return {"$and": parts} if len(parts) > 1 else parts[0]


def has_none(key: str, values) -> Filter:
    """Also true for movies without the list; combine with is_tagged() if that is not wanted."""
    parts = [{key: {"$not_contains": value}} for value in values]
    return {"$and": parts} if len(parts) > 1 else parts[0]


def exactly(key: str, values) -> Filter:
    """The same set: all of them, and no more than there are, which needs the stored count."""
    values = list(values)
    return {"$and": [{f"{key}_count": len(values)}, *(has(key, value) for value in values)]}


def is_tagged(key: str) -> Filter:
    return {f"{key}_count": {"$gt": 0}}


# ---- the collection ----------------------------------------------------------------------------
def metadata_of(movie: Movie) -> dict:
    facts: dict = {"tags_count": len(movie.tags)}
    # An empty list is refused, so the key is left out and the count says why.
    if movie.tags:
        facts["tags"] = movie.tags
    if movie.screenings:
        facts["screenings"] = movie.screenings
        facts["first_screened"] = min(movie.screenings)
    if movie.ratings:
        facts["ratings"] = movie.ratings
        facts["best_rating"] = max(movie.ratings)  # ranges do not look into lists; store what to compare
    return facts


def main() -> None:
    client = chromadb.Client()
    movies = client.create_collection("film_club", embedding_function=None)
    movies.add(
        ids=[movie.key for movie in MOVIES],
        documents=[movie.title for movie in MOVIES],
        embeddings=[list(movie.mood) for movie in MOVIES],
        metadatas=[metadata_of(movie) for movie in MOVIES],
    )

    def keys(where: Filter) -> set[str]:
        return set(movies.get(where=where, include=[])["ids"])

    assert keys(has("tags", "sci-fi")) == {"stalker", "alien", "spaceballs"}
    assert keys(has_any("tags", ["horror", "french"])) == {"alien", "playtime"}
    assert keys(has_all("tags", ["sci-fi", "comedy"])) == {"spaceballs"}
    assert keys(has_none("tags", ["comedy", "horror"])) == {"stalker", "untagged"}
    assert keys({"$and": [has_none("tags", ["comedy", "horror"]), is_tagged("tags")]}) == {"stalker"}
    assert keys(exactly("tags", ["comedy", "parody"])) == {"airplane"}, "spaceballs has one tag more"

    # Elements are compared whole and by type.
    assert keys(has("tags", "sci")) == set(), "no piece of an element"
    assert keys(has("screenings", 2002)) == {"stalker", "playtime"}
    assert keys(has("screenings", "2002")) == set(), "a string is no int"
    assert keys(has("ratings", 4.5)) == {"stalker", "alien", "playtime"}

    # $eq and $in see a list as something other than its elements.
    assert keys({"tags": "horror"}) == set()
    assert keys({"tags": {"$in": ["horror", "comedy"]}}) == set()
    # The numbers stored beside the lists take ranges.
    assert keys({"$and": [{"best_rating": {"$gte": 4.5}}, {"first_screened": {"$lt": 1979}}]}) == {"playtime"}

    # A list comes back as a list, in its order; updating it replaces it as a whole.
    before = movies.get(ids=["alien"])["metadatas"][0]["tags"]
    movies.update(ids=["alien"], metadatas=[{"tags": [*before, "slow"], "tags_count": len(before) + 1}])
    assert movies.get(ids=["alien"])["metadatas"][0]["tags"] == ["sci-fi", "horror", "slow"]
    assert keys(has_all("tags", ["sci-fi", "slow"])) == {"stalker", "alien"}

    for bad in ([], ["a", 1], [["nested"]], [None]):
        try:
            movies.update(ids=["alien"], metadatas=[{"tags": bad}])
        except ValueError as refusal:
            reason = str(refusal)
            assert "'tags'" in reason
        else:
            raise AssertionError(f"{bad} went in")

    tonight = movies.query(
        query_embeddings=[0.2, 0.9],
        where={"$and": [has_any("tags", ["comedy", "sci-fi"]), has_none("tags", ["parody"])]},
        n_results=2,
    )
    assert tonight["documents"][0][0] == "Playtime"
    for title, facts in zip(tonight["documents"][0], tonight["metadatas"][0]):
        print(f"{title:<10} {', '.join(facts['tags']):<24} best {facts['best_rating']}")


if __name__ == "__main__":
    main()
