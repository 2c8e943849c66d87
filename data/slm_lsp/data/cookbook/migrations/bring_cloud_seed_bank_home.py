"""Copy a seed bank's collections from Chroma Cloud to a folder on the station's own disk, page by page.

A polar station loses its link for months, so before winter everything comes home: vectors, labels and the settings of
each collection. What came over is compared with what was asked for before anybody unplugs anything. Here a server on
loopback plays the cloud.
"""

import argparse
import atexit
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import chromadb
import httpx

PAGE = 40


def open_cloud(args):
    return chromadb.CloudClient(
        tenant=args.tenant,
        database=args.database,
        api_key=args.api_key,
        settings=chromadb.Settings(anonymized_telemetry=False),
        cloud_host=args.cloud_host,
        cloud_port=args.cloud_port,
        enable_ssl=not args.plain_http,
    )


def open_disk(args) -> chromadb.ClientAPI:
    return chromadb.PersistentClient(
        path=args.target,
        settings=chromadb.Settings(anonymized_telemetry=False, allow_reset=False),
        tenant=chromadb.DEFAULT_TENANT,
        database=chromadb.DEFAULT_DATABASE,
    )


def carry(source: chromadb.Collection, disk: chromadb.ClientAPI) -> int:
    """Copy one collection and return its number of records. Running it twice does no harm: it upserts."""
    space = source.configuration_json["hnsw"]["space"]
    target = disk.get_or_create_collection(
        name=source.name,
        configuration={"hnsw": {"space": space, "ef_search": 200}},  # small and local: search it thoroughly
        metadata={**(source.metadata or {}), "came_from": str(source.id)},
        embedding_function=None,  # the vectors travel; nothing is embedded anew
    )
    offset = 0
    while True:
        page = source.get(limit=PAGE, offset=offset, include=["embeddings", "documents", "metadatas"])
        if not page["ids"]:
            return offset
        target.upsert(
            ids=page["ids"],
            embeddings=page["embeddings"],
            documents=page["documents"],
            metadatas=page["metadatas"],
        )
        offset += len(page["ids"])


def differences(source, target) -> list[str]:
    """What is not the same on both sides, in words."""
    found = []
    # get_model is the record as the database keeps it; dimension is None until the first vector arrives.
    here, there = target.get_model(), source.get_model()
    if here.dimension != there.dimension:
        found.append(f"{source.name}: {there.dimension} dimensions became {here.dimension}")
    if target.count() != source.count():
        found.append(f"{source.name}: {source.count()} records became {target.count()}")
    sample = source.peek(limit=5)
    if not sample["ids"]:
        return found  # an empty drawer has nothing to compare
    copy = target.get(ids=sample["ids"], include=["embeddings", "metadatas"])
    by_id = dict(zip(copy["ids"], zip(copy["metadatas"], copy["embeddings"])))
    for key, metadata, vector in zip(sample["ids"], sample["metadatas"], sample["embeddings"]):
        if key not in by_id or by_id[key][0] != metadata or abs(by_id[key][1] - vector).max() > 1e-6:
            found.append(f"{source.name}: {key} differs")
    return found


def fill(cloud: chromadb.ClientAPI):
    """Ninety accessions and an empty drawer, as the cloud has them."""
    seeds = cloud.create_collection(
        "accessions", configuration={"hnsw": {"space": "l2"}}, metadata={"vault": "north"}, embedding_function=None
    )
    species = ["rye", "barley", "flax"]
    seeds.add(
        ids=[f"acc-{n:03}" for n in range(90)],
        # grain weight in mg, days to germinate, year of the harvest less 2000
        embeddings=[[30.0 + n % 7, 4.0 + n % 5, 10.0 + n // 9] for n in range(90)],
        documents=[f"{species[n % 3]}, lot {n // 3}" for n in range(90)],
        metadatas=[{"species": species[n % 3], "viable": n % 10 != 0} for n in range(90)],
    )
    cloud.create_collection("to_be_sorted", embedding_function=None)


def start_stand_in() -> int:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    program = pathlib.Path(sys.executable).parent / "chroma"
    server = subprocess.Popen(
        [str(program), "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
    )
    atexit.register(server.wait)
    atexit.register(server.terminate)  # the last registered runs first
    until = time.time() + 120
    while time.time() < until:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat").raise_for_status() and port
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the stand-in for the cloud did not start")


def main(argv=None):
    parser = argparse.ArgumentParser(description="Bring the seed bank home.")
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--tenant", default=chromadb.DEFAULT_TENANT)
    parser.add_argument("--database", default=chromadb.DEFAULT_DATABASE)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--cloud-host", default="api.trychroma.com")
    parser.add_argument("--cloud-port", type=int, default=443)
    parser.add_argument("--plain-http", action="store_true", help="for rehearsals")
    args = parser.parse_args(argv)

    cloud, disk = open_cloud(args), open_disk(args)
    if "--plain-http" in (argv or []):
        fill(cloud)
    moved = {source.name: carry(source, disk) for source in cloud.list_collections()}
    problems = [
        problem
        for source in cloud.list_collections()
        for problem in differences(source, disk.get_collection(source.name, embedding_function=None))
    ]
    disk.close()
    cloud.close()
    return moved, problems


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as station:
        arguments = [station, "--api-key", "ck-polar", "--cloud-host", "127.0.0.1"]
        moved, problems = main([*arguments, "--cloud-port", str(start_stand_in()), "--plain-http"])
        assert moved == {"accessions": 90, "to_be_sorted": 0} and not problems, problems

        # The link is down now; the station works on.
        offline = chromadb.PersistentClient(path=station, settings=chromadb.Settings(anonymized_telemetry=False))
        vault = offline.get_collection("accessions", embedding_function=None)
        assert vault.metadata["vault"] == "north" and vault.configuration_json["hnsw"]["space"] == "l2"
        nearest = vault.query(
            query_embeddings=[[33.0, 5.0, 12.0]],
            n_results=3,
            where={"$and": [{"species": "flax"}, {"viable": True}]},
            include=["documents"],
        )
        assert len(nearest["ids"][0]) == 3 and all("flax" in text for text in nearest["documents"][0])
        print("brought home:", moved, "| flax to sow:", nearest["documents"][0])
        offline.close()
