"""The tools that drive VS Code in a browser: node, code-server, Chromium, playwright. Installed once, then reused.

Knows: versions that work together, where they are kept. Must not know: what is tested with them. What needs root
(Chromium) is never installed here: its absence is an error that names the command.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import platformdirs

CODE_SERVER = "4.139.1"
NODE = "24.21.0"
"""code-server needs this major version; the system's node need only run npm."""

CACHE = platformdirs.user_cache_path("slm-lsp", appauthor=False) / "e2e" / f"code-server-{CODE_SERVER}-node-{NODE}"
READY = CACHE / ".ready"
EXTENSION = Path(__file__).parents[3] / "vscode-client"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class ToolMissing(RuntimeError):
    """A tool is not there and cannot be installed from here."""


@dataclass(frozen=True)
class Tools:
    """Everything it takes to show VS Code to a test."""

    node: Path
    """The folder with node 24, to be first on the PATH."""
    code_server: Path
    """code-server's start script."""
    chromium: str
    """The browser."""


def tools() -> Tools:
    """All tools, installed into the user's cache folder where they were missing; raises ToolMissing."""
    chromium = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not chromium:
        raise ToolMissing("no Chromium: apt-get install --no-install-recommends chromium fonts-dejavu-core")
    try:
        import playwright  # noqa: F401
    except ImportError as error:
        raise ToolMissing("no playwright for Python: pip install playwright") from error
    if not READY.exists():
        _install()
    module = CACHE / "server" / "lib" / "node_modules" / "code-server"
    return Tools(_node_folder(), module / "out" / "node" / "entry.js", chromium)


def extension_files() -> Path:
    """The extension's folder, bundled from the source as it is now."""
    if not (EXTENSION / "node_modules").is_dir():
        _run(["npm", "ci"], EXTENSION)
    _run(["npm", "run", "--silent", "bundle"], EXTENSION)
    return EXTENSION


def _node_folder() -> Path:
    return CACHE / "node" / "node_modules" / _node_package() / "bin"


def _node_package() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    if platform.system() != "Linux" or not machine:
        raise ToolMissing(f"these tests run on Linux only, not on {platform.system()} {platform.machine()}")
    return f"node-linux-{machine}"


def _install() -> None:
    """Fetch node 24 and code-server with npm; about 800 MB and half a minute."""
    if not shutil.which("npm"):
        raise ToolMissing("no npm: install node 20 or later")
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True)
    _run(["npm", "install", "--no-save", "--prefix", "node", f"{_node_package()}@{NODE}"], CACHE)
    # Without install scripts nothing is compiled; what they would do besides is the second npm install.
    _run(["npm", "install", "--global", "--prefix", "server", "--ignore-scripts", f"code-server@{CODE_SERVER}"], CACHE)
    vscode = CACHE / "server" / "lib" / "node_modules" / "code-server" / "lib" / "vscode"
    _run(["npm", "install", "--omit=dev", "--ignore-scripts"], vscode)
    READY.touch()


def _run(command: list[str], cwd: Path) -> None:
    path = os.pathsep.join([str(_node_folder()), os.environ["PATH"]])
    done = subprocess.run(command, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise ToolMissing(f"{' '.join(command)} in {cwd} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
