"""Export a collection of court rulings to JSON Lines and load it into another database, with a checksum at the end.

One header line (name, metadata, configuration), one line per record, one trailer line (count, digest). The file
can be diffed, compressed, streamed and read by anything; floats are written with the shortest digits that give
the same float32 back. (A cosine collection normalises what it stores, so there the last digit may differ.)
"""

import argparse
import gzip
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import IO, Iterator

import chromadb
import numpy as np

FORMAT = "chroma-jsonl/1"
PAGE = 25


class DamagedDump(Exception):
    pass


def _open(path: Path, mode: str) -> IO[str]:
    return gzip.open(path, mode + "t", encoding="utf-8") if path.suffix == ".gz" else path.open(mode, encoding="utf-8")


def _line(payload: dict) -> str:
    # Sorted keys and fixed separators: equal records give equal lines, so dumps can be compared.
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _float32(value: np.float32) -> float:
    """The short decimal of a float32 (0.1, not 0.10000000149011612)."""
    return float(str(value))


def records(collection) -> Iterator[dict]:
    for offset in range(0, collection.count(), PAGE):
        page = collection.get(
            limit=PAGE, offset=offset, include=["embeddings", "documents", "metadatas", "uris"]
        )
        vectors = page["embeddings"].astype(np.float32)
        for index, key in enumerate(page["ids"]):
            yield {
                "id": key,
                "embedding": [_float32(x) for x in vectors[index]],
                "document": page["documents"][index],
                "metadata": page["metadatas"][index] or None,
                "uri": page["uris"][index],
            }


def dump(collection, path: Path) -> int:
    digest, count = hashlib.sha256(), 0
    with _open(path, "w") as out:
        header = {
            "format": FORMAT,
            "name": collection.name,
            "metadata": collection.metadata,
            "hnsw": {"space": collection.configuration_json["hnsw"]["space"]},
        }
        print(_line(header), file=out)
        for record in records(collection):
            line = _line(record)
            digest.update(line.encode())
            print(line, file=out)
            count += 1
        print(_line({"end": True, "records": count, "sha256": digest.hexdigest()}), file=out)
    return count


def load(client, path: Path, name: str | None = None):
    """Create a collection from a dump. A damaged file leaves nothing behind."""
    with _open(path, "r") as lines:
        header = json.loads(next(lines))
        if header.get("format") != FORMAT:
            raise DamagedDump(f"{path.name}: format {header.get('format')!r}")
        collection = client.create_collection(
            name or header["name"],
            metadata=header["metadata"],
            configuration={"hnsw": header["hnsw"]},
            embedding_function=None,
        )
        try:
            _fill(collection, lines, path)
        except BaseException:
            client.delete_collection(collection.name)
            raise
        return collection


def _fill(collection, lines, path):
    digest, count, batch = hashlib.sha256(), 0, []
    for raw in lines:
        line = raw.rstrip("\n")
        record = json.loads(line)
        if record.get("end"):
            _flush(collection, batch)
            if (record["records"], record["sha256"]) != (count, digest.hexdigest()):
                raise DamagedDump(f"{path.name}: checksum or count do not match")
            return
        digest.update(line.encode())
        count += 1
        batch.append(record)
        if len(batch) == PAGE:
            _flush(collection, batch)
            batch = []
    raise DamagedDump(f"{path.name}: ends after {count} records, without a trailer")


def _flush(collection, batch):
    if batch:
        collection.add(
            ids=[r["id"] for r in batch],
            embeddings=[r["embedding"] for r in batch],
            documents=[r["document"] for r in batch],
            metadatas=[r["metadata"] for r in batch],
            uris=[r["uri"] for r in batch] if all(r["uri"] for r in batch) else None,
        )


def self_test() -> None:
    rng = np.random.default_rng(1804)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with chromadb.PersistentClient(path=root / "a") as source:
            rulings = source.create_collection(
                "rulings", metadata={"court": "Conseil d'État"}, configuration={"hnsw": {"space": "l2"}},
                embedding_function=None,
            )
            n = 60
            rulings.add(
                ids=[f"r{i:03d}" for i in range(n)],
                embeddings=rng.normal(size=(n, 5)).astype(np.float32),
                documents=[f"Décision n° {i}\n« rejeté »" for i in range(n)],
                metadatas=[{"year": 1990 + i % 30, "tags": ["tax", "appeal"]} if i % 7 else None for i in range(n)],
            )
            assert dump(rulings, root / "rulings.jsonl") == n
            assert dump(rulings, root / "rulings.jsonl.gz") == n
            original = rulings.get(include=["embeddings", "documents", "metadatas"])

        with chromadb.PersistentClient(path=root / "b") as target:
            for file in ("rulings.jsonl", "rulings.jsonl.gz"):
                copy = load(target, root / file, name=file.replace("jsonl", "copy"))
                got = copy.get(include=["embeddings", "documents", "metadatas"])
                assert got["ids"] == original["ids"] and got["documents"] == original["documents"]
                assert [m or None for m in got["metadatas"]] == [m or None for m in original["metadatas"]]
                assert np.array_equal(got["embeddings"], original["embeddings"])
                assert copy.metadata == {"court": "Conseil d'État"}
                again = root / "again.jsonl"
                dump(copy, again)
                first, second = ((root / f).read_text("utf-8").splitlines() for f in ("rulings.jsonl", "again.jsonl"))
                assert first[1:] == second[1:]  # the headers differ: the copy has another name
            print(f"{n} rulings there and back, {(root / 'rulings.jsonl').stat().st_size} bytes, identical")

            text = (root / "rulings.jsonl").read_text("utf-8")
            damages = {
                "truncated": text[: len(text) // 2].rsplit("\n", 1)[0],
                "edited": text.replace("n° 7\\n", "n° 8\\n"),
            }
            for kind, content in damages.items():
                (root / "bad.jsonl").write_text(content, encoding="utf-8")
                try:
                    load(target, root / "bad.jsonl", name="bad")
                except DamagedDump as error:
                    print(f"{kind}: {error}")
                else:
                    raise AssertionError(kind)
                assert "bad" not in [c.name for c in target.list_collections()]


def main(argv: list[str]) -> None:
    if not argv:
        return self_test()
    parser = argparse.ArgumentParser(description="dump or load one collection")
    parser.add_argument("action", choices=["dump", "load"])
    parser.add_argument("database", type=Path)
    parser.add_argument("collection")
    parser.add_argument("file", type=Path)
    parser.add_argument("--tenant", default=chromadb.config.DEFAULT_TENANT)
    parser.add_argument("--in-database", default=chromadb.config.DEFAULT_DATABASE)
    args = parser.parse_args(argv)
    with chromadb.PersistentClient(
        path=args.database, tenant=args.tenant, database=args.in_database
    ) as client:
        if args.action == "dump":
            print(dump(client.get_collection(args.collection, embedding_function=None), args.file), "records")
        else:
            print(load(client, args.file, name=args.collection).count(), "records")


if __name__ == "__main__":
    main(sys.argv[1:])
