"""Dump a Chroma collection to a JSON Lines file and restore it elsewhere, batch by batch, with a verifying checksum.

The first line is a header (name, configuration, metadata, count), each further line one record, the last line a
digest.  Vectors travel as base64 of little-endian float32: exact, and a third of the size of decimal text.
"""
import argparse
import base64
import gzip
import hashlib
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterable, Iterator, TextIO

import chromadb
import numpy as np
from chromadb.errors import NotFoundError
from rich.progress import Progress

FORMAT = 1


class DumpError(Exception):
    """The file cannot be restored as it is."""


def encode_vector(vector: np.ndarray) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def decode_vector(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def open_text(path: Path, mode: str) -> TextIO:
    return gzip.open(path, mode + "t", encoding="utf-8") if path.suffix == ".gz" else path.open(mode, encoding="utf-8")


def records(collection: chromadb.Collection, page: int) -> Iterator[dict[str, Any]]:
    """All records; only what is set is written, so absent documents and metadata stay absent after a restore."""
    for offset in itertools.count(0, page):
        rows = collection.get(limit=page, offset=offset, include=["embeddings", "documents", "metadatas", "uris"])
        if not rows["ids"]:
            return
        for i, rid in enumerate(rows["ids"]):
            record: dict[str, Any] = {"id": rid, "v": encode_vector(rows["embeddings"][i])}
            for key, column in (("d", "documents"), ("m", "metadatas"), ("u", "uris")):
                if rows[column][i] is not None:
                    record[key] = rows[column][i]
            yield record


def dump(collection: chromadb.Collection, path: Path, page: int = 100) -> int:
    hnsw = collection.configuration_json.get("hnsw") or {}
    header = {
        "format": FORMAT,
        "name": collection.name,
        # Only what a new collection may be created with; the rest are defaults of the version that wrote it.
        "hnsw": {k: hnsw[k] for k in ("space", "ef_construction", "ef_search", "max_neighbors") if k in hnsw},
        "metadata": collection.metadata,
        "count": collection.count(),
    }
    digest, written = hashlib.sha256(), 0
    with open_text(path, "w") as out:
        out.write(json.dumps(header) + "\n")
        for record in records(collection, page):
            line = json.dumps(record, ensure_ascii=False, sort_keys=True)
            digest.update(line.encode())
            out.write(line + "\n")
            written += 1
        out.write(json.dumps({"sha256": digest.hexdigest()}) + "\n")
    return written


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def verify(path: Path) -> dict[str, Any]:
    """Read the file once without touching a database; returns its header."""
    digest, count, last = hashlib.sha256(), 0, None
    with open_text(path, "r") as source:
        header = json.loads(next(source))
        if header.get("format") != FORMAT:
            raise DumpError(f"unknown format {header.get('format')!r}")
        for line in source:
            if last is not None:
                digest.update(last.encode())
                count += 1
            last = line.rstrip("\n")
    if last is None or json.loads(last).get("sha256") != digest.hexdigest() or count != header["count"]:
        raise DumpError(f"{path.name} is damaged or incomplete ({count} of {header['count']} records)")
    return header


def restore(client: chromadb.ClientAPI, path: Path, name: str | None = None, overwrite: bool = False) -> chromadb.Collection:
    header = verify(path)
    name = name or header["name"]
    existing = {c.name for c in client.list_collections()}
    if name in existing and not overwrite:
        raise DumpError(f"collection {name!r} exists; use --overwrite")
    # Fill a collection under a temporary name and swap at the end: a restore that fails half way harms nothing.
    interim = f"{name}.restoring"
    if interim in existing:
        client.delete_collection(interim)
    target = client.create_collection(name=interim, configuration={"hnsw": header["hnsw"]}, metadata=header["metadata"])

    with open_text(path, "r") as source, Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(name, total=header["count"])
        body = itertools.islice((json.loads(line) for line in source), 1, 1 + header["count"])
        for batch in chunks(body, min(client.get_max_batch_size(), 1000)):
            target.add(
                ids=[r["id"] for r in batch],
                embeddings=[decode_vector(r["v"]) for r in batch],
                documents=[r.get("d") for r in batch],
                metadatas=[r.get("m") for r in batch],
                uris=[r.get("u") for r in batch],
            )
            progress.advance(task, len(batch))
    if name in existing:
        client.delete_collection(name)
    target.modify(name=name)
    return target


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["dump", "restore", "verify"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--db", type=Path, default=Path("chroma"))
    parser.add_argument("--collection")
    parser.add_argument("--overwrite", action="store_true")
    args = parser.parse_args(argv)
    try:
        if args.action == "verify":
            print(json.dumps(verify(args.file)))
            return 0
        with chromadb.PersistentClient(path=args.db) as client:
            if args.action == "dump":
                print(dump(client.get_collection(args.collection), args.file), "records")
            else:
                print(restore(client, args.file, args.collection, args.overwrite).count(), "records")
    except (DumpError, NotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def selftest() -> None:
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        with chromadb.PersistentClient(path=folder / "old") as client:
            seeds = client.create_collection(
                "seed_bank", configuration={"hnsw": {"space": "ip", "ef_search": 64}}, metadata={"owner": "Kew"}
            )
            seeds.add(
                ids=[f"acc-{n}" for n in range(250)],
                embeddings=rng.normal(size=(250, 24)),
                documents=[f"Accession {n} – Käferbohne" if n % 2 else None for n in range(250)],
                metadatas=[{"viability": n / 250, "regions": ["alps", "jura"]} if n % 3 else None for n in range(250)],
            )
            before = seeds.query(query_embeddings=np.ones((1, 24)), n_results=7)
        backup = folder / "seeds.jsonl.gz"
        old, new = ["--db", str(folder / "old")], ["--db", str(folder / "new")]
        assert main(["dump", str(backup), "--collection", "seed_bank", *old]) == 0
        assert main(["dump", str(backup), "--collection", "sead_bank", *old]) == 1
        assert main(["verify", str(backup)]) == 0
        assert main(["restore", str(backup), *new]) == 0
        assert main(["restore", str(backup), *new]) == 1 and main(["restore", str(backup), "--overwrite", *new]) == 0

        with chromadb.PersistentClient(path=folder / "new") as client:
            copy = client.get_collection("seed_bank")
            after = copy.query(query_embeddings=np.ones((1, 24)), n_results=7)
            assert after["ids"] == before["ids"] and after["metadatas"] == before["metadatas"]
            assert copy.metadata == {"owner": "Kew"} and copy.configuration["hnsw"]["space"] == "ip"
            assert copy.get(ids=["acc-0"])["documents"] == [None]

        cut = folder / "cut.jsonl"
        with gzip.open(backup, "rt", encoding="utf-8") as whole:
            cut.write_text("".join(itertools.islice(whole, 100)), encoding="utf-8")
        assert main(["restore", str(cut), "--collection", "other", *new]) == 1


if __name__ == "__main__":
    selftest() if len(sys.argv) == 1 else sys.exit(main())
