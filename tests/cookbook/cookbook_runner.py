"""Run one program of the cookbook as a stranger would, and tell what is wrong with it.

Knows: processes, environments, folders. Must not know: chromadb, or which programs there are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

GUARD = Path(__file__).parent / "guard"
SECONDS = 300.0
"""A program takes two, one that starts a server four; a loaded machine much longer."""
GRACE = 20.0
"""Seconds in which a child that was told to end may still do so."""

KEPT = ("pytest-of-", ".hypothesis")
"""What pytest and hypothesis keep on purpose where programs run them."""


def faults_of(program: Path, folder: Path, seconds: float = SECONDS) -> list[str]:
    """Run a program in the empty `folder`; what is wrong with it, a sentence each, none if all is well.

    It has a home, a working directory and a folder of temporary files of its own; it must leave the last two empty
    and no process behind, connect to nothing outside of this machine, and lean on nothing deprecated.
    """
    work, temporary, home = (folder / name for name in ("work", "tmp", "home"))
    for place in (work, temporary, home):
        place.mkdir()
    refused, output = folder / "refused", folder / "output"
    with output.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(program)],
            cwd=work, env=_environment(home, temporary, refused), stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        faults = _wait(process, seconds)
    if process.returncode:
        faults.append(f"exit status {process.returncode}")
    if _lives_on(process.pid, GRACE):
        faults.append("it left a process behind")
    if refused.exists():
        faults.append(f"it wanted the network: {', '.join(sorted(set(refused.read_text().split())))}")
    left = [path for place in (work, temporary) for path in place.iterdir() if not path.name.startswith(KEPT)]
    faults += [f"it left {path.relative_to(folder)} behind" for path in left]
    return [*faults, output.read_text(errors="replace")[-6000:]] if faults else []


def _environment(home: Path, temporary: Path, refused: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(GUARD),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "error::DeprecationWarning",
        "ANONYMIZED_TELEMETRY": "False",
        "COOKBOOK_REFUSED": str(refused),
        # Programs look for `chroma` beside their interpreter.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _wait(process: subprocess.Popen[bytes], seconds: float) -> list[str]:
    """Wait for the program; one that takes too long is ended, with all that it started."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return [f"it did not end within {seconds:.0f} seconds"]
    return []


def _lives_on(group: int, grace: float) -> bool:
    """Whether a process group still has members after `grace` seconds; those are killed."""
    deadline = time.monotonic() + grace
    try:
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
