"""Which chromadb a workspace uses, and its facts.

Knows: site-packages folders, the cache of facts, the facts that ship. Must not know: how facts are read from source.

Reading takes a third of a second, so it is done once for each installed version; the cache lies in a folder that the
caller names.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from slm_lsp.model.durable import write_file
from slm_lsp.server.chroma.facts import FORMAT, Installed, from_json, to_json
from slm_lsp.server.chroma.reading import read

SHIPPED = Path(__file__).with_name("facts.json")
"""The facts of the version this package is developed with; `python -m slm_lsp.server.chroma` writes them."""

_PATTERNS = (
    "lib/python3*/site-packages",
    "lib64/python3*/site-packages",
    "local/lib/python3*/dist-packages",
    "lib/python3*/dist-packages",
    "Lib/site-packages",
    "site-packages",
)
"""Where packages lie in an environment; `dist-packages` are Debian's, pip's before the system's own."""


def site_packages(environment: Path) -> list[Path]:
    """Where packages may be installed, of an interpreter, of an environment's folder or of site-packages itself."""
    if environment.name in ("site-packages", "dist-packages") or (environment / "chromadb").is_dir():
        return [environment]
    root = environment
    if environment.is_file():  # not resolved: an environment's interpreter is a link to the one it was made with
        folder = environment.parent
        root = folder.parent if folder.name.lower() in ("bin", "scripts") else folder
    return [folder for pattern in _PATTERNS for folder in sorted(root.glob(pattern), reverse=True)]


def package_of(environment: Path) -> Path | None:
    """The folder of the chromadb that an environment has; None if it has none."""
    with suppress(OSError):
        for folder in site_packages(environment):
            if (folder / "chromadb" / "__init__.py").is_file():
                return folder / "chromadb"
    return None


def installed_in(environment: Path | None, cache: Path | None = None) -> Installed:
    """The facts of the chromadb that an environment has; of the one we ship facts of, if it has none.

    `environment` is an interpreter, an environment's folder or a site-packages folder. Facts that are read are kept
    in the folder `cache`. Raises nothing: what cannot be read or kept is read again next time.
    """
    package = package_of(environment) if environment else None
    if package is None:
        return shipped()
    kept = cache / f"chroma-{_stamp(package)}.json" if cache else None
    if kept:
        with suppress(OSError, ValueError):
            return from_json(json.loads(kept.read_text(encoding="utf-8")))
    try:
        found = read(package)
    except (OSError, ValueError, RecursionError, SystemError):  # SystemError: somebody else's thread parsed too
        return shipped()
    if not found.owners.get("collection"):
        return shipped()  # not a chromadb as we know them
    if kept:
        with suppress(OSError):
            _write(kept, found)
    return found


def shipped() -> Installed:
    """The facts that ship."""
    return from_json(json.loads(SHIPPED.read_text(encoding="utf-8")))


def _write(path: Path, facts: Installed) -> None:
    """Write facts so that nobody ever reads half of them."""
    write_file(path, json.dumps(to_json(facts)).encode())


def _stamp(package: Path) -> str:
    """Tells one installation from another: where it lies and when its parts were last written."""
    parts = ["__init__.py", "api/client.py", "api/types.py", "api/models/Collection.py"]
    stamps = [str(FORMAT), str(package)]
    for part in parts:
        with suppress(OSError):
            stat = (package / part).stat()
            stamps.append(f"{stat.st_mtime_ns}:{stat.st_size}")
    stamps += sorted(path.name for path in package.parent.glob("chromadb-*.dist-info"))
    return hashlib.sha256("\n".join(stamps).encode()).hexdigest()[:16]
