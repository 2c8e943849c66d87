"""Who is asked at the points: the model, and beside it the baselines.

Knows: the Completer, the copier, jedi. Must not know: where points come from, how figures are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_lsp.data import vocabulary
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import KINDS, Judgement, Remembering, judge
from slm_lsp.model.evaluation.api import API_KINDS, judge_api
from slm_lsp.model.evaluation.copier import Copier, Ids, read_corpus
from slm_lsp.model.evaluation.judging import Completes
from slm_lsp.model.evaluation.static import StaticNames
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.server.choice import choose, find_model
from slm_lsp.server.cli.evaluate.projects import Project

THREADS = 2
"""Processor threads that compute a suggestion: nobody types meanwhile."""


@dataclass(frozen=True)
class Measured:
    """What everyone made of the points."""

    model: str
    """The model's name."""
    kinds: Sequence[str]
    """The kinds of cursors, in the order of the table."""
    judgements: Mapping[str, list[Judgement]]
    """By who was asked: "model", "copier", "copier + corpus", "jedi", "copier + jedi"."""


def load_model(model: str, place: Path | None) -> Completer:
    """The model of a name or folder, or the one an editor would use at a place; raises CheckpointError."""
    library = ModelLibrary()
    if Path(model).is_dir():
        model = str(Path(model).resolve())
    return Completer.load(find_model(choose(place, model, library).name, library), threads=THREADS)


def measure_projects(
    completer: Completer, projects: Sequence[Project], *, api: bool = False, popup: bool = True, memory: bool = True,
    baselines: bool = True, corpus: Path | None = None, on_point: Callable[[str], None] = lambda name: None,
) -> Measured:  # fmt: skip
    """Ask the model, with its memory unless told otherwise, and the baselines at every point.

    `on_point` hears who is asked where.
    """
    judgements: dict[str, list[Judgement]] = {}
    tokenizer = Tokenizer.from_file(vocabulary("chroma8k"))
    packed = read_corpus(corpus, tokenizer) if corpus and baselines else []
    for project in projects:
        subjects: dict[str, Completes] = {"model": Remembering(completer, project.known) if memory else completer}
        if baselines:
            subjects |= _baselines(project, tokenizer, packed, popup=popup)
        for who, subject in subjects.items():
            asked = judge_api(subject, project.points) if api else judge(subject, project.points, popup=popup)
            for judgement in asked:
                judgements.setdefault(who, []).append(judgement)
                on_point(f"{project.name}: {who}")
    return Measured(completer.name, API_KINDS if api else tuple(KINDS), judgements)


def _baselines(project: Project, tokenizer: Tokenizer, packed: Sequence[Ids], *, popup: bool) -> dict[str, Completes]:
    """Copiers and jedi, which know what the model's memory knows."""
    copier = Copier(tokenizer, project.known)
    found: dict[str, Completes] = {"copier": copier}
    if packed:
        found["copier + corpus"] = Copier(tokenizer, project.known, packed)
    if popup:
        found |= {"jedi": StaticNames(project.root), "copier + jedi": StaticNames(project.root, copier)}
    return found
