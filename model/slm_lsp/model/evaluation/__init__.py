"""Measures a completer on real code: cursors in files it has not seen, and what was really written there.

points.py     where cursors stand, and why there      judging.py  what a completer offers at each of them
positions.py  the same as committed files             figures.py  sums, by kind, with intervals over files
metrics.py    how close a suggestion came
api.py        ChromaDB calls, one by one              typist.py   keystrokes saved
copier.py     the baseline without a model            static.py   jedi, the other one
asked.py      points made elsewhere, line by line     gate.py     from which confidence on to show
mixing.py     how much the memory counts, fitted

Knows: Python's tokens, text. Must not know: LSP, torch, which model is measured.
"""

from slm_lsp.model.evaluation.judging import Judgement, Remembering, Scores, judge, measure
from slm_lsp.model.evaluation.points import KINDS, Point, choose, imports_chromadb, points_of

__all__ = [
    "KINDS",
    "Judgement",
    "Point",
    "Remembering",
    "Scores",
    "choose",
    "imports_chromadb",
    "judge",
    "measure",
    "points_of",
]
