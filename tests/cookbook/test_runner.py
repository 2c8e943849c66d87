"""The runner of the cookbook's programs finds what they must not do."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from cookbook_runner import faults_of

pytestmark = pytest.mark.cookbook


def fault(folder: Path, source: str, seconds: float = 120) -> str:
    """The first fault of a program; its output stands last."""
    program = folder / "program.py"
    program.write_text(dedent(source))
    (folder / "run").mkdir()
    return "; ".join(faults_of(program, folder / "run", seconds)[:1])


def test_a_program_that_uses_this_machine_alone_has_no_faults(tmp_path: Path) -> None:
    source = """
        import socket, tempfile
        from pathlib import Path
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("localhost", 0)) as server:
            Path(folder, "a").touch()
            socket.create_connection(server.getsockname()).close()
        """
    assert fault(tmp_path, source) == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert 1 + 1 == 3", "exit status 1"),
        ("import time; time.sleep(60)", "it did not end within 2 seconds"),
        ("open('list.txt', 'w')", "it left work/list.txt behind"),
        ("import tempfile; tempfile.mkdtemp('-shop')", "it left tmp/"),
        ("import subprocess; subprocess.Popen(['sleep', '60'])", "it left a process behind"),
    ],
)
def test_failures_and_leftovers_are_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: str
) -> None:
    monkeypatch.setattr("cookbook_runner.GRACE", 0.5)
    found = fault(tmp_path, source, seconds=2 if "time.sleep" in source else 120)
    assert found.startswith(expected)


@pytest.mark.parametrize(
    "call",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "socket.socket().connect_ex(('192.0.2.1', 80))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 80))",
        "urllib.request.urlopen('http://192.0.2.1/', timeout=1)",
        "asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
    ],
)
def test_a_caught_refusal_of_the_network_is_a_fault_too(tmp_path: Path, call: str) -> None:
    source = f"import asyncio, socket, urllib.request\ntry:\n    {call}\nexcept BaseException:\n    pass\n"
    assert fault(tmp_path, source) == "it wanted the network: 192.0.2.1"


def test_what_chromadb_calls_deprecated_fails(tmp_path: Path) -> None:
    source = """
        import chromadb
        class Nameless:
            def __call__(self, input):
                return [[1.0] for _ in input]
        chromadb.EphemeralClient().create_collection("a", embedding_function=Nameless())
        """
    (tmp_path / "run").mkdir()
    program = tmp_path / "program.py"
    program.write_text(dedent(source))
    status, output = faults_of(program, tmp_path / "run")
    assert status == "exit status 1"
    assert "\nDeprecationWarning: " in output
