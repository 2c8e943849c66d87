"""Copy every collection of an embedded database to a Chroma server, batch by batch, and verify the copy.

The moment an application gets a second process, its PersistentClient has to become a server: two processes must
not open the same folder. Pointing `chroma run --path` at the folder is one way; copying through two clients is
the other, and works between machines, tenants and versions alike.
"""
from __future__ import annotations

import contextlib
import math
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import chromadb
import numpy as np
from chromadb.api.models.Collection import Collection
from chromadb.utils.embedding_functions import register_embedding_function

BATCH = 40


@register_embedding_function
class CropCalendar(chromadb.EmbeddingFunction[chromadb.Documents]):
    """Months named in a text as points on a circle, so that December and January are neighbours."""

    MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()

    def __init__(self) -> None:
        self._angles = {m: 2 * math.pi * i / 12 for i, m in enumerate(self.MONTHS)}

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        rows = []
        for text in input:
            found = [a for m, a in self._angles.items() if m in text.lower()] or [0.0]
            rows.append([sum(map(math.cos, found)), sum(map(math.sin, found)), len(found) / 12])
        return rows

    @staticmethod
    def name() -> str:
        return "crop-calendar"

    def get_config(self) -> dict:
        return {}

    @staticmethod
    def build_from_config(config: dict) -> "CropCalendar":
        return CropCalendar()


@dataclass
class Copied:
    name: str
    records: int
    batches: int


def copy_collection(source: Collection, destination: chromadb.ClientAPI, batch: int) -> Copied:
    hnsw = source.configuration_json["hnsw"]
    config = {"hnsw": {key: hnsw[key] for key in ("space", "ef_construction", "max_neighbors", "ef_search")}}
    stored = source.configuration_json["embedding_function"]
    target = destination.get_or_create_collection(
        name=source.name,
        metadata=source.metadata,
        configuration=config,
        # Collections filled with ready-made vectors have no function to hand on.
        embedding_function=CropCalendar() if stored and stored.get("name") == "crop-calendar" else None,
    )
    batches = 0
    total = source.count()
    for offset in range(0, total, batch):
        page = source.get(
            limit=batch, offset=offset, include=["embeddings", "documents", "metadatas", "uris"]
        )
        # upsert rather than add: a second run repairs a half-finished first one.
        target.upsert(
            ids=page["ids"],
            embeddings=page["embeddings"],
            documents=page["documents"],
            # A record without metadata may be read as {} but must be written as None.
            metadatas=[metadata or None for metadata in page["metadatas"]],
            uris=page["uris"],
        )
        batches += 1
    return Copied(source.name, total, batches)


def differences(source: Collection, target: Collection) -> list[str]:
    """Compare ids, texts, metadata and vectors.

    Vectors of a cosine collection are stored normalised and scaled back, which costs the last digit: so they are
    compared with a tolerance.
    """
    fields = ["embeddings", "documents", "metadatas"]
    a, b = source.get(include=fields), target.get(include=fields)
    order_a, order_b = np.argsort(a["ids"]), np.argsort(b["ids"])
    if [a["ids"][i] for i in order_a] != [b["ids"][i] for i in order_b]:
        return ["ids differ"]
    found = []
    for field in fields[1:]:
        if [a[field][i] or None for i in order_a] != [b[field][i] or None for i in order_b]:
            found.append(f"{field} differ")
    if not np.allclose(a["embeddings"][order_a], b["embeddings"][order_b], rtol=1e-5, atol=1e-6):
        found.append("embeddings differ")
    return found


def seed(client: chromadb.ClientAPI) -> None:
    crops = client.create_collection("crops", embedding_function=CropCalendar(), metadata={"region": "Emilia"})
    plants = ["wheat", "tomato", "grape", "garlic", "melon"]
    months = CropCalendar.MONTHS
    crops.add(
        ids=[f"{p}-{m}" for p in plants for m in months],
        documents=[f"sow {p} in {m}, harvest in {months[(i + 5) % 12]}" for p in plants for i, m in enumerate(months)],
        metadatas=[{"plant": p, "month": i + 1} for p in plants for i in range(12)],
    )
    fields = client.create_collection(
        "fields", configuration={"hnsw": {"space": "ip", "max_neighbors": 8}}, embedding_function=None
    )
    fields.add(ids=["north", "south"], embeddings=[[0.1, 0.9], [0.8, 0.2]], uris=["map://n", "map://s"])


@contextlib.contextmanager
def throwaway_server():
    folder = tempfile.mkdtemp(suffix="-chroma")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    binary = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
    child = subprocess.Popen([binary, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = None
        until = time.monotonic() + 60
        while client is None:
            if time.monotonic() > until:
                raise TimeoutError("server did not start")
            try:
                client = chromadb.HttpClient(host="127.0.0.1", port=port)
            except ValueError:
                time.sleep(0.1)
        yield client
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with chromadb.PersistentClient(path=folder) as disk:
            seed(disk)
            with throwaway_server() as server:
                batch = min(BATCH, disk.get_max_batch_size(), server.get_max_batch_size())
                for attempt in ("copied", "checked"):
                    for collection in disk.list_collections():
                        print(attempt, copy_collection(collection, server, batch))
                assert server.count_collections() == disk.count_collections() == 2

                for collection in disk.list_collections():
                    twin = server.get_collection(collection.name, embedding_function=None)
                    assert differences(collection, twin) == []
                    assert twin.metadata == collection.metadata
                    assert twin.configuration_json["hnsw"]["space"] == collection.configuration_json["hnsw"]["space"]

                # The function went along by name and config: texts can be asked at the new place.
                hits = server.get_collection("crops").query(
                    query_texts=["in the ground by mar, off it by aug"], n_results=5, include=["metadatas"]
                )
                assert {m["month"] for m in hits["metadatas"][0]} == {3}, hits
                fields = server.get_collection("fields", embedding_function=None)
                assert fields.get("north", include=["uris"])["uris"] == ["map://n"]

                # And the check would notice: one changed record on the server is found.
                server.get_collection("crops").update(ids=["grape-mar"], metadatas=[{"month": 4}])
                spoiled = server.get_collection("crops")
                assert differences(disk.get_collection("crops"), spoiled) == ["metadatas differ"]
                print("verification found the record that was changed afterwards")


if __name__ == "__main__":
    main()
