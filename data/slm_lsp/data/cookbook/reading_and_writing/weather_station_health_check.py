"""Check the collections of a weather network with count() and peek(), before anybody trusts them.

One collection per station.  The check is cheap on purpose: count() says whether data arrive at all,
peek() looks at a handful of records for the faults that loggers really have.
"""
import argparse
import math
from dataclasses import dataclass

import chromadb
import numpy as np
from chromadb.api.types import ReadLevel

EXPECTED_KEYS = {"station", "hour", "unit"}


@dataclass
class Health:
    station: str
    records: int
    problems: list

    @property
    def verdict(self):
        return "ok" if not self.problems else "; ".join(self.problems)


def examine(collection, minimum, sample=5):
    """Count, then look at the first few records; a list of complaints comes back."""
    problems = []
    # The read level matters where a server compacts its log in the background: INDEX_AND_WAL counts
    # every committed write, INDEX_ONLY only what has been indexed.  Embedded, they agree.
    records = collection.count(read_level=ReadLevel.INDEX_AND_WAL)
    if records < minimum:
        problems.append(f"only {records} of {minimum} readings")
    if records == 0:
        return Health(collection.name, 0, problems)

    # peek() is get() with a limit that brings the embeddings along.
    first = collection.peek(limit=sample)
    vectors = first["embeddings"]
    assert isinstance(vectors, np.ndarray) and len(vectors) == min(sample, records)

    if np.allclose(vectors, vectors[0]) and len(vectors) > 1:
        problems.append("stuck sensor: identical readings")
    for record_id, facts in zip(first["ids"], first["metadatas"]):
        missing = EXPECTED_KEYS - set(facts or {})
        if missing:
            problems.append(f"{record_id} lacks {', '.join(sorted(missing))}")
            break
    units = {facts.get("unit") for facts in first["metadatas"] if facts}
    if len(units - {None}) > 1:
        problems.append(f"mixed units {sorted(units - {None})}")
    return Health(collection.name, records, problems)


def simulate(client):
    """A day of hourly readings (temperature, humidity, wind) for four stations with four fates."""

    def hourly(station, hours, reading, facts=lambda hour: {}):
        collection = client.get_or_create_collection(f"station-{station}", embedding_function=None)
        if hours:
            collection.add(
                ids=[f"{station}-{hour:02d}h" for hour in range(hours)],
                embeddings=[reading(hour) for hour in range(hours)],
                metadatas=[
                    {"station": station, "hour": hour, "unit": "celsius", **facts(hour)} for hour in range(hours)
                ],
            )
        return collection

    def day(hour):
        return [12 + 6 * math.sin((hour - 9) / 24 * math.tau), 70 - hour, 3.0 + hour % 4]

    hourly("harbour", 24, day)
    hourly("ridge", 24, lambda hour: [0.0, 0.0, 0.0])
    hourly("valley", 9, day, lambda hour: {"unit": "fahrenheit"} if hour % 2 else {})
    hourly("lighthouse", 0, day)


def check_network(client, minimum):
    report = {}
    for page in range(0, client.count_collections(), 3):  # list_collections() pages like get() does
        for collection in client.list_collections(limit=3, offset=page):
            if collection.name.startswith("station-"):
                health = examine(collection, minimum)
                report[health.station.removeprefix("station-")] = health
    return report


def main(argv=None):
    parser = argparse.ArgumentParser(description="health check of the station collections")
    parser.add_argument("--minimum", type=int, default=20, help="readings that a day should have")
    options = parser.parse_args(argv)

    client = chromadb.EphemeralClient()
    simulate(client)
    report = check_network(client, options.minimum)
    assert sorted(report) == ["harbour", "lighthouse", "ridge", "valley"]

    assert report["harbour"].verdict == "ok" and report["harbour"].records == 24
    assert report["ridge"].problems == ["stuck sensor: identical readings"]
    assert report["lighthouse"].records == 0
    assert len(report["valley"].problems) == 2, report["valley"]

    harbour = client.get_collection("station-harbour")
    assert len(harbour.peek()["ids"]) == 10, "ten records without a limit"
    assert harbour.peek(limit=100)["ids"] == harbour.get(include=[])["ids"]
    assert harbour.count() == harbour.count(read_level=ReadLevel.INDEX_ONLY) == 24

    # An alarm on repaired equipment must go off again by itself: write a good reading, look once more.
    ridge = client.get_collection("station-ridge")
    ridge.update(ids=["ridge-00h"], embeddings=[[4.5, 81.0, 9.0]])
    assert examine(ridge, options.minimum).verdict == "ok"

    for name, health in sorted(report.items()):
        print(f"{name:<11}{health.records:>4}  {health.verdict}")


if __name__ == "__main__":
    main([])
