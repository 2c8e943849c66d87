"""Archive hourly greenhouse profiles, locate similar days, and compare the ways of opening the same data directory."""
import math
import os
import shutil
import tempfile

import chromadb
from chromadb.api.shared_system_client import SharedSystemClient

HOURS = 24


def simulate(base, swing, vent_hour=None):
    """Temperatures of a day; an open vent cools the afternoon."""
    day = [base + swing * math.sin((h - 9) / 24 * 2 * math.pi) for h in range(HOURS)]
    if vent_hour is not None:
        day[vent_hour:] = [t - 4 for t in day[vent_hour:]]
    return day


DAYS = {
    "2024-05-01": (simulate(18, 4), {"house": "A", "crop": "tomato", "alarm": False}),
    "2024-05-02": (simulate(19, 5), {"house": "A", "crop": "tomato", "alarm": False}),
    "2024-05-03": (simulate(18, 4, vent_hour=15), {"house": "A", "crop": "tomato", "alarm": True}),
    "2024-07-10": (simulate(29, 8), {"house": "A", "crop": "tomato", "alarm": True}),
    "2024-07-11": (simulate(28, 7), {"house": "A", "crop": "tomato", "alarm": False}),
    "2024-07-12": (simulate(25, 3), {"house": "B", "crop": "orchid", "alarm": False}),
    "2024-07-13": (simulate(25, 3, vent_hour=12), {"house": "B", "crop": "orchid", "alarm": True}),
}


def nightly_job(directory):
    """The job on the controller writes through the Rust client."""
    client = chromadb.RustClient(
        path=directory,
        settings=chromadb.Settings(anonymized_telemetry=False),
        tenant="default_tenant",
        database="default_database",
    )
    archive = client.get_or_create_collection("climate", metadata={"unit": "celsius"}, embedding_function=None)
    for date, (profile, tags) in DAYS.items():
        archive.upsert(ids=date, embeddings=profile, metadatas=tags, uris=f"raw/{date}.csv")
    total = archive.count()
    client.close()
    return total


def grower_dashboard(directory):
    """The dashboard is configured once, globally, and opens a plain Client with those settings."""
    chromadb.configure(is_persistent=True, persist_directory=directory, anonymized_telemetry=False)
    client = chromadb.Client(
        settings=chromadb.get_settings(),
        tenant="default_tenant",
        database="default_database",
    )
    archive = client.get_collection("climate", embedding_function=None)

    heat = archive.query(
        query_embeddings=[simulate(30, 8)],
        n_results=2,
        where={"house": {"$in": ["A", "C"]}},
        include=["metadatas", "uris"],
    )
    assert heat["ids"][0] == ["2024-07-10", "2024-07-11"]

    quiet = archive.get(where={"$and": [{"alarm": False}, {"crop": {"$nin": ["orchid"]}}]}, include=["uris"])
    assert quiet["uris"] == ["raw/2024-05-01.csv", "raw/2024-05-02.csv", "raw/2024-07-11.csv"]

    # The most similar day without an alarm: what should this one have looked like?
    broken = archive.get(ids=["2024-05-03"], include=["embeddings"])["embeddings"]
    normal = archive.query(query_embeddings=broken, n_results=1, where={"alarm": {"$ne": True}})
    assert normal["ids"][0][0] == "2024-05-01"

    archive.modify(metadata={"unit": "celsius", "checked_by": "dashboard"})
    client.close()
    return heat["uris"][0]


def auditor(directory):
    """A read-out in another process: caches of open systems are dropped first, as after a fork."""
    SharedSystemClient.clear_system_cache()
    with chromadb.PersistentClient(path=directory) as client:
        assert client.heartbeat() > 0 and client.get_version() == chromadb.__version__
        climate = client.get_collection(name="climate", embedding_function=None)
        first = climate.peek(limit=3)
        assert first["embeddings"].shape == (3, HOURS)
        years = climate.get(ids=["2024-05-01", "2024-07-12", "1999-01-01"], include=["metadatas"])
        assert years["ids"] == ["2024-05-01", "2024-07-12"], "an unknown id is skipped, not an error"
        return climate.metadata


def rehearsal():
    """Dry run in memory: the Rust client without a path keeps nothing."""
    client = chromadb.RustClient()
    scratch = client.create_collection(name="scratch", embedding_function=None)
    scratch.add(ids=["now"], embeddings=[simulate(20, 2)])
    kept = scratch.count()
    client.delete_collection("scratch")
    return kept


def main():
    directory = tempfile.mkdtemp(prefix="greenhouse-")
    try:
        assert rehearsal() == 1
        assert nightly_job(directory) == nightly_job(directory) == len(DAYS)
        assert os.path.exists(os.path.join(directory, "chroma.sqlite3"))
        files = grower_dashboard(directory)
        metadata = auditor(directory)
        assert metadata == {"unit": "celsius", "checked_by": "dashboard"}
        print("raw files of the days most like a heat wave:", ", ".join(files))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
