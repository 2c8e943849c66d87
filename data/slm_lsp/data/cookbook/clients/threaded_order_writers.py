"""Write web-shop orders from many threads through one shared HttpClient, and check that none is lost.

An HttpClient may be shared between threads: underneath is one httpx connection pool. The pool's size is
a setting, and a thread pool that is larger than it only waits in line. Reading your own writes works
across threads too, since the server answers a write after it is in its log.
"""

import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from socket import socket
from urllib.error import URLError

import chromadb
from chromadb import ReadLevel
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings

THREADS = 4
ORDERS = 36
PRODUCTS = ["tent", "stove", "rope", "boots", "lantern", "compass"]


class ChromaProcess:
    """A server that lives as long as the `with` block."""

    def __init__(self, directory):
        with closing(socket()) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.directory = directory
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "chroma"), "run",
                "--path", self.directory,
                "--host", "127.0.0.1",
                "--port", str(self.port),
            ],
            stdout=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{self.port}/api/v2/heartbeat"
        for _ in range(1200):
            try:
                with urllib.request.urlopen(url, timeout=1):
                    return self
            except (URLError, ConnectionError):
                time.sleep(0.05)
        self.__exit__()
        raise TimeoutError(url)

    def __exit__(self, *exc_info):
        self.process.terminate()
        self.process.wait()


def basket_vector(basket):
    counts = Counter(basket)
    return [float(counts[product]) for product in PRODUCTS]


def place_order(orders, number, seen_by):
    """One web request: write the order, then read it back for the confirmation page."""
    rng = random.Random(number)
    basket = rng.choices(PRODUCTS, k=rng.randint(1, 5))
    order_id = f"order-{number:05d}"
    orders.add(
        ids=order_id,
        embeddings=basket_vector(basket),
        metadatas={"items": len(basket), "customer": f"c{number % 4}", "thread": threading.current_thread().name},
        documents=" ".join(basket),
    )
    confirmation = orders.get(ids=order_id, include=["documents", "metadatas"])
    assert confirmation["documents"] == [" ".join(basket)]
    seen_by[threading.current_thread().name] += 1
    return order_id


def main():
    with tempfile.TemporaryDirectory() as directory, ChromaProcess(directory) as server:
        client = chromadb.HttpClient(
            host="127.0.0.1",
            port=server.port,
            ssl=False,
            headers={"X-Application": "shop"},
            tenant=DEFAULT_TENANT,
            database=DEFAULT_DATABASE,
            settings=Settings(
                chroma_http_max_connections=THREADS,
                chroma_http_max_keepalive_connections=THREADS,
                chroma_http_keepalive_secs=15,
            ),
        )
        orders = client.get_or_create_collection("orders", embedding_function=None)

        seen_by = Counter()
        started = time.perf_counter()
        with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="till") as pool:
            futures = [pool.submit(place_order, orders, number, seen_by) for number in range(ORDERS)]
            placed = {future.result() for future in as_completed(futures)}
        elapsed = time.perf_counter() - started

        assert len(placed) == ORDERS and orders.count(read_level=ReadLevel.INDEX_AND_WAL) == ORDERS
        assert sum(seen_by.values()) == ORDERS
        print(f"{ORDERS} orders by {len(seen_by)} threads in {elapsed:.2f} s")

        # Racing creators: get_or_create_collection hands every thread the same collection.
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            handles = list(
                pool.map(
                    lambda _: client.get_or_create_collection("returns", embedding_function=None),
                    range(THREADS),
                )
            )
        assert len({handle.id for handle in handles}) == 1
        assert client.count_collections() == 2

        # Who else bought mostly tents and boots? Read concurrently, each thread its own customer.
        def best_match(customer):
            found = orders.query(
                query_embeddings=[basket_vector(["tent", "boots", "boots"])],
                where={"customer": customer},
                n_results=1,
            )
            return customer, found["documents"][0][0]

        with ThreadPoolExecutor(max_workers=3) as pool:
            matches = dict(pool.map(best_match, [f"c{n}" for n in range(4)]))
        assert len(matches) == 4
        assert any("boots" in basket or "tent" in basket for basket in matches.values())
        print("closest basket of c3:", matches["c3"])


if __name__ == "__main__":
    main()
