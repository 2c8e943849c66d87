"""One code-server with the extension in it, and a browser that looks at it.

Knows: how both are started and ended, and where their files lie. Must not know: what is done in the window.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from e2e.vscode.tooling import Tools, extension_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE = 60
"""Seconds until code-server must answer."""

QUIET: Mapping[str, Any] = {
    "chat.commandCenter.enabled": False,
    "chat.disableAIFeatures": True,
    "editor.minimap.enabled": False,
    "editor.wordBasedSuggestions": "off",
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "files.autoSave": "off",
    "git.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "window.newWindowDimensions": "default",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}
"""What is switched off in the editor so that nothing but slm-lsp speaks."""

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class CodeServer:
    """A running code-server."""

    address: str
    """Host and port."""
    workspace: Path
    """The folder it has open."""
    data: Path
    """Its user data: settings, the extensions' storage, logs."""
    process: subprocess.Popen[bytes]
    """The leader of its process group."""

    def url(self, *files: Path) -> str:
        """The address of a window with these files open."""
        opened = [["openFile", f"vscode-remote://{self.address}{file}"] for file in files]
        return f"http://{self.address}/?folder={quote(str(self.workspace))}&payload={quote(json.dumps(opened))}"

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the workspace's settings, which go before all others; an open window follows at once."""
        _write_json(self.workspace / ".vscode" / "settings.json", settings)


@contextmanager
def code_server(
    tools: Tools,
    folder: Path,
    workspace: Path,
    settings: Mapping[str, Any],
    environment: Mapping[str, str],
    wheel: Path | None = None,
) -> Iterator[CodeServer]:
    """A code-server whose files, HOME included, lie below `folder`; ended with all that it started.

    The extension in it carries `wheel`, or none, whatever a build has left in its folder.
    """
    address = f"127.0.0.1:{_free_port()}"
    data, extensions, home = folder / "data", folder / "extensions", folder / "home"
    for made in (data, extensions, home):
        made.mkdir(parents=True)
    _add_extension(extensions, wheel)
    (folder / "config.yaml").write_text("")
    command = [str(tools.node / "node"), str(tools.code_server), "--config", str(folder / "config.yaml")]
    command += ["--auth", "none", "--bind-addr", address, "--user-data-dir", str(data)]
    command += ["--extensions-dir", str(extensions), "--disable-telemetry", "--disable-update-check"]
    command += ["--disable-workspace-trust", "--reconnection-grace-time", "5"]
    path = os.pathsep.join([str(tools.node), os.environ["PATH"]])
    env = {**os.environ, "HOME": str(home), "PATH": path, **environment}
    with (folder / "code-server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    server = CodeServer(address, workspace, data, process)
    _write_json(data / "User" / "settings.json", QUIET)
    # Commands and paths are settings of the machine that runs the server: a user's own file may not hold them.
    _write_json(data / "Machine" / "settings.json", settings)
    try:
        _wait_until_it_answers(server, folder / "code-server.log")
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@contextmanager
def browser_page(tools: Tools, width: int = 1100, height: int = 700) -> Iterator[Page]:
    """A page of a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tools.chromium, args=list(FLAGS))
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(30_000)
            yield page
        finally:
            browser.close()


def server_environment(home: Path, base: Path | None) -> dict[str, str]:
    """The variables a server of this repository needs; `base` is None for the base model that ships."""
    env = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "SLM_LSP_HOME": str(home)}
    return env | ({"SLM_LSP_BASE": str(base)} if base else {})


def pip_environment() -> dict[str, str]:
    """The variables that let pip find its configuration and its cache in spite of another HOME."""
    config, cache = Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".cache" / "pip"
    return {"PIP_CACHE_DIR": str(cache)} | ({"PIP_CONFIG_FILE": str(config)} if config.exists() else {})


def _add_extension(extensions: Path, wheel: Path | None) -> None:
    source = extension_files()
    target = extensions / "slm-lsp.slm-lsp-0.1.0"
    target.mkdir()
    shutil.copy(source / "package.json", target)
    for part in ("dist", "media"):
        shutil.copytree(source / part, target / part)
    if wheel:
        (target / "wheel").mkdir()
        shutil.copy(wheel, target / "wheel")


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: CodeServer, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urlopen(f"http://{server.address}/healthz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"code-server does not answer:\n{log.read_text()[-4000:]}")
