"""Who is asked at the points: the model, and beside it the baselines.

Knows: the Completer, the copier, static analysis. Must not know: where points come from, how figures are drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from slm_lsp.data import textbook, vocabulary
from slm_lsp.model.completion import Completer, Stages
from slm_lsp.model.evaluation import KINDS, Judgement, Remembering, judge
from slm_lsp.model.evaluation.api import API_KINDS, judge_api
from slm_lsp.model.evaluation.copier import Copier, Ids, read_corpus
from slm_lsp.model.evaluation.judging import Completes
from slm_lsp.model.evaluation.static import Lister, NamesAlone, Served, StaticNames
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.memory import textbook_of
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.server.choice import choose, find_model
from slm_lsp.server.cli.evaluate.projects import Project
from slm_lsp.server.static.analysis import Source, StaticAnalysis
from slm_lsp.server.static.analyst import Analyst

THREADS = 2
"""Processor threads that compute a suggestion: nobody types meanwhile."""
PATIENCE, MOST_MEMORY = 600.0, 4_000_000_000
"""Of static analysis: quality is measured without the limits that keep an editor quick, see static/analyst.py."""

_TYPED = re.compile(r"[^\W\d]\w*$")


@dataclass(frozen=True)
class Measured:
    """What everyone made of the points."""

    model: str
    """The model's name."""
    kinds: Sequence[str]
    """The kinds of cursors, in the order of the table."""
    judgements: Mapping[str, list[Judgement]]
    """By who was asked: "model" (its popup is the one that editors are served), "model alone" (its popup without static
    analysis), "copier", "copier + corpus", "jedi", "copier + jedi"."""


def load_model(model: str, place: Path | None, stages: Stages) -> Completer:
    """The model of a name or folder, or the one an editor would use at a place; raises CheckpointError."""
    library = ModelLibrary()
    if Path(model).is_dir():
        model = str(Path(model).resolve())
    return Completer.load(find_model(choose(place, model, library).name, library), threads=THREADS, stages=stages)


def measure_projects(
    completer: Completer, projects: Sequence[Project], *, api: bool = False, popup: bool = True, baselines: bool = True,
    corpus: Path | None = None, on_point: Callable[[str], None] = lambda name: None,
) -> Measured:  # fmt: skip
    """Ask the model, with its memory, and the baselines at every point.

    `on_point` hears who is asked where.
    """
    judgements: dict[str, list[Judgement]] = {}
    tokenizer = Tokenizer.from_file(vocabulary("chroma8k"))
    packed = read_corpus(corpus, tokenizer) if corpus and baselines else []
    taught = textbook_of(completer.tokenizer, textbook())
    for project in projects:
        with analysis_of() as analysis:
            lister = lister_of(analysis, project.root) if popup else None
            subjects = _models(Remembering(completer, project.known, taught), lister, baselines=baselines)
            if baselines:
                subjects |= _baselines(project, tokenizer, packed, lister)
            for who, subject in subjects.items():
                asked = judge_api(subject, project.points) if api else judge(subject, project.points, popup=popup)
                for judgement in asked:
                    judgements.setdefault(who, []).append(judgement)
                    on_point(f"{project.name}: {who}")
    return Measured(completer.name, API_KINDS if api else tuple(KINDS), judgements)


@contextmanager
def analysis_of() -> Iterator[StaticAnalysis]:
    """What editors are served with, with all the time and memory that it wants: a process for each project."""
    analysis = StaticAnalysis(Analyst(patience=PATIENCE, most_memory=MOST_MEMORY))
    try:
        yield analysis
    finally:
        analysis.stop()


def lister_of(analysis: StaticAnalysis, root: Path | None) -> Lister:
    """The names that exist in a project; those of a point are asked for once."""

    @lru_cache(maxsize=256)
    def names(prefix: str, suffix: str, path: str) -> tuple[str, ...]:
        typed = match.group() if (match := _TYPED.search(prefix[-200:])) else ""
        source = Source(root / path if root and path else None, root, text=prefix + suffix)
        found = analysis.names(source, len(prefix) - len(typed), len(prefix)).result()
        return tuple(one.name for one in found.listed if one.name.startswith(typed)) if found else ()

    return names


def served(remembering: Remembering, lister: Lister | None = None) -> Completes:
    """A model with its memory, and with the popup that editors are given where names are listed."""
    return Served(remembering.completer, remembering.memory, lister) if lister else remembering


def _models(remembering: Remembering, lister: Lister | None, *, baselines: bool) -> dict[str, Completes]:
    """The model as editors are served, and its names without static analysis."""
    models = {"model": served(remembering, lister)}
    return {**models, "model alone": NamesAlone(remembering)} if lister and baselines else models


def _baselines(
    project: Project, tokenizer: Tokenizer, packed: Sequence[Ids], lister: Lister | None
) -> dict[str, Completes]:
    """Copiers and jedi, which know what the model's memory knows."""
    copier = Copier(tokenizer, project.known)
    found: dict[str, Completes] = {"copier": copier}
    if packed:
        found["copier + corpus"] = Copier(tokenizer, project.known, packed)
    if lister:
        found |= {"jedi": StaticNames(lister), "copier + jedi": StaticNames(lister, copier)}
    return found
