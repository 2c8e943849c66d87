"""Index earthquakes by place and time: points on the unit sphere as vectors, time and magnitude as numeric filters.

A latitude/longitude box breaks at the date line and at the poles.  Unit vectors do not: the squared L2 distance that
Chroma reports is an exact function of the angle between two places, hence of the kilometres between them.
"""

import math
from datetime import datetime, timedelta, timezone
from typing import Iterator, NamedTuple, Optional

import chromadb

EARTH_KM = 6371.0088


class Quake(NamedTuple):
    id: str
    when: str
    lat: float
    lon: float
    magnitude: float
    depth_km: float
    place: str


FEED = [
    Quake("us7000a", "2023-02-06T01:17:34Z", 37.23, 37.01, 7.8, 10.0, "Gaziantep, Turkey"),
    Quake("us7000b", "2023-02-06T10:24:49Z", 38.01, 37.20, 7.5, 7.4, "Elbistan, Turkey"),
    Quake("us7000c", "2023-02-20T17:04:29Z", 36.11, 36.02, 6.3, 16.0, "Uzunbag, Turkey"),
    Quake("us7000d", "2023-04-02T18:04:11Z", -4.29, 143.16, 7.0, 70.0, "Ambunti, Papua New Guinea"),
    Quake("us7000e", "2023-05-10T16:02:00Z", -15.60, -174.61, 7.6, 210.1, "Hihifo, Tonga"),
    Quake("us7000f", "2023-06-15T18:06:28Z", -22.98, -177.21, 7.2, 167.4, "south of the Fiji Islands"),
    Quake("us7000g", "2023-07-16T06:48:20Z", 54.38, -160.75, 7.2, 25.0, "Sand Point, Alaska"),
    Quake("us7000h", "2023-09-08T22:11:01Z", 31.06, -8.38, 6.8, 19.0, "Al Haouz, Morocco"),
    Quake("us7000i", "2023-12-28T10:15:12Z", 52.90, 178.30, 5.1, 60.0, "Rat Islands, Alaska"),
    Quake("us7000j", "2024-01-01T07:10:09Z", 37.49, 137.27, 7.5, 10.0, "Noto, Japan"),
    Quake("us7000k", "2024-01-01T07:18:41Z", 37.23, 136.73, 6.2, 10.0, "Anamizu, Japan"),
]


def unit_vector(lat: float, lon: float) -> list[float]:
    phi, lam = math.radians(lat), math.radians(lon)
    return [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]


def km_from_distance(squared: float) -> float:
    """Chord length c on the unit sphere: angle = 2 asin(c / 2).  `squared` is what the l2 space returns."""
    return 2 * math.asin(min(1.0, math.sqrt(max(squared, 0.0)) / 2)) * EARTH_KM


def distance_from_km(km: float) -> float:
    return (2 * math.sin(min(km / EARTH_KM, math.pi) / 2)) ** 2


def epoch(when: "str | datetime") -> int:
    """Seconds since 1970: $gte and $lt take numbers, not date strings, and an int keeps every second."""
    if isinstance(when, str):
        when = datetime.fromisoformat(when.replace("Z", "+00:00"))
    if when.tzinfo is None:
        raise ValueError("naive datetime: say which time zone is meant")
    return int(when.timestamp())


