"""Nothing leaves the machine: ONNX Runtime is kept from noting what it is used for, and from sending that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from doubles import TINY

COMPLETE = """
import sys
from slm_lsp.model.completion import Completer
assert Completer.load(sys.argv[1]).complete("import chr", "")
"""


def test_completing_leaves_no_trace(tmp_path: Path) -> None:
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR", "LOCALAPPDATA"), str(tmp_path))
    # Where CI is set, ONNX Runtime is silent by itself.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment |= {**places, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", COMPLETE, str(TINY)], env=environment, check=True, timeout=300)
    assert list(tmp_path.rglob("*")) == []
