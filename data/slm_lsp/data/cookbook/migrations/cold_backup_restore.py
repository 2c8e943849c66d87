"""Back up a parish register's Chroma folder to a tar file while it is closed, restore it elsewhere, and verify.

A PersistentClient's folder is SQLite plus index files; copying it under a running writer may catch the two in
different states. So: close the client, copy, open again. A manifest with record counts goes into the archive,
and a restore is not finished before it has been checked against that.
"""
import io
import json
import sqlite3
import tarfile
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import chromadb

MANIFEST = "backup-manifest.json"


def manifest_of(client):
    return {
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "chromadb": client.get_version(),
        "collections": {
            collection.name: {
                "id": str(collection.id),
                "records": collection.count(),
                "space": collection.configuration_json["hnsw"]["space"],
            }
            for collection in client.list_collections()
        },
    }


def check_sqlite(folder):
    connection = sqlite3.connect(folder / "chroma.sqlite3")
    try:
        (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
    finally:
        connection.close()
    if verdict != "ok":
        raise RuntimeError(f"damaged database: {verdict}")


def backup(folder: Path, archive: Path) -> dict:
    """The folder must not be open in any process: we can only make sure that ours is closed."""
    with chromadb.PersistentClient(path=folder) as client:
        manifest = manifest_of(client)
    check_sqlite(folder)
    partial = archive.with_suffix(".partial")
    with tarfile.open(partial, "w:gz") as tar:
        payload = json.dumps(manifest, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(payload)
        tar.addfile(info, io.BytesIO(payload))
        tar.add(folder, arcname="chroma")
    partial.replace(archive)  # an archive under its final name is a complete one
    return manifest


def restore(archive: Path, folder: Path) -> dict:
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: restoring over data is never a good idea")
    staging = Path(tempfile.mkdtemp(dir=archive.parent))
    with tarfile.open(archive) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)  # from Python 3.11.4 on
        tar.extractall(staging)
    manifest = json.loads((staging / MANIFEST).read_text())
    if folder.exists():
        folder.rmdir()
    (staging / "chroma").rename(folder)
    (staging / MANIFEST).unlink()
    staging.rmdir()

    with chromadb.PersistentClient(path=folder) as client:
        found = manifest_of(client)["collections"]
    if found != manifest["collections"]:
        raise RuntimeError(f"restored {found}, expected {manifest['collections']}")
    return manifest


def write_register(folder):
    with chromadb.PersistentClient(path=folder) as client:
        baptisms = client.create_collection(
            "baptisms", configuration={"hnsw": {"space": "cosine", "sync_threshold": 50, "batch_size": 10}},
            embedding_function=None,
        )
        baptisms.add(
            ids=[f"b{year}-{n}" for year in range(1790, 1810) for n in range(6)],
            embeddings=[[(year - 1790) / 20, n / 6, 1.0] for year in range(1790, 1810) for n in range(6)],
            documents=[f"Entry {n} of {year}" for year in range(1790, 1810) for n in range(6)],
            metadatas=[{"year": year} for year in range(1790, 1810) for n in range(6)],
        )
        client.create_collection("marriages", embedding_function=None).add(
            ids=["m1"], embeddings=[[1.0, 0.0]], documents=["Anna Huber and Josef Lang"]
        )


def main():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        live, archive = root / "live", root / "register-2024.tar.gz"
        write_register(live)
        manifest = backup(live, archive)
        print(f"backed up {sum(c['records'] for c in manifest['collections'].values())} records,",
              f"{archive.stat().st_size // 1024} KiB")

        # Disaster: somebody runs a delete with too wide a filter.
        with chromadb.PersistentClient(path=live) as client:
            lost = client.get_collection("baptisms", embedding_function=None).delete(where={"year": {"$lt": 1805}})
            client.delete_collection(name="marriages")
        print(f"oh no: {lost['deleted']} entries deleted, and a whole collection")
        assert lost["deleted"] == 90

        try:
            restore(archive, live)
        except FileExistsError as error:
            assert "not empty" in str(error)
        else:
            raise AssertionError("restored over a live folder")
        restored = root / "restored"
        assert restore(archive, restored)["collections"] == manifest["collections"]

        with chromadb.PersistentClient(path=restored) as client:
            baptisms = client.get_collection("baptisms", embedding_function=None)
            assert baptisms.count() == 120
            assert str(baptisms.id) == manifest["collections"]["baptisms"]["id"], "ids survive: references still work"
            hit = baptisms.query(query_embeddings=[[0.0, 0.5, 1.0]], n_results=1, where={"year": 1790})
            assert hit["ids"] == [["b1790-3"]]
            assert client.get_collection("marriages", embedding_function=None).peek()["documents"] == [
                "Anna Huber and Josef Lang"
            ]

            # Only what was lost goes back into the live database, which has newer entries.
            missing = baptisms.get(where={"year": {"$lt": 1805}}, include=["embeddings", "documents", "metadatas"])
        with chromadb.PersistentClient(path=live) as client:
            target = client.get_collection("baptisms", embedding_function=None)
            target.add(
                ids=["b1810-0"], embeddings=[[1.0, 0.0, 1.0]], documents=["Entry 0 of 1810"], metadatas=[{"year": 1810}]
            )
            target.upsert(**{k: missing[k] for k in ("ids", "embeddings", "documents", "metadatas")})
            assert target.count() == 121
            print("live register repaired:", target.count(), "entries, the new one included")

        # A truncated archive never becomes a database.
        broken = root / "broken.tar.gz"
        broken.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
        try:
            restore(broken, root / "elsewhere")
        except (EOFError, tarfile.ReadError) as error:
            print("truncated archive refused:", type(error).__name__)
        else:
            raise AssertionError("half an archive was restored")
        assert not (root / "elsewhere").exists()


if __name__ == "__main__":
    main()
