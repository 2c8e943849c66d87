"""Give each customer of a translation bureau an API key that opens one tenant, with a small gate before a Chroma server.

Chroma Cloud knows from the key whose data to show; `chroma run` on its own knows no keys. The gate answers the one
question that CloudClient asks first (who am I?) from its table of keys, lets a request through only to that tenant's
paths, and so lets a self-hosted server be used with the very client code that runs against the cloud.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from subprocess import DEVNULL, Popen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import chromadb
import httpx
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError

log = logging.getLogger("gate")
TENANT_IN_PATH = re.compile(r"^/api/v2/tenants/([^/]+)")
TERMS = {"invoice": [1.0, 0.0, 0.2], "contract": [0.8, 0.1, 0.9], "poem": [0.0, 1.0, 0.1]}


@dataclass(frozen=True)
class Account:
    tenant: str
    database: str
    key: str


class Gate:
    """A WSGI application between the customers and the server."""

    def __init__(self, upstream: str):
        self.accounts: dict[str, Account] = {}
        self.refused = 0
        self.upstream = httpx.Client(base_url=upstream, timeout=30)

    def __call__(self, environ, start_response):
        account = self.accounts.get(environ.get("HTTP_X_CHROMA_TOKEN", ""))
        path = environ["PATH_INFO"]
        if account is None:
            return self.answer(start_response, "401 Unauthorized", {"error": "AuthError", "message": "unknown key"})
        if path.endswith("/auth/identity"):
            identity = {"user_id": account.key[:6], "tenant": account.tenant, "databases": [account.database]}
            return self.answer(start_response, "200 OK", identity)
        wanted = TENANT_IN_PATH.match(path)
        if wanted and wanted[1] != account.tenant:
            body = {"error": "AuthError", "message": f"this key is not for {wanted[1]}"}
            return self.answer(start_response, "403 Forbidden", body)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        reply = self.upstream.request(
            environ["REQUEST_METHOD"],
            path,
            params=environ["QUERY_STRING"],
            content=body,
            headers={"Content-Type": "application/json"},
        )
        return self.answer(start_response, f"{reply.status_code} {reply.reason_phrase}", reply.content)

    def answer(self, start_response, status: str, body: dict | bytes):
        if status.startswith("40") and isinstance(body, dict):
            self.refused += 1
            log.info("%s: %s", status, body["message"])
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))])
        return [payload]


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *args):
        log.debug(format, *args)


def sign_up(admin: chromadb.AdminAPI, gate: Gate, tenant: str, database: str) -> Account:
    """Make the tenant and its database, and hand out a key to them."""
    try:
        admin.get_tenant(name=tenant)
    except NotFoundError:
        admin.create_tenant(name=tenant)
    try:
        admin.get_database(name=database, tenant=tenant)
    except NotFoundError:
        admin.create_database(name=database, tenant=tenant)
    account = Account(tenant, database, f"ck-{secrets.token_hex(12)}")
    gate.accounts[account.key] = account
    return account


def glossary(account: Account, port: int) -> chromadb.Collection:
    """What a customer runs: nothing here but the last three lines differs from a program for Chroma Cloud."""
    client = chromadb.CloudClient(
        tenant=account.tenant,
        database=account.database,
        api_key=account.key,
        settings=Settings(anonymized_telemetry=False),
        cloud_host="127.0.0.1",
        cloud_port=port,
        enable_ssl=False,
    )
    return client.get_or_create_collection("glossary", embedding_function=None)


def serve_customers(gate: Gate, port: int, upstream_port: int) -> None:
    admin = chromadb.AdminClient(
        settings=Settings(
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host="127.0.0.1",
            chroma_server_http_port=upstream_port,
        )
    )
    notary = sign_up(admin, gate, "notary", "legal")
    poet = sign_up(admin, gate, "poet", "verses")

    glossary(notary, port).add(
        ids=["invoice", "contract"],
        embeddings=[TERMS["invoice"], TERMS["contract"]],
        documents=["Rechnung", "Vertrag"],
    )
    glossary(poet, port).add(ids=["poem"], embeddings=[TERMS["poem"]], documents=["Gedicht"])

    # The same collection's name, two tenants, no mixing.
    assert sorted(glossary(notary, port).get()["documents"]) == ["Rechnung", "Vertrag"]
    hits = glossary(poet, port).query(query_embeddings=[TERMS["contract"]], n_results=5, include=["documents"])
    assert hits["documents"] == [["Gedicht"]], "the poet never sees the notary's terms"

    # A made-up key opens nothing, a real one nothing but its own tenant.
    for stolen in (Account("notary", "legal", "ck-guessed"), Account("notary", "legal", poet.key)):
        try:
            glossary(stolen, port)
        except (ChromaError, ValueError) as error:
            print("refused:", type(error).__name__, str(error)[:60])
        else:
            raise AssertionError("the gate stood open")
    assert gate.refused >= 1

    # A customer leaves: the key goes first, then the data.
    del gate.accounts[poet.key]
    admin.delete_database(name="verses", tenant="poet")
    assert [database["name"] for database in admin.list_databases(limit=5, offset=0, tenant="poet")] == []
    assert admin.get_database(name="legal", tenant="notary")["tenant"] == "notary"
    print("customers left:", [account.tenant for account in gate.accounts.values()])


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        # Bind the gate first; the server behind it gets the port after a second, closed listener.
        spare = WSGIServer(("127.0.0.1", 0), QuietHandler)
        upstream_port = spare.server_port
        spare.server_close()
        chroma = os.path.join(os.path.dirname(sys.executable), "chroma")
        server = Popen([chroma, "run", "--path", home, "--host", "127.0.0.1", "--port", str(upstream_port)], stdout=DEVNULL)
        gate = Gate(f"http://127.0.0.1:{upstream_port}")
        front = make_server("127.0.0.1", 0, gate, handler_class=QuietHandler)
        threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            pause = threading.Event()
            for _ in range(800):
                try:
                    gate.upstream.get("/api/v2/heartbeat")
                    break
                except httpx.TransportError:
                    pause.wait(0.15)
            serve_customers(gate, front.server_port, upstream_port)
        finally:
            front.shutdown()
            front.server_close()
            gate.upstream.close()
            server.send_signal(signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    main()
