"""Switch one HttpClient between the tenants and databases of game studios with set_tenant and set_database.

Opening a connection per tenant is simplest; a batch job that visits hundreds of tenants may rather move one
client around. Collections that were opened before the switch keep pointing at where they came from.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import chromadb
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromadb.errors import ChromaError, NotFoundError

STUDIOS = {
    "pixelwerk": {"live": ["slimes", "castles"], "playtest": ["slimes-2"]},
    "owl-and-oak": {"live": ["detective"]},
}


@contextmanager
def server():
    root = Path(tempfile.mkdtemp())
    log = (root / "log.txt").open("wb")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen(
        f"{Path(sys.executable).parent / 'chroma'} run --path {root / 'db'} --host 127.0.0.1 --port {port}".split(),
        stdout=log, stderr=log,
    )
    try:
        for _ in range(1200):
            if process.poll() is not None:
                raise RuntimeError((root / "log.txt").read_text())
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
        log.close()
        shutil.rmtree(root, ignore_errors=True)


def admin_for(port):
    """An AdminClient over HTTP takes its address from Settings."""
    return chromadb.AdminClient(
        settings=Settings(
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host="127.0.0.1",
            chroma_server_http_port=port,
        )
    )


def provision(admin):
    for studio, databases in STUDIOS.items():
        admin.create_tenant(name=studio)
        for database in databases:
            admin.create_database(name=database, tenant=studio)


def visit_all(client):
    """Yields (studio, database, client) with the client moved there; puts it back at the end."""
    home = client.tenant, client.database
    try:
        for studio, databases in STUDIOS.items():
            for number, database in enumerate(databases):
                if number == 0:
                    client.set_tenant(tenant=studio, database=database)
                else:
                    client.set_database(database=database)
                yield studio, database, client
    finally:
        client.set_tenant(*home)


def main():
    with server() as port:
        admin = admin_for(port)
        provision(admin)
        client = chromadb.HttpClient(host="127.0.0.1", port=port)
        assert (client.tenant, client.database) == (DEFAULT_TENANT, DEFAULT_DATABASE)

        for studio, database, here in visit_all(client):
            for game in STUDIOS[studio][database]:
                levels = here.create_collection("levels-" + game, embedding_function=None)
                levels.add(
                    ids=[f"{game}-{n}" for n in range(3)],
                    embeddings=[[n / 3, 1 - n / 3, len(game) / 10] for n in range(3)],
                    documents=[f"{game}, level {n}" for n in range(3)],
                )
        assert client.tenant == DEFAULT_TENANT and client.count_collections() == 0

        census = {f"{s}/{d}": sorted(c.name for c in here.list_collections()) for s, d, here in visit_all(client)}
        for place, names in census.items():
            print(f"{place:<20} {', '.join(names)}")
        assert census["pixelwerk/live"] == ["levels-castles", "levels-slimes"]
        assert census["owl-and-oak/live"] == ["levels-detective"]

        # A handle stays where it was opened.
        client.set_tenant("pixelwerk", "live")
        slimes = client.get_collection("levels-slimes", embedding_function=None)
        client.set_tenant("owl-and-oak", "live")
        assert (slimes.tenant, slimes.database) == ("pixelwerk", "live") and slimes.count() == 3
        try:
            client.get_collection("levels-slimes", embedding_function=None)
        except NotFoundError:
            print("owl-and-oak does not see the slimes")
        else:
            raise AssertionError("tenants must not share collections")

        # set_tenant() without a database means the default one, which a new tenant does not have.
        for wrong in (
            lambda: client.set_tenant("pixelwerk"),
            lambda: client.set_tenant("atari", "live"),
            lambda: client.set_database("playtest"),
        ):
            try:
                wrong()
            except NotFoundError as error:
                print("refused:", error)
            else:
                raise AssertionError("there is no such place")
        assert (client.tenant, client.database) == ("owl-and-oak", "live"), "a refused switch leaves the client put"

        # The same place, bound from the start.
        direct = chromadb.HttpClient(host="127.0.0.1", port=port, tenant="pixelwerk", database="playtest")
        hit = direct.get_collection("levels-slimes-2", embedding_function=None).query(
            query_embeddings=[[0.7, 0.3, 0.8]], n_results=1
        )
        assert hit["ids"] == [["slimes-2-2"]]

        # The playtest is over.
        admin.delete_database(name="playtest", tenant="pixelwerk")
        left = [database["name"] for database in admin.list_databases(limit=10, offset=0, tenant="pixelwerk")]
        assert left == ["live"] and admin.get_tenant(name="pixelwerk")["name"] == "pixelwerk"
        try:
            admin.create_tenant("pixelwerk")
        except ChromaError as error:
            print("and:", error)
        else:
            raise AssertionError("a second tenant of the same name")


if __name__ == "__main__":
    main()
