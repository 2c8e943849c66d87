#!/usr/bin/env python
"""Command-line inventory of a Chroma server: one line per collection with its size, dimension, space and a sample record."""
import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from uuid import UUID

import chromadb

PAGE = 2


def iterate_collections(client, page=PAGE):
    total = client.count_collections()
    for start in range(0, total, page):
        yield from client.list_collections(limit=page, offset=start)


def summarise(collection):
    sample = collection.peek(limit=1)
    hnsw = collection.configuration_json.get("hnsw") or {}
    return {
        "id": str(collection.id),
        "name": collection.name,
        "records": collection.count(),
        "dimension": collection.get_model().dimension,
        "space": hnsw.get("space"),
        "owner": (collection.metadata or {}).get("owner", "-"),
        "sample": sample["documents"][0] if sample["ids"] else None,
    }


def report(host, port):
    client = chromadb.HttpClient(host=host, port=port)
    identity = client.get_user_identity()
    return {
        "version": client.get_version(),
        "max_batch_size": client.get_max_batch_size(),
        "tenant": identity.tenant,
        "collections": [summarise(c) for c in iterate_collections(client)],
    }


def show(client, collection_id, only=None, limit=5):
    """Print some records of the collection with this id; the id is what log lines of the server mention."""
    collection = client.get_collection_by_id(id=UUID(collection_id), embedding_function=None)
    records = collection.get(where=only, limit=limit, include=["documents", "metadatas"])
    for record_id, text, meta in zip(records["ids"], records["documents"], records["metadatas"]):
        print(f"  {record_id:10} {text!r:40} {meta}")
    return len(records["ids"])


def run_cli(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    options = parser.parse_args(argv)
    found = report(options.host, options.port)
    if options.json:
        print(json.dumps(found, indent=2))
        return found
    print(f"Chroma {found['version']}, tenant {found['tenant']}")
    for row in found["collections"]:
        print(f"{row['name']:<14}{row['records']:>5} x {row['dimension'] or '?':<4}{row['space']:<8}{row['owner']}")
    return found


def seed(port):
    """What other teams have left on the server."""
    client = chromadb.HttpClient(port=port, host="127.0.0.1")
    tickets = client.create_collection(
        "helpdesk", metadata={"owner": "it"}, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    tickets.add(
        ids=["t1", "t2", "t3"],
        embeddings=[[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        documents=["printer on fire", "password expired", "monitor flickers"],
        metadatas=[{"floor": 2}, {"floor": 5}, {"floor": 2}],
    )
    menu = client.create_collection("canteen", metadata={"owner": "kitchen"}, embedding_function=None)
    menu.add(ids=["mon"], embeddings=[[0.2, 0.8]], documents=["lentil soup"])
    client.create_collection("abandoned", embedding_function=None)
    return tickets


def main():
    with socket(AF_INET, SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).parent / "chroma", "run", "--path", folder, "--host", "127.0.0.1", "--port", f"{port}"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            for attempt in range(600):
                try:
                    chromadb.HttpClient(host="127.0.0.1", port=port).heartbeat()
                    break
                except Exception:
                    time.sleep(0.2)
            tickets = seed(port)

            found = run_cli(["--host", "127.0.0.1", "--port", str(port)])
            rows = {row["name"]: row for row in found["collections"]}
            assert set(rows) == {"helpdesk", "canteen", "abandoned"}
            assert rows["helpdesk"]["records"] == 3 and rows["helpdesk"]["dimension"] == 3
            assert rows["helpdesk"]["space"] == "cosine" and rows["canteen"]["space"] == "l2"
            assert rows["abandoned"]["sample"] is None

            client = chromadb.HttpClient(host="127.0.0.1", port=port)
            assert show(client, rows["helpdesk"]["id"], only={"floor": 2}) == 2

            # Housekeeping: what nobody owns and nobody filled is dropped.
            for row in found["collections"]:
                if row["owner"] == "-" and row["records"] == 0:
                    client.delete_collection(name=row["name"])
            assert client.count_collections() == 2
            answer = tickets.query(query_embeddings=[[0.9, 0.1, 0]], n_results=1)
            assert answer["documents"] == [["printer on fire"]]
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)


if __name__ == "__main__":
    main()
