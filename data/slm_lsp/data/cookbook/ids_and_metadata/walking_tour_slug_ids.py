"""Readable slug ids for the walks of a tour company, with collisions, renames and redirects.

Slugs look well in URLs and logs, but two walks may want the same one, and titles change.  A slug that
was ever handed out is never given to another walk: old ones stay behind as redirects, which are
records of their own in a second, tiny collection.
"""
from __future__ import annotations

import re
import unicodedata

import chromadb
from chromadb.errors import NotFoundError

RESERVED = {"new", "search", "admin"}


def slugify(title: str, longest: int = 40) -> str:
    """'Łódź: Mills & Palaces (rainy day)' -> 'lodz-mills-and-palaces-rainy-day'"""
    text = title.replace("&", " and ").replace("ß", "ss").replace("ł", "l").replace("Ł", "L")
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if len(slug) > longest:  # cut between words
        slug = slug[: longest + 1].rpartition("-")[0]
    return slug or "walk"


class WalkDirectory:
    """Walks by slug.  ``redirects`` holds old slug -> present slug."""

    def __init__(self, client: chromadb.ClientAPI, city: str) -> None:
        # Collection names have rules of their own; a slug obeys them if it is long enough.
        prefix = f"{slugify(city)}-walks"
        self.walks = client.get_or_create_collection(prefix, embedding_function=None)
        self.redirects = client.get_or_create_collection(f"{prefix}-redirects", embedding_function=None)

    def _taken(self, candidates: list[str]) -> set[str]:
        """One look-up for all candidates in each collection, not one per number."""
        used = set(self.walks.get(ids=candidates, include=[])["ids"])
        used |= set(self.redirects.get(ids=candidates, include=[])["ids"])
        return used | RESERVED

    def free_slug(self, title: str) -> str:
        base = slugify(title)
        first, step = 2, 8
        candidates = [base, *(f"{base}-{n}" for n in range(first, first + step))]
        while True:
            taken = self._taken(candidates)
            for candidate in candidates:
                if candidate not in taken:
                    return candidate
            first += step
            candidates = [f"{base}-{n}" for n in range(first, first + step)]

    def publish(self, title: str, text: str, start: tuple[float, float], km: float) -> str:
        slug = self.free_slug(title)
        self.walks.add(
            ids=[slug],
            documents=[text],
            embeddings=[[*start, km / 10]],
            metadatas=[{"title": title, "km": km}],
        )
        return slug

    def rename(self, slug: str, title: str) -> str:
        """Ids cannot be changed, so the record is copied under its new slug, vector and all."""
        slug = self.resolve(slug)
        if slugify(title) == re.sub(r"-\d+$", "", slug):
            self.walks.update(ids=[slug], metadatas=[{"title": title}])  # the slug still fits
            return slug
        record = self.walks.get(ids=[slug], include=["documents", "metadatas", "embeddings"])
        fresh = self.free_slug(title)
        self.walks.add(
            ids=[fresh],
            documents=record["documents"],
            embeddings=record["embeddings"],
            metadatas=[{**record["metadatas"][0], "title": title}],
        )
        # The redirect before the deletion, so that a link never leads nowhere.
        self.redirects.upsert(ids=[slug], embeddings=[[0.0]], metadatas=[{"to": fresh}])
        older = self.redirects.get(where={"to": slug}, include=[])["ids"]
        if older:  # no chains: earlier redirects point straight to the newest slug
            self.redirects.update(ids=older, metadatas=[{"to": fresh}] * len(older))
        self.walks.delete(ids=[slug])
        return fresh

    def resolve(self, slug: str) -> str:
        if self.walks.get(ids=[slug], include=[])["ids"]:
            return slug
        moved = self.redirects.get(ids=[slug], include=["metadatas"])["metadatas"]
        if not moved:
            raise NotFoundError(f"no walk {slug!r}")
        return moved[0]["to"]

    def title(self, slug: str) -> str:
        return self.walks.get(ids=self.resolve(slug), include=["metadatas"])["metadatas"][0]["title"]


def main() -> None:
    assert slugify("Łódź: Mills & Palaces (rainy day)") == "lodz-mills-and-palaces-rainy-day"
    assert slugify("Straße der 100 Türme") == "strasse-der-100-turme"
    assert slugify("猫") == "walk"
    assert len(slugify("word " * 30)) <= 40 and not slugify("word " * 30).endswith("-")

    client = chromadb.EphemeralClient()
    porto = WalkDirectory(client, "Porto")
    assert [collection.name for collection in sorted(client.list_collections(), key=lambda c: c.name)] == [
        "porto-walks",
        "porto-walks-redirects",
    ]

    tiles = porto.publish("Blue Tiles", "Azulejos from the station to the river", (0.2, 0.8), 4.0)
    tiles_2 = porto.publish("Blue tiles!", "The same, for children", (0.2, 0.8), 1.5)
    assert (tiles, tiles_2) == ("blue-tiles", "blue-tiles-2")
    assert porto.publish("Search", "Find the seven hidden fountains", (0.5, 0.1), 6.0) == "search-2"

    # A dozen walks with one title: the numbers go on beyond the first look-up.
    evenings = [porto.publish("Evening", f"Evening walk {n}", (0.1 * n, 0.5), 2.0) for n in range(12)]
    assert evenings[0] == "evening" and evenings[-1] == "evening-12" and len(set(evenings)) == 12

    renamed = porto.rename("blue-tiles", "Azulejos & Rail")
    assert renamed == "azulejos-and-rail"
    assert porto.resolve("blue-tiles") == renamed and porto.title("blue-tiles") == "Azulejos & Rail"
    assert porto.publish("Blue Tiles", "A newcomer", (0.3, 0.3), 2.0) == "blue-tiles-3", "the old slug is not reused"

    final = porto.rename("blue-tiles", "Stations of the North")  # by its old link, even
    assert porto.resolve("blue-tiles") == porto.resolve(renamed) == final == "stations-of-the-north"
    assert porto.rename(final, "Stations of the NORTH") == final, "no new slug for a change of capitals"

    try:
        porto.resolve("red-tiles")
    except NotFoundError as error:
        print(error)
    else:
        raise AssertionError("red-tiles was never there")

    near_start = porto.walks.query(query_embeddings=[[0.2, 0.8, 0.4]], n_results=1)
    assert near_start["ids"] == [[final]], "the vector moved along with the slug"
    print(f"{porto.walks.count()} walks, {porto.redirects.count()} redirects")
    print("blue-tiles ->", porto.resolve("blue-tiles"))


if __name__ == "__main__":
    main()
