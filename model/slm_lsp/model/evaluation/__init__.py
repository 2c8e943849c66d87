"""Measures a completer on real code: cursors in files it has not seen, and what was really written there.

points.py   where cursors stand, and why there        metrics.py   how close a suggestion came

Knows: Python's tokens, text. Must not know: LSP, torch, which model is measured.
"""

from slm_lsp.model.evaluation.metrics import Scores, measure
from slm_lsp.model.evaluation.points import KINDS, Point, choose, imports_chromadb, points_of

__all__ = ["KINDS", "Point", "Scores", "choose", "imports_chromadb", "measure", "points_of"]