class QuakeIndex:
    def __init__(self, client: chromadb.ClientAPI) -> None:
        self.quakes = client.get_or_create_collection(
            name="quakes",
            configuration={"hnsw": {"space": "l2", "ef_construction": 200, "ef_search": 100}},
            metadata={"vector": "unit sphere xyz", "time": "epoch seconds UTC"},
        )

    def ingest(self, feed: list[Quake]) -> None:
        self.quakes.upsert(          # agencies revise magnitudes for days: the same id comes again
            ids=[q.id for q in feed],
            embeddings=[unit_vector(q.lat, q.lon) for q in feed],
            documents=[q.place for q in feed],
            metadatas=[
                {"t": epoch(q.when), "year": int(q.when[:4]), "mag": q.magnitude, "depth": q.depth_km, "lat": q.lat, "lon": q.lon}
                for q in feed
            ],
        )

    @staticmethod
    def filters(
        since: Optional[datetime], until: Optional[datetime], min_mag: Optional[float], max_depth: Optional[float]
    ) -> Optional[dict]:
        parts: list[dict] = []
        if since is not None:
            parts.append({"t": {"$gte": epoch(since)}})
        if until is not None:
            parts.append({"t": {"$lt": epoch(until)}})
        if min_mag is not None:
            parts.append({"mag": {"$gte": float(min_mag)}})
        if max_depth is not None:
            parts.append({"depth": {"$lte": float(max_depth)}})
        return None if not parts else parts[0] if len(parts) == 1 else {"$and": parts}

    def within(
        self, lat: float, lon: float, km: float, *, since: Optional[datetime] = None, until: Optional[datetime] = None,
        min_mag: Optional[float] = None, max_depth: Optional[float] = None,
    ) -> Iterator[tuple[str, float]]:
        """(place, km) of all quakes in the circle, nearest first."""
        size, bound = 4, distance_from_km(km)
        while True:
            hit = self.quakes.query(
                query_embeddings=[unit_vector(lat, lon)],
                n_results=size,
                where=self.filters(since, until, min_mag, max_depth),
                include=["documents", "distances"],
            )
            distances = hit["distances"][0]
            # Fewer than asked for: the index is exhausted.  The last one beyond the circle: all inside are known.
            if len(distances) < size or distances[-1] > bound:
                break
            size *= 4
        for place, d in zip(hit["documents"][0], distances):
            if d <= bound:
                yield place, km_from_distance(d)

    def aftershocks(self, main_id: str, days: int = 30, km: float = 250) -> list[str]:
        row = self.quakes.get(ids=[main_id], include=["metadatas"])
        m = row["metadatas"][0]
        start = datetime.fromtimestamp(m["t"] + 1, timezone.utc)
        return [p for p, _ in self.within(m["lat"], m["lon"], km, since=start, until=start + timedelta(days=days))]

    def per_year(self, min_mag: float) -> dict[int, int]:
        counts: dict[int, int] = {}
        rows = self.quakes.get(where={"mag": {"$gte": min_mag}}, include=["metadatas"])
        for meta in rows["metadatas"]:
            counts[meta["year"]] = counts.get(meta["year"], 0) + 1
        return counts


def haversine(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    a = math.sin(math.radians(lat2 - lat1) / 2) ** 2
    b = math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(a + b))


def main() -> None:
    index = QuakeIndex(chromadb.EphemeralClient())
    index.ingest(FEED)
    index.ingest([FEED[8]._replace(magnitude=5.3)])
    assert index.quakes.count() == len(FEED)

    # Across the date line: 178.30 E is a neighbour of 177 W, whatever a box of longitudes may say.
    aleutian = dict(index.within(52.0, -177.0, 500))
    assert list(aleutian) == ["Rat Islands, Alaska"]
    assert abs(aleutian["Rat Islands, Alaska"] - haversine(52.0, -177.0, 52.90, 178.30)) < 0.5

    assert index.aftershocks("us7000a") == ["Elbistan, Turkey", "Uzunbag, Turkey"]
    assert index.aftershocks("us7000a", days=7) == ["Elbistan, Turkey"]
    assert index.aftershocks("us7000j", days=1) == ["Anamizu, Japan"]

    shallow = [p for p, _ in index.within(-20.0, -175.0, 6000, min_mag=7.0, max_depth=100)]
    assert shallow == ["Ambunti, Papua New Guinea"], "the deep ones near Tonga and Fiji are left out"
    assert len(list(index.within(0, 0, 20_100))) == len(FEED), "half the circumference reaches every place"
    assert index.per_year(7.0) == {2023: 6, 2024: 1}
    try:
        epoch(datetime(2023, 1, 1))
        raise AssertionError
    except ValueError as error:
        print(error)
    for place, km in index.within(41.01, 28.98, 1200):
        print(f"{km:7.1f} km from Istanbul: {place}")


if __name__ == "__main__":
    main()
