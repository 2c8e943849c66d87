"""Rank a flat hunter's shortlist against wishes: ids=, where= and where_document= in one query.

The shortlist lives outside of chromadb (a cookie, a table, a text file), so it may hold ids of
flats that were let since.  Such ids must be dropped before they reach query().
"""

from typing import NamedTuple, Optional

import chromadb
from chromadb.errors import InternalError


class Flat(NamedTuple):
    ref: str
    rent: int
    square_metres: int
    district: str
    text: str
    quiet: float  # 0..1, from a noise map
    bright: float  # 0..1, from orientation and floor
    central: float  # 0..1, from travel times


LISTINGS = [
    Flat("F-21", 980, 54, "Altstadt", "Attic flat with a tiny balcony, cats welcome", 0.4, 0.9, 1.0),
    Flat("F-22", 760, 48, "Hafen", "Ground floor, shared garden, near the tram", 0.6, 0.3, 0.6),
    Flat("F-23", 1240, 83, "Westend", "Three rooms, balcony to the south, lift", 0.7, 1.0, 0.5),
    Flat("F-24", 690, 39, "Hafen", "Studio above a bar, furnished", 0.1, 0.6, 0.7),
    Flat("F-25", 1010, 71, "Nordstadt", "Quiet yard, balcony, no pets please", 1.0, 0.6, 0.3),
    Flat("F-26", 890, 60, "Nordstadt", "Renovated, cats welcome, cellar", 0.9, 0.5, 0.3),
]


def publish(listings: list[Flat], market: chromadb.Collection) -> None:
    market.upsert(
        ids=[flat.ref for flat in listings],
        embeddings=[[flat.quiet, flat.bright, flat.central] for flat in listings],
        documents=[flat.text for flat in listings],
        metadatas=[
            {"rent": flat.rent, "sqm": flat.square_metres, "district": flat.district} for flat in listings
        ],
    )


def rank_shortlist(
    market: chromadb.Collection,
    shortlist: list[str],
    wishes: tuple[float, float, float],
    *,
    max_rent: Optional[int] = None,
    must_mention: Optional[str] = None,
) -> tuple[list[str], list[str]]:
    """Best first, and what is no longer on the market.  Filters narrow the shortlist further."""
    # query(ids=) fails as a whole if one id is unknown; get(ids=) simply leaves it out.
    alive = market.get(ids=shortlist, include=[])["ids"] if shortlist else []
    gone = [ref for ref in shortlist if ref not in set(alive)]
    if not alive:
        return [], gone
    found = market.query(
        query_embeddings=[list(wishes)],
        ids=alive,
        n_results=len(alive),
        where={"rent": {"$lte": max_rent}} if max_rent is not None else None,
        where_document={"$contains": must_mention} if must_mention else None,
        include=[],
    )
    return found["ids"][0], gone


def main() -> None:
    client = chromadb.EphemeralClient()
    market = client.get_or_create_collection(name="flats-to-let", embedding_function=None)
    publish(LISTINGS, market)
    mine = ["F-21", "F-23", "F-25", "F-26", "F-09"]  # F-09 was let last week
    quiet_person = (1.0, 0.6, 0.2)

    # What happens without care:
    try:
        market.query(query_embeddings=[list(quiet_person)], ids=mine, n_results=3)
    except InternalError as error:
        print("unknown id in query(ids=):", error)
    else:
        raise AssertionError("expected the search to fail")

    ranking, gone = rank_shortlist(market, mine, quiet_person)
    assert ranking == ["F-25", "F-26", "F-23", "F-21"], ranking
    assert gone == ["F-09"]
    assert "F-22" not in ranking, "not on the shortlist, however well it fits"

    affordable, _ = rank_shortlist(market, mine, quiet_person, max_rent=1000)
    assert affordable == ["F-26", "F-21"]

    with_cat, _ = rank_shortlist(market, mine, quiet_person, must_mention="cats welcome")
    assert set(with_cat) == {"F-21", "F-26"} and with_cat[0] == "F-26"

    both, _ = rank_shortlist(market, mine, quiet_person, max_rent=900, must_mention="balcony")
    assert both == [], "no affordable balcony on the list"
    assert rank_shortlist(market, ["F-09"], quiet_person) == ([], ["F-09"])
    assert rank_shortlist(market, [], quiet_person) == ([], [])

    # Two flatmates, one call: the filters and the ids hold for each of the questions.
    city_person = (0.2, 0.7, 1.0)
    joint = market.query(
        query_embeddings=[list(quiet_person), list(city_person)],
        ids=[ref for ref in mine if ref not in gone],
        n_results=2,
        include=["distances"],
    )
    votes = {ref: 0.0 for ref in ranking}
    for refs, distances in zip(joint["ids"], joint["distances"]):
        assert distances == sorted(distances)
        for ref, distance in zip(refs, distances):
            votes[ref] += 1.0 / (1.0 + distance)
    winner = max(votes, key=votes.__getitem__)
    assert joint["ids"][1][0] == "F-21"
    print("quiet:", joint["ids"][0], " central:", joint["ids"][1], " together:", winner)


if __name__ == "__main__":
    main()
