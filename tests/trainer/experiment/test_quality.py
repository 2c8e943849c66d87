"""What an examination teaches the memory that it asks with."""

from __future__ import annotations

from slm_lsp.data import base_in_use
from slm_lsp.model.completion import Completer
from slm_lsp.model.evaluation import Point
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.experiment.quality import Examination

BEFORE, TARGET = "alpha, bravo, charlie = delta(echo, foxtrot, golf)\nhotel = india.", "juliett(bravo, golf)"
TEXT = f"{BEFORE}{TARGET}\nmike = november(hotel)\n"


def test_a_memory_knows_the_textbook_that_it_is_taught() -> None:
    point = Point("other.py", "after_dot", BEFORE, TARGET, "\n", chroma=False)
    completer = Completer(Checkpoint.open(base_in_use()))
    plain, taught = Examination([point], [], {}), Examination([point], [], {}, {"<cookbook>/a.py": TEXT})
    assert plain.ask(completer, memory=True).em == 0.0
    assert taught.ask(completer, memory=True).em == 1.0
    assert taught.ask(completer).em == 0.0, "by itself a model has no memory"
