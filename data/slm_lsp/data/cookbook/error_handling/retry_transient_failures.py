"""Retry Chroma calls over a flaky network: what to retry, what never to retry, and why ids make it safe.

Between client and server stands a saboteur on loopback that drops, delays or refuses requests by plan. The retry
policy distinguishes three kinds of failure:
  the connection broke          try again
  the server said 429 or 5xx    try again, later
  the request itself is wrong   never again: it would be wrong the second time, too
A write whose answer got lost may have happened. With ids of one's own, upsert() makes doing it twice harmless.
"""

import collections
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import chromadb
import httpx
import tenacity
from chromadb.errors import ChromaError, InternalError, InvalidArgumentError, RateLimitError

TRANSIENT = (httpx.TransportError, RateLimitError, InternalError)

attempts = collections.Counter()


def note(state: tenacity.RetryCallState) -> None:
    attempts[state.fn.__name__] += 1
    print(f"  {state.fn.__name__}, attempt {state.attempt_number}: {type(state.outcome.exception()).__name__}")


resilient = tenacity.retry(
    retry=tenacity.retry_if_exception_type(TRANSIENT),
    wait=tenacity.wait_exponential(multiplier=0.01, max=0.2) + tenacity.wait_random(0, 0.01),
    stop=tenacity.stop_after_attempt(4),
    before_sleep=note,
    reraise=True,  # the caller sees the real error, not tenacity.RetryError
)


class Saboteur(BaseHTTPRequestHandler):
    """Forwards to the real server, except for the next few data requests, which fail as planned."""

    plan: collections.deque = collections.deque()
    upstream = ""
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # /collections/<id>/query and the like; opening clients and collections is left alone.
        trouble = self.plan.popleft() if self.plan and self.path.count("/") > 8 else None
        if trouble == "drop":
            self.close_connection = True  # hang up without a word: the request was lost
            self.connection.shutdown(socket.SHUT_RDWR)
        elif trouble == "busy":
            self.answer(429, {"error": "RateLimitError", "message": "too many requests"})
        elif trouble == "ill":
            self.answer(500, {"error": "InternalError", "message": "out of memory"})
        else:
            request = urllib.request.Request(
                self.upstream + self.path, data=body or None, method=self.command,
                headers={"Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request) as response:
                    status, payload = response.status, response.read()
            except urllib.error.HTTPError as refusal:
                status, payload = refusal.code, refusal.read()
            if trouble == "lose answer":  # done, but nobody will know
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.answer(status, payload)

    def answer(self, status, payload):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *ignored): ...


class BirdCounts:
    """Application code: every call to the database goes through a resilient method."""

    def __init__(self, client):
        self._sightings = client.get_or_create_collection("sightings", embedding_function=None)

    @resilient
    def record(self, key, vector, species):
        # upsert, not add: after a lost answer the second attempt writes the same record again.
        self._sightings.upsert(ids=[key], embeddings=[vector], metadatas=[{"species": species}])

    @resilient
    def similar(self, vector, n=1):
        return self._sightings.query(query_embeddings=[vector], n_results=n)["ids"][0]

    @resilient
    def total(self):
        return self._sightings.count()


def scenario(client):
    birds = BirdCounts(client)
    birds.record("s1", [0.1, 0.9, 0.2], "wren")
    assert not attempts, "nothing went wrong so far"

    Saboteur.plan.extend(["drop", "busy"])
    birds.record("s2", [0.7, 0.1, 0.4], "heron")
    assert attempts["record"] == 2

    Saboteur.plan.extend(["lose answer"])
    birds.record("s3", [0.2, 0.8, 0.3], "robin")
    assert birds.total() == 3, "written twice, stored once"

    Saboteur.plan.extend(["ill", "drop", "ill"])
    assert birds.similar([0.7, 0.1, 0.5]) == ["s2"]
    assert attempts["similar"] == 3

    # Four failures in a row are more than the policy allows: the last error comes through.
    Saboteur.plan.extend(["busy"] * 4)
    try:
        birds.total()
    except RateLimitError as error:
        assert error.code() == 429 and isinstance(error, ChromaError)
        print("  gave up:", error)
    else:
        raise AssertionError("four attempts should not be enough")

    # A wrong request fails at once.
    before = attempts["similar"]
    try:
        birds.similar([0.7, 0.1])
    except InvalidArgumentError as error:
        print("  not retried:", error)
    else:
        raise AssertionError("two numbers where three are needed")
    assert attempts["similar"] == before


def main():
    home = tempfile.mkdtemp()
    with socket.create_server(("127.0.0.1", 0)) as s:
        real_port = s.getsockname()[1]
    Saboteur.upstream = f"http://127.0.0.1:{real_port}"
    chroma = subprocess.Popen(
        [Path(sys.executable).parent / "chroma", "run", "--path", home, "--host", "127.0.0.1", "--port", f"{real_port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Saboteur)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        # Waiting for the server is a retry as well, with a policy of its own.
        connect = tenacity.retry(
            retry=tenacity.retry_if_exception_type(ValueError),
            wait=tenacity.wait_fixed(0.1),
            stop=tenacity.stop_after_delay(60),
        )(lambda: chromadb.HttpClient(host="127.0.0.1", port=real_port))
        connect()
        started = time.perf_counter()
        scenario(chromadb.HttpClient(host="127.0.0.1", port=proxy.server_port))
        print(f"{sum(attempts.values())} retries, {time.perf_counter() - started:.2f} s in all")
    finally:
        proxy.shutdown()
        proxy.server_close()
        chroma.terminate()
        chroma.wait()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
