"""jedi as a baseline."""

from __future__ import annotations

from slm_lsp.data import vocabulary
from slm_lsp.model.evaluation.copier import Copier
from slm_lsp.model.evaluation.static import StaticNames
from slm_lsp.model.runtime.tokenizer import Tokenizer

SOURCE = "import json\njson.loads('1')\njson."


def names(subject: StaticNames) -> list[str]:
    return [entry.name for entry in subject.identifiers(SOURCE, "\n", path="a.py", limit=20)]


def test_jedi_lists_what_exists_in_its_own_order() -> None:
    listed = names(StaticNames())
    assert "loads" in listed
    assert listed[0] != "loads"
    assert StaticNames().complete(SOURCE, "\n") is None


def test_beside_a_copier_what_was_used_before_comes_first() -> None:
    copier = Copier(Tokenizer.from_file(vocabulary("chroma8k")))
    assert names(StaticNames(None, copier))[0] == "loads"
