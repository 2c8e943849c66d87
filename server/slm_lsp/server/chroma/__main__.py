"""`python -m slm_lsp.server.chroma ENVIRONMENT`: writes the facts that ship, from an installed chromadb."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slm_lsp.server.chroma.facts import to_json
from slm_lsp.server.chroma.installed import SHIPPED, package_of
from slm_lsp.server.chroma.reading import read


def main(arguments: list[str]) -> int:
    """Write the facts of an environment's chromadb, of this interpreter's if none is named."""
    environment = Path(arguments[0]) if arguments else Path(sys.prefix)
    package = package_of(environment)
    if package is None:
        print(f"no chromadb in {environment}", file=sys.stderr)
        return 1
    facts = read(package)
    SHIPPED.write_text(json.dumps(to_json(facts), indent=1) + "\n", encoding="utf-8")
    print(f"chromadb {facts.version}: {SHIPPED}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
