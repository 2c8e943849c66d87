"""Validate search results of insurance claims with pydantic before they leave the service.

Metadata is whatever some importer wrote years ago.  A discriminated union of models sorts the rows
into kinds of claims, coerces what can be coerced, and sets rows that cannot be trusted aside with
the reason, so that one bad record does not spoil an answer of twenty.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

import chromadb
from pydantic import (
    BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, computed_field,
)


def from_day_number(value: Any) -> Any:
    """Dates are stored as 20240131 so that they can be compared in filters."""
    if isinstance(value, int):
        return datetime.strptime(str(value), "%Y%m%d").date()
    return value


Day = Annotated[date, BeforeValidator(from_day_number)]
Cents = Annotated[int, Field(ge=0)]


class ClaimHit(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str = Field(pattern=r"^CL-\d{4}$")
    text: str
    distance: float = Field(ge=0)
    reported: Day
    cents: Cents

    @computed_field
    @property
    def amount(self) -> Decimal:
        return Decimal(self.cents) / 100

    @computed_field
    @property
    def relevance(self) -> float:
        """1.0 for the same, falling to 0: what a user interface wants to show."""
        return round(1.0 / (1.0 + self.distance), 3)


class WaterClaim(ClaimHit):
    kind: Literal["water"]
    floor: int = 0


class TheftClaim(ClaimHit):
    kind: Literal["theft"]
    police_file: str
    items: list[str] = Field(min_length=1)


class StormClaim(ClaimHit):
    kind: Literal["storm"]
    wind_kmh: int | None = None


AnyClaim = Annotated[Union[WaterClaim, TheftClaim, StormClaim], Field(discriminator="kind")]
claim_adapter: TypeAdapter[AnyClaim] = TypeAdapter(AnyClaim)


class SearchResponse(BaseModel):
    hits: list[AnyClaim]
    rejected: dict[str, str]

    @classmethod
    def from_query(cls, result: chromadb.QueryResult) -> "SearchResponse":
        hits, rejected = [], {}
        columns = (result[name][0] for name in ("ids", "documents", "distances", "metadatas"))
        for claim_id, text, distance, facts in zip(*columns):
            row = {**(facts or {}), "id": claim_id, "text": text, "distance": distance}
            try:
                hits.append(claim_adapter.validate_python(row))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "row"
                rejected[claim_id] = f"{where}: {first['msg']}"
        return cls(hits=hits, rejected=rejected)


CLAIMS = [
    ("CL-0001", "Dishwasher hose burst, parquet swollen", [0.9, 0.1, 0.0],
     {"kind": "water", "reported": 20240105, "cents": 210050, "floor": 2}),
    ("CL-0002", "Bicycle and helmet stolen from the cellar", [0.1, 0.9, 0.0],
     {"kind": "theft", "reported": 20240212, "cents": 89900, "police_file": "P-77/24", "items": ["bicycle", "helmet"]}),
    ("CL-0003", "Roof tiles blown off, rain came in", [0.5, 0.0, 0.9],
     {"kind": "storm", "reported": 20240223, "cents": 430000, "wind_kmh": 118}),
    ("CL-0004", "Laptop gone from the car", [0.0, 1.0, 0.1],
     {"kind": "theft", "reported": 20240301, "cents": 120000}),  # the police file was never entered
    ("CL-0005", "Leak under the sink", [1.0, 0.0, 0.1],
     {"kind": "water", "reported": 20240399, "cents": 15000}),  # there is no 99th of March
    ("CL-0006", "Hail dents", [0.2, 0.0, 1.0], {"kind": "hail", "reported": 20240402, "cents": 77000}),
    ("CL-0007", "Tree on the carport", [0.0, 0.1, 0.9],
     {"kind": "storm", "reported": 20240403, "cents": "99000", "source": "legacy import"}),
]  # fmt: skip


def main() -> None:
    claims = chromadb.EphemeralClient().create_collection("insurance_claims", embedding_function=None)
    ids, texts, vectors, facts = map(list, zip(*CLAIMS))
    claims.add(ids=ids, documents=texts, embeddings=vectors, metadatas=facts)

    def search(vector: list[float], n: int = 10, **filters: Any) -> SearchResponse:
        # Ask for what the models need and no more: vectors would only make the answer heavier.
        return SearchResponse.from_query(
            claims.query(
                query_embeddings=[vector], n_results=n, include=["documents", "distances", "metadatas"], **filters
            )
        )

    everything = search([0.5, 0.5, 0.5])
    assert len(everything.hits) == 4
    assert everything.rejected.keys() == {"CL-0004", "CL-0005", "CL-0006"}
    assert "police_file" in everything.rejected["CL-0004"]

    water = search([1.0, 0.0, 0.0], n=2)
    assert [type(hit) for hit in water.hits] == [WaterClaim]
    burst = water.hits[0]
    assert burst.reported == date(2024, 1, 5) and burst.amount == Decimal("2100.5") and burst.floor == 2

    # The string "99000" was coerced; the unknown key "source" was left out.
    storm = search([0.0, 0.1, 0.9], n=1).hits[0]
    assert isinstance(storm, StormClaim) and storm.cents == 99000 and not hasattr(storm, "source")
    assert storm.relevance == 1.0

    # Filters still work on the raw values, where 20240223 is just a number.
    in_february = {"$and": [{"reported": {"$gte": 20240201}}, {"reported": {"$lt": 20240301}}]}
    february = search([0.5, 0.5, 0.5], where=in_february)
    assert {hit.id for hit in february.hits} == {"CL-0002", "CL-0003"}

    # Out as JSON and in again, as a client of the service would read it.
    wire = everything.model_dump_json()
    assert SearchResponse.model_validate_json(wire) == everything

    for hit in everything.hits:
        print(f"{hit.id} {hit.kind:<6}{hit.reported:%d %b} {hit.amount:>8} EUR  {hit.text}")
    for claim_id, why in everything.rejected.items():
        print(f"{claim_id} set aside, {why}")


if __name__ == "__main__":
    main()
