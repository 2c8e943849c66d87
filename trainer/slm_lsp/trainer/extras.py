"""What training needs beyond what completing needs, and what to tell a user who lacks it.

Knows: the names of the optional packages. Must not know: how they are used.
"""

from __future__ import annotations

import importlib
import os

from slm_lsp.model.errors import MissingExtra

NEEDED = ("torch", "onnx")
"""The packages of the extra `train`."""

_ADVICE = """training needs {missing}, which {verb} not installed. Install the extra:

    pip install "slm-lsp[train]"

Beware of the size: on Linux, plain torch brings several GB of CUDA libraries. Without an NVIDIA GPU you want its
CPU build (about 200 MB to download): install torch first, from PyTorch's own index of CPU wheels. PyTorch's
"Get started" page shows that command when you choose your system, Pip and CPU. Then run the command above."""


def require_extra() -> None:
    """Import what training needs, which takes seconds; raises MissingExtra with advice."""
    # Torch's threads wait for each other by spinning, which beside an editor and a browser costs most of the
    # speed: on two busy cores a step took six times as long. Read once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    missing = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise MissingExtra(_ADVICE.format(missing=" and ".join(missing), verb=verb))
