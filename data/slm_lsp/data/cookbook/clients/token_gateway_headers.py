"""Put Chroma behind a token-checking gateway and show the three ways a client can send credentials.

Open-source Chroma servers have no users of their own: people put a reverse proxy in front. The gateway
below is a toy (one thread per request, no TLS) but does what nginx would: it lets requests through that
carry a known credential, answers 401 to the others, and never passes the credential on.
"""
import base64
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import chromadb
from chromadb import TokenTransportHeader
from chromadb.config import Settings

TOKEN = "tok-7b1f9"
BASIC = base64.b64encode(b"librarian:shh").decode()
ALLOWED = {("Authorization", f"Bearer {TOKEN}"), ("X-Chroma-Token", TOKEN), ("Authorization", f"Basic {BASIC}")}


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream_port = 0
    seen: list = []

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        credential = next((pair for pair in ALLOWED if self.headers.get(pair[0]) == pair[1]), None)
        type(self).seen.append((self.command, self.headers.get("X-Request-Source"), credential is not None))
        if credential is None:
            # This shape is what a Chroma server answers, so the client raises its own error class.
            self.reply(401, json.dumps({"error": "AuthorizationError", "message": "who are you?"}).encode())
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port)
        headers = {"Content-Type": "application/json"} if body else {}
        upstream.request(self.command, self.path, body=body or None, headers=headers)
        answer = upstream.getresponse()
        self.reply(answer.status, answer.read())
        upstream.close()

    def reply(self, status, payload):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_DELETE = forward

    def log_message(self, *args):
        """Silence: `seen` is our log."""


def wait_until_open(port, seconds=60):
    for _ in range(int(seconds / 0.05)):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"port {port} stayed closed")


def try_everything(port):
    # 1. headers=: the plainest way, and the one that works with any proxy.
    plain = chromadb.HttpClient(
        host="127.0.0.1",
        port=port,
        headers={"Authorization": f"Bearer {TOKEN}", "X-Request-Source": "nightly-import"},
    )
    shelf = plain.create_collection("shelf", embedding_function=None)
    shelf.add(ids=["b1", "b2"], embeddings=[[0.0, 1.0], [1.0, 0.0]], documents=["Dune", "Emma"])

    # 2. Chroma's own token provider; the header's name is a setting.
    by_token = chromadb.HttpClient(
        host="127.0.0.1",
        port=port,
        settings=Settings(
            chroma_client_auth_provider="chromadb.auth.token_authn.TokenAuthClientProvider",
            chroma_client_auth_credentials=TOKEN,
            chroma_auth_token_transport_header=TokenTransportHeader.X_CHROMA_TOKEN,
        ),
    )
    nearest = by_token.get_collection("shelf").query(query_embeddings=[0.9, 0.1], n_results=1)
    assert nearest["documents"] == [["Emma"]]

    # 3. User and password.
    by_password = chromadb.HttpClient(
        host="127.0.0.1",
        port=port,
        settings=Settings(
            chroma_client_auth_provider="chromadb.auth.basic_authn.BasicAuthClientProvider",
            chroma_client_auth_credentials="librarian:shh",
        ),
    )
    assert by_password.count_collections() == 1
    assert by_password.get_user_identity().tenant == "default_tenant"
    print("bearer header, token provider and basic auth all got in")

    for headers in (None, {"Authorization": "Bearer guess"}):
        try:
            chromadb.HttpClient(host="127.0.0.1", port=port, headers=headers)
        except chromadb.errors.AuthorizationError as refusal:
            assert refusal.code() == 401 and refusal.name() == "AuthorizationError"
            print("turned away:", refusal)
        else:
            raise AssertionError("no entry without a token")


def main():
    with tempfile.TemporaryDirectory() as home:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            Gateway.upstream_port = s.getsockname()[1]
        chroma = str(Path(sys.executable).parent / "chroma")
        address = ["--host", "127.0.0.1", "--port", str(Gateway.upstream_port)]
        server = subprocess.Popen([chroma, "run", "--path", home, *address], stdout=subprocess.DEVNULL)
        gateway = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
        gateway.daemon_threads = True  # clients keep their connections open
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        try:
            wait_until_open(Gateway.upstream_port)
            try_everything(gateway.server_address[1])
        finally:
            gateway.shutdown()
            gateway.server_close()
            server.terminate()
            server.wait()
    sources = {source for _, source, admitted in Gateway.seen if admitted}
    assert "nightly-import" in sources and any(not ok for *_, ok in Gateway.seen)
    print(f"{len(Gateway.seen)} requests passed the gateway, sources: {sorted(filter(None, sources))}")


if __name__ == "__main__":
    main()
