"""The trained model beside the base model, on files that neither was trained on.

Knows: how two models are compared, and when one may be put to use. Must not know: training, torch, the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_lsp.data import textbook
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import Point, Remembering, Scores, measure
from slm_lsp.model.memory import textbook_of

POINTS = 120
"""Cursors at which both models complete, where the files set aside have as many."""
ENOUGH = 20
"""Fewer cursors than this say nothing about which model is better."""


@dataclass(frozen=True)
class Verdict:
    """What the comparison came to."""

    base: Scores | None
    """The base model's scores; None where it was not measured."""
    trained: Scores | None
    """The trained model's."""
    better: bool
    """Whether the trained model should be used."""
    why: str
    """In words."""


def judge(
    trained: Path, base: Path, points: Sequence[Point], known: Mapping[str, str],
    on_point: Callable[[], None] = lambda: None,
) -> Verdict:  # fmt: skip
    """Compare the checkpoints in two folders through the path that serves editors.

    Both are asked the same, and know the files by path as an editor's server does. `on_point` is called twice for
    each point. Raises CheckpointError.
    """
    if len(points) < ENOUGH:
        return Verdict(
            None, None, False,
            f"it cannot be judged: the files set aside have {len(points)} places to complete at, {ENOUGH} are needed",
        )  # fmt: skip
    completers = [Completer.load(folder, threads=2) for folder in (base, trained)]
    subjects = (Remembering(one, known, textbook_of(one.tokenizer, textbook())) for one in completers)
    before, after = (measure(subject, points, on_point) for subject in subjects)
    better = after.beats(before)
    figures = f"exact match {after.em:.1%} against {before.em:.1%}"
    if after.em == before.em:
        figures += f", edit similarity {after.es:.3f} against {before.es:.3f}"
    verb = "beats" if better else "does not beat"
    return Verdict(before, after, better, f"it {verb} the base model on files it never saw: {figures}")
