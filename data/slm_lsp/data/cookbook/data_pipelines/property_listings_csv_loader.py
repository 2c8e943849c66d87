"""Load a real estate agency's CSV export into Chroma: validate each row, set bad rows aside, upsert in batches, report."""
import csv
import io
import re
import tempfile
from collections import Counter
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Annotated, Iterable, Iterator, Literal

import chromadb
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator

EXPORT = """\
ref;type;town;price;area_m2;rooms;listed;features;description
H-001;house;Cork;"€ 420,000";140;5;2024-03-01;garden|garage;Detached house with a south facing garden near the school
F-002;flat;Cork;"€ 265,000";62;3;2024-03-04;balcony|lift;Bright flat with balcony above the river, lift in the building
F-003;flat;Galway;n/a;48;2;2024-03-05;;Small flat close to the university
H-004;house;Galway;"€ 515,000";;6;2024-03-09;garden|sea view;Old house with sea view, needs a new roof
P-005;plot;Sligo;"€ 90,000";1200;;2024-02-11;sea view;Building plot with sea view and road access
F-002;flat;Cork;"€ 259,000";62;3;2024-03-20;balcony|lift;Bright flat with balcony above the river, price reduced
X-006;castle;Sligo;"€ 2,000,000";900;30;2024-03-21;moat;Restored castle
F-007;flat;Cork;"€ 199,000";41;2;20/03/2024;;Flat for investors, rented out
F-008;flat;Cork;"€ 238,000";55;2;2024-03-22;balcony|garage;
"""

ROOM_WORDS = ["garden", "balcony", "garage", "lift", "sea", "river", "school", "university", "roof", "detached",
              "bright", "small", "old", "plot", "rented", "road"]


def blank_to_none(value):
    return None if isinstance(value, str) and value.strip() in ("", "n/a", "-") else value


OptionalInt = Annotated[int | None, BeforeValidator(blank_to_none)]


class Listing(BaseModel):
    """One row as we accept it.  Field names are the CSV's column names."""

    ref: str = Field(pattern=r"^[A-Z]-\d{3}$")
    type: Literal["house", "flat", "plot"]
    town: str
    price: int = Field(gt=10_000)
    area_m2: OptionalInt = None
    rooms: OptionalInt = None
    listed: date
    features: list[str] = []
    description: str = Field(min_length=5)

    @field_validator("price", mode="before")
    @classmethod
    def euros(cls, raw: str) -> str:
        return re.sub(r"[€,\s]", "", raw)

    @field_validator("features", mode="before")
    @classmethod
    def split_features(cls, raw: str) -> list[str]:
        return [f.strip() for f in raw.split("|") if f.strip()]

    def metadata(self) -> dict:
        """Only what is known: a missing key is better than a made-up zero (0 rooms would pass `rooms < 3`)."""
        known = {
            "type": self.type, "town": self.town, "price": self.price, "area_m2": self.area_m2, "rooms": self.rooms,
            "listed": self.listed.toordinal(), "features": self.features,
        }
        return {k: v for k, v in known.items() if v not in (None, [])}


def embed(text: str) -> list[float]:
    words = re.findall(r"[a-z]+", text.lower())
    return [float(words.count(w)) + 0.01 for w in ROOM_WORDS]


def parse(source: Iterable[str], rejects: csv.DictWriter) -> Iterator[Listing]:
    reader = csv.DictReader(source, delimiter=";")
    for row in reader:
        try:
            yield Listing.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            rejects.writerow({"line": reader.line_num, "ref": row.get("ref"), "field": first["loc"][0], "problem": first["msg"]})


def batched(listings: Iterable[Listing], size: int) -> Iterator[list[Listing]]:
    """Batches with unique refs: of several rows with one ref in a batch the last wins (an id may occur once per call)."""
    iterator = iter(listings)
    while part := list(islice(iterator, size)):
        yield list({listing.ref: listing for listing in part}.values())


def load(client: chromadb.ClientAPI, source: Iterable[str], rejects_path: Path, batch_size: int | None = None) -> Counter:
    homes = client.get_or_create_collection(
        "listings", configuration={"hnsw": {"space": "cosine"}}, metadata={"source": "agency-export", "currency": "EUR"}
    )
    stats: Counter = Counter()
    with rejects_path.open("w", newline="", encoding="utf-8") as handle:
        rejects = csv.DictWriter(handle, ["line", "ref", "field", "problem"])
        rejects.writeheader()
        limit = client.get_max_batch_size()
        for batch in batched(parse(source, rejects), min(batch_size or limit, limit)):
            refs = [x.ref for x in batch]
            known = set(homes.get(ids=refs, include=[])["ids"])
            homes.upsert(
                ids=refs,
                documents=[x.description for x in batch],
                embeddings=[embed(f"{x.description} {' '.join(x.features)}") for x in batch],
                metadatas=[x.metadata() for x in batch],
            )
            stats["updated"] += len(known)
            stats["new"] += len(batch) - len(known)
    with rejects_path.open(encoding="utf-8") as handle:
        stats["rejected"] = sum(1 for _ in csv.DictReader(handle))
    return stats


def main() -> None:
    with tempfile.TemporaryDirectory() as tmp:
        rejects = Path(tmp, "rejected.csv")
        with chromadb.PersistentClient(path=Path(tmp, "db")) as client:
            stats = load(client, io.StringIO(EXPORT), rejects, batch_size=4)
            assert stats == {"new": 4, "updated": 1, "rejected": 4}, stats

            homes = client.get_collection("listings")
            assert homes.get(ids="F-002")["metadatas"][0]["price"] == 259_000, "the later row of a ref wins"
            with rejects.open(encoding="utf-8") as handle:
                problems = {r["ref"]: r["field"] for r in csv.DictReader(handle)}
            assert problems == {"F-003": "price", "X-006": "type", "F-007": "listed", "F-008": "description"}

            # Range operators compare numbers only: that is why the date was stored as its ordinal.
            spring = homes.get(where={"$and": [
                {"listed": {"$gte": date(2024, 3, 1).toordinal()}}, {"listed": {"$lt": date(2024, 4, 1).toordinal()}},
                {"price": {"$lte": 450_000}},
            ]}, include=["metadatas"])
            assert sorted(spring["ids"]) == ["F-002", "H-001"]
            views = homes.get(where={"features": {"$contains": "sea view"}}, include=[])
            assert sorted(views["ids"]) == ["H-004", "P-005"]
            assert "area_m2" not in homes.get(ids=["H-004"])["metadatas"][0]

            best = homes.query(query_embeddings=[embed("house with a garden and garage near a school")], n_results=2,
                               where={"type": {"$ne": "plot"}}, where_document={"$not_contains": "new roof"})
            assert best["ids"][0][0] == "H-001" and "H-004" not in best["ids"][0]

            again = load(client, io.StringIO(EXPORT), rejects)
            assert again["new"] == 0 and homes.count() == 4, "loading twice changes nothing"
            print(dict(stats), "| rejected fields:", problems)


if __name__ == "__main__":
    main()
