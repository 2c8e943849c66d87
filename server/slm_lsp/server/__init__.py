"""The editor's side: the language server and the command line.

Knows: LSP, terminals, which model serves which document. Must not know: how a model computes or is trained.
"""

from __future__ import annotations

__version__ = "0.1.0"
