"""How good a model is: at cursors in files it never saw, through the Completer that serves editors.

Knows: points, the Completer, which lines stand elsewhere in the project. Must not know: how models are trained, files
of results, wording.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import Judgement, Point, Remembering, judge
from slm_lsp.model.evaluation.judging import Completes
from slm_lsp.model.memory import textbook_of
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.repository import SourceFile
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.export import export


@dataclass(frozen=True)
class Quality:
    """Scores at points, and the same for lines that stand elsewhere in the project and for new ones."""

    points: int
    """How many points."""
    em: float
    """Exact match, 0 to 1."""
    es: float
    """Edit similarity, 0 to 1."""
    repeated: int
    """Points whose whole line stands in a file that may be learned from, indentation aside."""
    repeated_right: int
    """Exact matches at these."""
    new_right: int
    """Exact matches at the others."""

    @property
    def em_repeated(self) -> float | None:
        """Exact match at repeated lines; None where there are none."""
        return self.repeated_right / self.repeated if self.repeated else None

    @property
    def em_new(self) -> float | None:
        """Exact match at new lines; None where there are none."""
        new = self.points - self.repeated
        return self.new_right / new if new else None


class Examination:
    """One set of points, asked of several models."""

    def __init__(
        self, points: Sequence[Point], learned: Iterable[SourceFile], known: Mapping[str, str],
        textbook: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """`learned` are the files that a line counts as repeated from; `known` those that a memory holds, by path."""
        self.points = points
        """Where it asks."""
        lines = {line.strip() for file in learned for line in file.text.split("\n")}
        self._repeated = [line_of(point).strip() in lines for point in points]
        self._known = known
        self.textbook = textbook
        """What a memory is taught beside these: that of an editor the cookbook, that of the study nothing."""

    def ask(
        self, completer: Completes, *, memory: bool = False, on_point: Callable[[], None] = lambda: None
    ) -> Quality:
        """The quality of anything that completes; with `memory`, of a Completer that knows the project's files."""
        if memory:
            assert isinstance(completer, Completer)
            taught = textbook_of(completer.tokenizer, self.textbook) if self.textbook else None
            completer = Remembering(completer, self._known, taught)
        judged: list[Judgement] = []
        for judgement in judge(completer, self.points):
            judged.append(judgement)
            on_point()
        count = max(len(judged), 1)
        right = [(judgement.right, again) for judgement, again in zip(judged, self._repeated, strict=True)]
        return Quality(
            len(judged), sum(hit for hit, _ in right) / count, sum(one.similarity for one in judged) / count,
            sum(self._repeated), sum(hit for hit, again in right if again),
            sum(hit for hit, again in right if not again),
        )  # fmt: skip


def line_of(point: Point) -> str:
    """The whole line that a point stands in, as it was really written."""
    return point.prefix.rpartition("\n")[2] + point.target


def completer_of(
    model: TinyGPT, tokenizer: Tokenizer, prompt: str, *, gate: Mapping[str, Any] | None = None, threads: int = 1
) -> Completer:
    """A network as editors are served by it: quantized, exported, run by the engine."""
    with tempfile.TemporaryDirectory(prefix="slm-lsp-") as draft:
        folder = Path(draft) / "model"
        export(model, folder, name="model", tokenizer=tokenizer, prompt=prompt, metrics={}, gate=gate or {}, card="")
        return Completer(Checkpoint.open(folder), threads=threads)
