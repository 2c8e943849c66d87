"""Run the search behind a museum's audio guide on a Chroma server: publish stops as one tenant, ask in several languages."""
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time

import chromadb
from chromadb.config import Settings

# A tiny interlingua: words of three languages share an axis.
AXES = [
    {"knight", "ritter", "chevalier", "armour", "rüstung", "armure"},
    {"ship", "schiff", "navire", "harbour", "hafen", "port"},
    {"portrait", "porträt", "queen", "königin", "reine"},
    {"coin", "münze", "monnaie", "silver", "silber", "argent"},
    {"loom", "webstuhl", "métier", "wool", "wolle", "laine"},
]


def embed(text):
    words = {w.strip(".,?!").lower() for w in text.split()}
    return [len(words & axis) + 0.01 for axis in AXES]


@contextlib.contextmanager
def chroma_server(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    executable = os.path.join(os.path.dirname(sys.executable), "chroma")
    process = subprocess.Popen(
        [executable, "run", "--path", data_dir, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + 150
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the Chroma server did not come up")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def create_museum(port):
    """Tenants and databases are made over the wire with an admin client."""
    admin = chromadb.AdminClient(
        Settings(
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host="127.0.0.1",
            chroma_server_http_port=port,
        )
    )
    admin.create_tenant("city-museum")
    admin.create_database("audio-guide", tenant="city-museum")
    assert admin.get_tenant("city-museum")["name"] == "city-museum"
    assert [d["name"] for d in admin.list_databases(tenant="city-museum")] == ["audio-guide"]


def connect(port):
    return chromadb.HttpClient(
        host="127.0.0.1",
        port=port,
        ssl=False,
        headers={"User-Agent": "audio-guide/2.3"},
        settings=Settings(anonymized_telemetry=False),
        tenant="city-museum",
        database="audio-guide",
    )


STOPS = [
    (101, "en", 1, "The armour of a knight from 1520.", "guide/en/101.mp3"),
    (101, "de", 1, "Die Rüstung, getragen von einem Ritter um 1520.", "guide/de/101.mp3"),
    (214, "en", 2, "A ship in the old harbour.", "guide/en/214.mp3"),
    (214, "fr", 2, "Un navire dans le vieux port.", "guide/fr/214.mp3"),
    (305, "de", 3, "Das Porträt der Königin.", "guide/de/305.mp3"),
    (412, "en", 4, "A silver coin hoard, found in 1903.", "guide/en/412.mp3"),
]


def main():
    with tempfile.TemporaryDirectory() as data_dir, chroma_server(data_dir) as port:
        create_museum(port)
        client = connect(port)
        assert client.heartbeat() > 0
        print("server", client.get_version(), "takes batches of", client.get_max_batch_size())

        stops = client.get_or_create_collection(
            name="stops",
            configuration={"hnsw": {"space": "cosine", "ef_search": 50}},
            metadata={"exhibition": "permanent"},
            embedding_function=None,
        )
        stops.upsert(
            ids=[f"{number}-{lang}" for number, lang, *_ in STOPS],
            embeddings=[embed(s[3]) for s in STOPS],
            documents=[s[3] for s in STOPS],
            metadatas=[{"stop": s[0], "lang": s[1], "floor": s[2]} for s in STOPS],
            uris=[s[4] for s in STOPS],
        )

        # A French visitor asks, and gets whatever language there is.
        heard = stops.query(query_embeddings=[embed("Où est le chevalier?")], n_results=2, include=["uris", "metadatas"])
        assert {m["stop"] for m in heard["metadatas"][0]} == {101}
        assert heard["uris"][0][0].endswith("101.mp3")

        # A German visitor wants German recordings on the lower floors only.
        german = stops.query(
            query_embeddings=[embed("Schiff im Hafen"), embed("Wo hängt die Königin?")],
            n_results=1,
            where={"$and": [{"lang": "de"}, {"floor": {"$lte": 3}}]},
            include=["documents"],
        )
        assert german["ids"][1] == ["305-de"]

        # A stop moves to another room, and its text with it.
        stops.update(
            ids=["412-en"],
            embeddings=[embed("A silver coin hoard and a portrait of the queen.")],
            documents=["A silver coin hoard and a portrait of the queen."],
            metadatas=[{"floor": 3}],
        )
        third_floor = stops.get(where={"floor": 3}, where_document={"$contains": "queen"}, include=["documents"])
        assert third_floor["ids"] == ["412-en"]

        # Other clients of the same server do not see the museum's collections.
        stranger = chromadb.HttpClient(host="127.0.0.1", port=port)
        assert stranger.count_collections() == 0
        assert client.count_collections() == 1

        untranslated = stops.get(where={"lang": {"$nin": ["en", "fr"]}}, include=["uris"])
        print("German recordings:", sorted(untranslated["uris"]))
        assert len(untranslated["ids"]) == 2
        client.delete_collection("stops")


if __name__ == "__main__":
    main()
