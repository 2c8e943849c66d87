"""Tell a support engineer in one line why a Chroma Cloud connection fails: key, address, tenant or database.

`chromadb.CloudClient` talks to the service three times while it is constructed (identity, tenant, database), so every
mistake in a deployment shows right there, but as five kinds of exception. The doctor sorts them and says what to do.
A handful of canned answers on loopback plays the patient.
"""
import json
import os
import threading
from enum import Enum
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NamedTuple, Optional

import chromadb
from chromadb.config import Settings
from chromadb.errors import ChromaAuthError, ChromaError, NotFoundError


class Finding(Enum):
    HEALTHY = "connected"
    NO_KEY = "no API key: set CHROMA_API_KEY or pass api_key="
    MALFORMED_KEY = "the API key has characters that no key has: was it pasted with a line break?"
    UNREACHABLE = "nobody answers at that address: check the proxy and the firewall"
    KEY_REFUSED = "the service does not know this key: was it revoked?"
    WRONG_OWNER = "the key belongs to another tenant or database than the one named"
    NO_SUCH_DATABASE = "the tenant has no such database: create it in the dashboard first"
    UNKNOWN = "something else: attach the full message to the ticket"


class Visit(NamedTuple):
    finding: Finding
    detail: str


def examine(
    api_key: Optional[str],
    tenant: Optional[str] = None,
    database: Optional[str] = None,
    *,
    host: str = "api.trychroma.com",
    port: int = 443,
    tls: bool = True,
) -> Visit:
    try:
        client = chromadb.CloudClient(
            tenant=tenant,
            database=database,
            api_key=api_key,
            settings=Settings(chroma_http_keepalive_secs=1.0),
            cloud_host=host,
            cloud_port=port,
            enable_ssl=tls,
        )
    except Exception as error:  # the constructor lets many kinds through; sorting them is this function's purpose
        return Visit(classify(error), str(error))
    try:
        return Visit(Finding.HEALTHY, f"{client.tenant}/{client.database}, chroma {client.get_version()}")
    finally:
        client.close()


def classify(error: Exception) -> Finding:
    text = str(error)
    # Subclasses of ChromaError first: NotFoundError and ChromaAuthError say exactly what they mean.
    if isinstance(error, NotFoundError):
        return Finding.NO_SUCH_DATABASE
    if isinstance(error, ChromaAuthError):
        return Finding.WRONG_OWNER if "does not match" in text else Finding.KEY_REFUSED
    if isinstance(error, ChromaError):
        return Finding.UNKNOWN
    # The rest are ValueErrors, told apart by their words alone.
    for words, finding in (
        ("Missing required arguments", Finding.NO_KEY),
        ("Invalid token", Finding.MALFORMED_KEY),
        ("Could not connect to a Chroma server", Finding.UNREACHABLE),
        ("key revoked", Finding.KEY_REFUSED),
    ):
        if words in text:
            return finding
    return Finding.UNKNOWN


class CannedCloud(BaseHTTPRequestHandler):
    """The three requests of the constructor, and the version."""

    KEYS = {"ck-good": ("aviary", ["flights"]), "ck-many": ("aviary", ["flights", "nests"])}

    def do_GET(self):
        tenant_and_databases = self.KEYS.get(self.headers.get("X-Chroma-Token"))
        if tenant_and_databases is None:
            return self.reply(401, {"error": "Unauthorized", "message": "key revoked"})
        tenant, databases = tenant_and_databases
        tail = self.path.removeprefix("/api/v2")
        if tail == "/auth/identity":
            return self.reply(200, {"user_id": "7", "tenant": tenant, "databases": databases})
        if tail == f"/tenants/{tenant}":
            return self.reply(200, {"name": tenant})
        if tail.startswith(f"/tenants/{tenant}/databases/"):
            name = tail.rsplit("/", 1)[-1]
            if name in databases:
                return self.reply(200, {"id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "name": name, "tenant": tenant})
        if tail == "/version":
            return self.reply(200, "1.5.9")
        return self.reply(404, {"error": "NotFoundError", "message": f"nothing at {tail}"})

    def reply(self, status, content):
        data = json.dumps(content).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


def main():
    for variable in ("CHROMA_API_KEY", "CHROMA_TENANT", "CHROMA_DATABASE"):
        os.environ.pop(variable, None)  # CloudClient would read them
    cloud = HTTPServer(("127.0.0.1", 0), CannedCloud)
    threading.Thread(target=cloud.serve_forever, daemon=True).start()
    here = {"host": "127.0.0.1", "port": cloud.server_port, "tls": False}
    nowhere = {**here, "port": 9}  # the discard port: nobody listens

    cases = [
        ("forgotten key", (None,), here, Finding.NO_KEY),
        ("pasted with a newline", ("ck-go\nod",), here, Finding.MALFORMED_KEY),
        ("cable unplugged", ("ck-good",), nowhere, Finding.UNREACHABLE),
        ("key of last year", ("ck-old",), here, Finding.KEY_REFUSED),
        ("neighbour's tenant", ("ck-good", "aquarium"), here, Finding.WRONG_OWNER),
        ("neighbour's database", ("ck-good", "aviary", "nests"), here, Finding.WRONG_OWNER),
        ("database never made", ("ck-many", "aviary", "eggs"), here, Finding.NO_SUCH_DATABASE),
        ("all is well", ("ck-good",), here, Finding.HEALTHY),
        ("well, and named", ("ck-many", "aviary", "nests"), here, Finding.HEALTHY),
    ]
    try:
        for story, arguments, address, expected in cases:
            visit = examine(*arguments, **address)
            assert visit.finding is expected, (story, visit)
            print(f"{story:22} {visit.finding.value}")
    finally:
        cloud.shutdown()
        cloud.server_close()


if __name__ == "__main__":
    main()
