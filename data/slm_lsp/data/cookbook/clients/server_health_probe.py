"""Probe a Chroma server the way a readiness check does, and turn the findings into an exit code.

Usage:  python server_health_probe.py --host 127.0.0.1 --port 8000 [--expect-collection NAME ...]
Without arguments it demonstrates itself against a server of its own.

Exit codes: 0 healthy, 1 degraded (reachable, but something expected is missing), 2 unreachable.
"""
from __future__ import annotations

import argparse
import asyncio
import atexit
import shutil
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field

import chromadb
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromadb.errors import NotFoundError

HEALTHY, DEGRADED, UNREACHABLE = 0, 1, 2


@dataclass
class Report:
    status: int = HEALTHY
    version: str = "?"
    latency_ms: float = float("nan")
    clock_skew_s: float = float("nan")
    max_batch: int = 0
    collections: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def complain(self, problem: str) -> None:
        self.problems.append(problem)
        self.status = max(self.status, DEGRADED)

    def __str__(self) -> str:
        word = ["healthy", "DEGRADED", "UNREACHABLE"][self.status]
        lines = [f"{word}: chroma {self.version}, heartbeat {self.latency_ms:.1f} ms, batches <= {self.max_batch}"]
        lines += [f"  {name}: {count} records" for name, count in sorted(self.collections.items())]
        return "\n".join(lines + [f"  ! {problem}" for problem in self.problems])


def probe(
    host: str,
    port: int,
    expected: list[str],
    *,
    samples: int = 5,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
    ssl: bool = False,
) -> Report:
    report = Report()
    try:
        # The constructor already asks for the identity, the tenant and the database.
        client = chromadb.HttpClient(
            host=host, port=port, ssl=ssl, headers={"X-Probe": "readiness"}, tenant=tenant, database=database
        )
    except ValueError as error:
        report.status = UNREACHABLE
        report.problems.append(str(error))
        return report

    timings = []
    for _ in range(samples):
        before = time.perf_counter()
        server_ns = client.heartbeat()
        timings.append(1000 * (time.perf_counter() - before))
    report.latency_ms = statistics.median(timings)
    report.clock_skew_s = server_ns / 1e9 - time.time()
    if abs(report.clock_skew_s) > 5:
        report.complain(f"the server's clock is off by {report.clock_skew_s:.0f} s")

    report.version = client.get_version()
    report.max_batch = client.get_max_batch_size()
    if client.get_user_identity().tenant != tenant:
        report.complain(f"we are seen as tenant {client.get_user_identity().tenant!r}")
    for collection in client.list_collections():
        report.collections[collection.name] = collection.count()

    for name in expected:
        try:
            if client.get_collection(name=name, embedding_function=None).count() == 0:
                report.complain(f"collection {name!r} is empty")
        except NotFoundError:
            report.complain(f"collection {name!r} is missing")
    return report


async def quick_check(host: str, port: int, timeout_s: float = 2.0) -> bool:
    """For services that are asynchronous themselves: alive or not, within a time limit, nothing else."""
    try:
        async with asyncio.timeout(timeout_s):
            client = await chromadb.AsyncHttpClient(
                host=host,
                port=port,
                ssl=False,
                headers={"X-Probe": "liveness"},
                settings=Settings(chroma_http_max_connections=1),
                tenant=DEFAULT_TENANT,
                database=DEFAULT_DATABASE,
            )
            return await client.heartbeat() > 0
    except Exception:  # whatever it is, the answer is "not alive"
        return False


def demo_server() -> tuple[subprocess.Popen, int]:
    data = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    executable = f"{sysconfig.get_path('scripts')}/chroma"
    process = subprocess.Popen(
        [executable, "run", "--path", data, "--host", "127.0.0.1", "--port", f"{port}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    return process, port


def demo() -> int:
    process, port = demo_server()
    try:
        # A probe is its own best start-up wait: ask until it stops saying "unreachable".
        give_up = time.monotonic() + 60
        while (report := probe("127.0.0.1", port, [])).status == UNREACHABLE:
            assert time.monotonic() < give_up, "the server never came up"
            time.sleep(0.1)
        assert report.status == HEALTHY and report.max_batch > 100
        assert asyncio.run(quick_check("127.0.0.1", port, timeout_s=60))

        seed = chromadb.HttpClient(host="127.0.0.1", port=port)
        seed.create_collection("parcels", embedding_function=None).add(ids=["p1"], embeddings=[[0.3, 0.7]])
        seed.create_collection("routes", embedding_function=None)
        report = probe("127.0.0.1", port, expected=["parcels", "routes", "depots"])
        print(report)
        assert report.status == DEGRADED
        assert report.collections == {"parcels": 1, "routes": 0}
        assert report.problems == ["collection 'routes' is empty", "collection 'depots' is missing"]
    finally:
        process.terminate()
        process.communicate()

    gone = probe("127.0.0.1", port, [])
    print(gone)
    assert gone.status == UNREACHABLE
    assert asyncio.run(quick_check("127.0.0.1", port)) is False
    return HEALTHY


def main(argv: list[str]) -> int:
    if not argv:
        return demo()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--tenant", default=DEFAULT_TENANT)
    parser.add_argument("--database", default=DEFAULT_DATABASE)
    parser.add_argument("--ssl", action="store_true")
    parser.add_argument("--expect-collection", action="append", default=[], metavar="NAME")
    options = parser.parse_args(argv)
    report = probe(
        options.host,
        options.port,
        options.expect_collection,
        tenant=options.tenant,
        database=options.database,
        ssl=options.ssl,
    )
    print(report)
    return report.status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
