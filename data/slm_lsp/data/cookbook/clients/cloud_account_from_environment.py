"""Open a bookshop's Chroma Cloud account as its environment says, rehearsed against a server on loopback.

CloudClient is an HttpClient that speaks TLS with api.trychroma.com, sends the API key along with every request and
asks the service whose key it is. Its three keyword-only arguments exist for rehearsals such as this one: the same
code, another address.
"""

import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

import chromadb
from chromadb.config import Settings
from chromadb.errors import ChromaAuthError

CLOUD = "https://api.trychroma.com"

# How much of (crime, romance, history, cooking) is in a book.
ARRIVALS = {
    "9780000000011": ("The Baker's Alibi", [0.9, 0.1, 0.0, 0.5], 14.90),
    "9780000000028": ("Letters to Avignon", [0.0, 0.9, 0.6, 0.0], 21.00),
    "9780000000035": ("Salt Roads", [0.1, 0.0, 0.9, 0.4], 32.50),
    "9780000000042": ("One Pan, Forty Suppers", [0.0, 0.0, 0.1, 1.0], 24.00),
    "9780000000059": ("Murder at the Archive", [0.8, 0.0, 0.7, 0.0], 12.50),
}


@dataclass(frozen=True)
class CloudAccount:
    """Where the shop's data lives, and the key to it."""

    api_key: str = field(repr=False)  # a dataclass in a log line must not give the key away
    tenant: str | None = None
    database: str | None = None
    url: str = CLOUD

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "CloudAccount":
        api_key = environment.get("CHROMA_API_KEY", "").strip()
        if not api_key:
            raise LookupError("set CHROMA_API_KEY; the dashboard of the database shows where to get one")
        return cls(
            api_key=api_key,
            tenant=environment.get("CHROMA_TENANT") or None,  # None: the tenant that the key belongs to
            database=environment.get("CHROMA_DATABASE") or None,
            url=environment.get("CHROMA_CLOUD_URL", CLOUD),
        )

    def connect(self) -> chromadb.ClientAPI:
        address = urlsplit(self.url)
        secure = address.scheme == "https"
        return chromadb.CloudClient(
            tenant=self.tenant,
            database=self.database,
            api_key=self.api_key,
            settings=Settings(anonymized_telemetry=False, chroma_http_keepalive_secs=20),
            cloud_host=address.hostname,
            cloud_port=address.port or (443 if secure else 80),
            enable_ssl=secure,
        )


@contextmanager
def rehearsal_stage() -> Iterator[str]:
    """The URL of a server that lives as long as the block."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    executable = Path(sysconfig.get_path("scripts"), "chroma")
    with tempfile.TemporaryDirectory(prefix="bookshop-") as folder:
        stage = subprocess.Popen(
            [executable, "run", "--path", folder, "--host", "127.0.0.1", f"--port={port}"], stdout=subprocess.DEVNULL
        )
        try:
            for _ in range(1200):
                with socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert stage.poll() is None, "the server gave up"
                time.sleep(0.1)
            else:
                raise TimeoutError(f"no server on port {port} after two minutes")
            yield f"http://127.0.0.1:{port}"
        finally:
            stage.terminate()
            stage.wait(timeout=30)


def put_on_display(client: chromadb.ClientAPI) -> chromadb.Collection:
    display = client.get_or_create_collection(
        name="new_arrivals",
        configuration={"hnsw": {"space": "cosine"}},
        metadata={"shop": "Harbour Street"},
        embedding_function=None,
    )
    display.upsert(
        ids=list(ARRIVALS),
        documents=[title for title, _, _ in ARRIVALS.values()],
        embeddings=[taste for _, taste, _ in ARRIVALS.values()],
        metadatas=[{"price": price} for _, _, price in ARRIVALS.values()],
    )
    return display


def main() -> None:
    try:
        CloudAccount.from_environment({"CHROMA_TENANT": "harbour-street"})
    except LookupError as error:
        print("without a key:", error)
    else:
        raise AssertionError("an account needs a key")

    with rehearsal_stage() as url:
        account = CloudAccount.from_environment({"CHROMA_API_KEY": "ck-rehearsal", "CHROMA_CLOUD_URL": url})
        assert "ck-rehearsal" not in repr(account)

        client = account.connect()
        # Nothing was said about tenant and database: the server's answer decided.
        identity = client.get_user_identity()
        assert (client.tenant, client.database) == (identity.tenant, identity.databases[0])
        print("the key opens", client.tenant, "/", client.database)

        display = put_on_display(client)
        hits = display.query(
            query_embeddings=[[1.0, 0.0, 0.3, 0.0]], n_results=2, where={"price": {"$lt": 20.0}}, include=["documents"]
        )
        assert hits["documents"] == [["Murder at the Archive", "The Baker's Alibi"]]
        print("crime under 20:", ", ".join(hits["documents"][0]))

        # A collection keeps the record it was opened with. The server learned the dimension from the first vector,
        # so only a collection opened since knows it.
        assert display.get_model().dimension is None
        model = client.get_collection("new_arrivals", embedding_function=None).get_model()
        assert model.dimension == 4
        assert (model.tenant, model.database) == (client.tenant, client.database)
        client.close()

        # A key of one tenant with the name of another is a slip in the deployment, and it is caught at once.
        mistaken = CloudAccount("ck-rehearsal", tenant="the-shop-next-door", url=url)
        try:
            mistaken.connect()
        except ChromaAuthError as error:
            assert "the-shop-next-door" in str(error)
            print("refused:", error)
        else:
            raise AssertionError("the tenant does not match the key")


if __name__ == "__main__":
    main()
