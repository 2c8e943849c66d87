"""Stream a seed bank's CSV into a collection with generators, never holding the file in memory.

Reading, cleaning, embedding and writing are generators plugged into one another.  Bad lines go to a
report with their line number, and repeated accessions are settled within a batch (the last one wins)
because one call must not name an id twice.
"""
import csv
import math
import tempfile
from itertools import islice
from pathlib import Path

import chromadb

HEADER = ["accession", "species", "lat", "lon", "collected", "seeds"]


def batched(iterable, size):
    """Lists of up to ``size`` items.  (itertools.batched came with Python 3.12.)"""
    iterator = iter(iterable)
    while chunk := list(islice(iterator, size)):
        yield chunk


def read_rows(path):
    """(line number, dict) for every line of the file."""
    with open(path, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        if reader.fieldnames != HEADER:
            raise ValueError(f"unexpected columns {reader.fieldnames}")
        for row in reader:
            yield reader.line_num, row


def clean(rows, problems):
    """Well-formed records only; the rest is written to ``problems``."""
    for line, row in rows:
        try:
            lat, lon = float(row["lat"]), float(row["lon"])
            if not (-90 <= lat <= 90 and -180 <= lon <= 180):
                raise ValueError(f"position {lat}, {lon}")
            if not row["accession"].strip():
                raise ValueError("no accession number")
            yield {
                "id": row["accession"].strip().upper(),
                "species": row["species"].strip(),
                "lat": lat,
                "lon": lon,
                "year": int(row["collected"][:4]),
                "seeds": int(row["seeds"] or 0),
            }
        except (ValueError, TypeError, AttributeError) as error:
            problems.append((line, str(error)))


def as_columns(records):
    """One batch of records as keyword arguments for upsert()."""
    unique = {record["id"]: record for record in records}  # later lines replace earlier ones
    records = list(unique.values())
    return {
        "ids": [record["id"] for record in records],
        "documents": [f"{record['species']}, {record['seeds']} seeds" for record in records],
        "embeddings": [habitat(record["lat"], record["lon"]) for record in records],
        "metadatas": [
            {key: record[key] for key in ("species", "lat", "lon", "year", "seeds")} for record in records
        ],
    }


def habitat(lat, lon):
    """Where it grew, as a direction from the centre of the earth: near places, near vectors."""
    phi, lam = math.radians(lat), math.radians(lon)
    return [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]


def ingest(path, collection, batch_size):
    """Returns (records written, calls made, problems)."""
    problems, written, calls = [], 0, 0
    for batch in batched(clean(read_rows(path), problems), batch_size):
        columns = as_columns(batch)
        collection.upsert(**columns)
        written += len(columns["ids"])
        calls += 1
    return written, calls, problems


def write_sample(path, count=400):
    """A file as seed banks have them: mostly fine."""
    genera = ["Papaver", "Quercus", "Adonis", "Salvia", "Crocus"]
    with open(path, "w", newline="", encoding="utf-8") as handle:
        out = csv.writer(handle)
        out.writerow(HEADER)
        for n in range(count):
            lat, lon = 30 + 30 * math.sin(n * 0.7), 20 + 40 * math.cos(n * 0.3)
            species, day = f"{genera[n % 5]} sp.{n % 11}", f"{1950 + n % 70}-05-01"
            out.writerow([f"sb-{n:04d}", species, round(lat, 3), round(lon, 3), day, n * 3])
        out.writerow(["sb-0399", "Papaver rhoeas, recounted", 48.1, 11.6, "2019-07-02", "77"])  # again, same batch
        out.writerow(["SB-0003 ", "Salvia pratensis, recounted", 47.0, 9.5, "2001-06-30", ""])  # again, much later
        out.writerow(["sb-9001", "Crocus", "north", 10, "2000-01-01", 5])
        out.writerow(["sb-9002", "Crocus", 95.0, 10, "2000-01-01", 5])
        out.writerow(["", "Adonis", 40.0, 10, "2000-01-01", 5])
        out.writerow(["sb-9003", "Adonis", 40.0, 10, "", 5])
        out.writerow(["sb-9004", "too short"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "accessions.csv"
        write_sample(source)

        client = chromadb.PersistentClient(path=str(Path(folder) / "db"))
        seeds = client.get_or_create_collection("seed_accessions", embedding_function=None)
        size = min(128, client.get_max_batch_size())

        written, calls, problems = ingest(source, seeds, size)
        assert calls == math.ceil(402 / size)
        assert written == 401, "the accession that stands twice in one batch is written once"
        assert seeds.count() == 400
        assert [line for line, _ in problems] == [404, 405, 406, 407, 408]

        # The later line won, both within a batch and across batches.
        twice = seeds.get(ids=["SB-0399", "SB-0003"], include=["metadatas"])
        facts = dict(zip(twice["ids"], twice["metadatas"]))
        assert facts["SB-0399"]["seeds"] == 77 and facts["SB-0003"]["species"].endswith("recounted")

        # The whole file again: upsert() makes a second run harmless.
        assert ingest(source, seeds, size)[0] == 401 and seeds.count() == 400

        # Old poppies near Munich, with enough seeds to give some away.
        found = seeds.query(
            query_embeddings=habitat(48.1, 11.6),
            n_results=3,
            where={"$and": [{"seeds": {"$gte": 50}}, {"year": {"$lte": 2020}}]},
        )
        assert found["ids"][0][0] == "SB-0399"

    print(f"{written} records in {calls} calls, {len(problems)} lines set aside")
    for line, why in problems:
        print(f"  line {line}: {why}")
    print("nearest to Munich:", "; ".join(found["documents"][0]))


if __name__ == "__main__":
    main()
