"""A project as the arms of the study need it: files by use, the same points for all, text as tokens.

Knows: how text is cut and counted. Must not know: arms, training, rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.evaluation import choose
from slm_lsp.model.repository import SourceFile, read_repository
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.adapt import document_stream
from slm_lsp.trainer.experiment.quality import Examination
from slm_lsp.trainer.job import TokenIds
from slm_lsp.trainer.phases import TRAINED_SHARE
from slm_lsp.trainer.scratch import in_order
from slm_lsp.trainer.split import Parts, split

POINTS = 80
"""Cursors in the files set aside at which every model of a project is judged."""
VALIDATION = 2_000
"""Tokens of GPT-2's vocabulary of the validation files over which the validation loss is taken."""


class Text:
    """Files as tokens of one vocabulary."""

    def __init__(self, files: Sequence[SourceFile], tokenizer: Tokenizer, seed: int) -> None:
        self.files = files
        """What it was made from."""
        self.ids = _stream(files, tokenizer, seed)
        """The tokens (N,)."""
        self.bytes = sum(len(file.text.encode("utf-8", "replace")) for file in files)
        """Their size in UTF-8."""

    def bits(self, loss: float) -> float:
        """A loss in nats a token as bits a byte."""
        return loss * len(self.ids) / max(self.bytes, 1) / math.log(2)


class Material:
    """A project with one seed; raises WorkspaceError, TrainingError where it has too little."""

    def __init__(self, project: str, folder: Path, seed: int, base: Checkpoint, points: int = POINTS) -> None:
        files = read_repository(folder).files
        self.project = project
        """Its name."""
        self.seed = seed
        """Of the split, the points and all that is trained."""
        self.base = base
        """The base model."""
        self.parts: Parts = split(files, seed)
        """The files by use."""
        if not self.parts.validation:
            raise TrainingError(f"{project} has too few files to set some aside; leave it out of the study")
        self.known = {file.path: file.text for file in files}
        """What a memory holds."""
        asked = choose(((file.path, file.text) for file in self.parts.held_out), points, seed)
        self.examination = Examination(asked, self.parts.train, self.known)
        """The points, the same for every arm."""
        self._gpt2 = Tokenizer.from_file(vocabulary("gpt2"))

    def learned(self, count: int, tokenizer: Tokenizer) -> Text:
        """What an arm learns: the text of the first `count` tokens of GPT-2's, the last tenth left out as published."""
        there = sum(len(self._gpt2.encode(file.text)) for file in self.parts.train)
        wanted = round(TRAINED_SHARE * min(count, there))
        return Text(first_text(self.parts.train, self._gpt2, wanted), tokenizer, self.seed)

    def validation(self, tokenizer: Tokenizer) -> Text:
        """What its validation loss is taken on: other files, the same for every arm."""
        return Text(first_text(self.parts.validation, self._gpt2, VALIDATION), tokenizer, self.seed)


def first_text(files: Iterable[SourceFile], tokenizer: Tokenizer, count: int) -> list[SourceFile]:
    """The files that hold the first `count` tokens, in the phases' order, the last of them cut."""
    taken: list[SourceFile] = []
    for file in in_order(files):
        if count <= 0:
            break
        ids = tokenizer.encode(file.text)
        taken.append(file if len(ids) <= count else replace(file, text=tokenizer.decode(ids[:count])))
        count -= len(ids)
    return taken


def _stream(files: Sequence[SourceFile], tokenizer: Tokenizer, seed: int) -> TokenIds:
    """One stream: as the base model's documents, or with the end token after each where paths have no token."""
    if tokenizer.special("file") is not None:
        return document_stream(files, tokenizer, fim=False, seed=seed)
    end = tokenizer.special("end")
    closing = [] if end is None else [end]
    ids = [number for file in files for number in (*tokenizer.encode(file.text), *closing)]
    return torch.tensor(ids, dtype=torch.int64)
