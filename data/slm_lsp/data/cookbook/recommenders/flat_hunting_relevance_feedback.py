"""Refine a flat search from thumbs up and thumbs down, session by session, inside hard limits on rent and size."""

from __future__ import annotations

import enum
import logging
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import chromadb
import numpy as np

log = logging.getLogger("flats")

# The listing's text is read for these traits; each is one direction.
TRAITS = {
    "light": ["bright", "sunny", "south"],
    "quiet": ["quiet", "courtyard", "calm"],
    "central": ["central", "downtown", "station"],
    "green": ["garden", "park", "balcony"],
    "old": ["stucco", "parquet", "period"],
    "new": ["lift", "modern", "concrete"],
    "lively": ["bars", "market", "nightlife"],
}

LISTINGS = [
    ("Bright period flat with parquet, near the park", 980, 62),
    ("Modern flat with lift, downtown, above the bars", 1050, 55),
    ("Quiet courtyard flat, parquet and stucco", 890, 58),
    ("Sunny south balcony over the garden, calm street", 1010, 66),
    ("Concrete tower, lift, next to the station", 820, 60),
    ("Market square, nightlife at the door, central", 940, 50),
    ("Stucco ceilings, garden, quiet", 1090, 71),
    ("Bright loft, modern, central", 1180, 80),
    ("Period villa by the park, sunny, quiet", 1900, 120),
    ("Calm and green: garden, balcony, park", 1000, 64),
    ("Downtown studio, nightlife and bars", 700, 28),
    ("Parquet, south, courtyard", 930, 61),
]


class Thumb(enum.IntEnum):
    DOWN = -1
    UP = 1


def traits_of(text: str) -> np.ndarray:
    words = text.lower().replace(",", " ").replace(":", " ").split()
    return np.array([sum(w in words for w in cues) + 0.02 for cues in TRAITS.values()], dtype=np.float32)


@dataclass
class Hunt:
    """A person looking for a flat.  The wish is a vector and moves; the limits are facts and do not."""

    flats: chromadb.Collection
    max_rent: int
    min_size: int
    wish: np.ndarray
    seen: set[str] = field(default_factory=set)
    # Rocchio's weights: keep much of the wish, move towards likes, move away from dislikes a little.
    keep: float = 1.0
    towards: float = 0.75
    away: float = 0.35

    @property
    def limits(self) -> dict:
        return {"$and": [{"rent": {"$lte": self.max_rent}}, {"size": {"$gte": self.min_size}}, {"let": False}]}

    def next_batch(self, count: int = 3) -> list[tuple[str, str, float]]:
        remaining = [i for i in self.flats.get(where=self.limits, include=[])["ids"] if i not in self.seen]
        if not remaining:
            return []
        page = self.flats.query(
            query_embeddings=[self.wish],
            ids=remaining,  # the search is confined to what has not been shown yet
            n_results=min(count, len(remaining)),
            include=["documents", "distances"],
        )
        batch = list(zip(page["ids"][0], page["documents"][0], page["distances"][0]))
        self.seen |= {flat for flat, _, _ in batch}
        return batch

    def react(self, thumbs: dict[str, Thumb]) -> None:
        rows = self.flats.get(ids=list(thumbs), include=["embeddings"])
        groups: dict[Thumb, list[np.ndarray]] = {Thumb.UP: [], Thumb.DOWN: []}
        for flat, vector in zip(rows["ids"], rows["embeddings"]):
            groups[thumbs[flat]].append(vector / np.linalg.norm(vector))
        new = self.keep * self.wish / np.linalg.norm(self.wish)
        if groups[Thumb.UP]:
            new = new + self.towards * np.mean(groups[Thumb.UP], axis=0)
        if groups[Thumb.DOWN]:
            new = new - self.away * np.mean(groups[Thumb.DOWN], axis=0)
        self.wish = new.astype(np.float32)
        log.debug("wish is now %s", self.describe())

    def describe(self) -> str:
        strongest = sorted(zip(self.wish, TRAITS), reverse=True)
        return ", ".join(trait for weight, trait in strongest if weight > 0.25)


def open_market(path: Path) -> chromadb.ClientAPI:
    client = chromadb.PersistentClient(path=path)
    flats = client.get_or_create_collection("flats", configuration={"hnsw": {"space": "cosine"}})
    if flats.count() == 0:
        flats.add(
            ids=[f"F{n:03d}" for n, _ in enumerate(LISTINGS, start=1)],
            embeddings=np.vstack([traits_of(text) for text, _, _ in LISTINGS]),
            documents=[text for text, _, _ in LISTINGS],
            metadatas=[{"rent": rent, "size": size, "let": False} for _, rent, size in LISTINGS],
        )
    return client


def likes_quiet_and_old(text: str) -> Thumb:
    """The person on the sofa, simulated: would never say so, but clicks like this."""
    return Thumb.UP if {"quiet", "courtyard", "stucco", "parquet", "calm"} & set(text.lower().replace(",", "").split()) else Thumb.DOWN


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder, closing(open_market(Path(folder))) as client:
        flats = client.get_collection("flats")
        hunt = Hunt(flats, max_rent=1100, min_size=50, wish=traits_of("central"))

        share = []
        while batch := hunt.next_batch(count=3):
            thumbs = {flat: likes_quiet_and_old(text) for flat, text, _ in batch}
            share.append(sum(t is Thumb.UP for t in thumbs.values()) / len(thumbs))
            for flat, text, distance in batch:
                log.info("%s %s  %.2f  %s", "+" if thumbs[flat] is Thumb.UP else "-", flat, distance, text)
            hunt.react(thumbs)
            log.info("    wish: %s", hunt.describe())

        log.info("liked per round: %s", [f"{s:.0%}" for s in share])
        assert share[0] < 0.5 and share[1] > share[0], "one round of feedback is enough to turn the search"
        assert len(hunt.seen) == 9, "the villa, the loft and the studio are outside of the limits"
        assert not hunt.seen & {"F008", "F009", "F011"}
        assert "quiet" in hunt.describe() or "old" in hunt.describe()

        # Limits change in mid-search: more money, and one flat more comes into view.
        hunt.max_rent = 1200
        late = hunt.next_batch()
        assert [flat for flat, _, _ in late] == ["F008"]

        # A flat that is let disappears from everybody's search with a metadata update.
        flats.update(ids=["F003"], metadatas=[{"let": True}])
        other = Hunt(flats, max_rent=1100, min_size=50, wish=traits_of("quiet courtyard parquet stucco"))
        best = other.next_batch(count=1)[0]
        log.info("best for the next person: %s %s", best[0], best[1])
        assert best[0] != "F003"
        assert flats.get(where={"let": True})["documents"] == ["Quiet courtyard flat, parquet and stucco"]


if __name__ == "__main__":
    main()
