"""The copier without a model: it goes on as the text went on where most of it agrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.evaluation.copier import Copier, read_corpus
from slm_lsp.model.runtime.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(vocabulary("chroma8k"))


ABOVE = "notes = client.get_collection(name='notes')\nbooks = client.create_collection(name='books')\n"


def rest(copier: Copier, prefix: str, suffix: str = "\n", path: str = "a.py") -> str:
    copied = copier.complete(prefix, suffix, path=path)
    return copied.text if copied else ""


def test_the_longest_agreement_wins(tokenizer: Tokenizer) -> None:
    copier = Copier(tokenizer)
    assert rest(copier, ABOVE + "notes = client.get_") == "collection(name='notes')"
    assert rest(copier, ABOVE + "notes = client.create_") == "collection(name='books')"
    assert rest(copier, ABOVE + "books = client.cre") == "ate_collection(name='books')"


def test_it_reads_below_the_cursor_but_not_across_it(tokenizer: Tokenizer) -> None:
    assert rest(Copier(tokenizer), "x = frobnicate(", "\nwalrus()\ny = frobnicate(seven)\n") == "seven)"
    assert rest(Copier(tokenizer), "x = frobnicate(", "seven)\n") == ""


def test_the_workspace_is_read_but_not_the_same_file(tokenizer: Tokenizer) -> None:
    copier = Copier(tokenizer, {"store.py": "def spell():\n    return frobnicate(seven)\n"})
    assert rest(copier, "    return frobnicate(") == "seven)"
    assert rest(copier, "    return frobnicate(", path="store.py") == ""


def test_names_come_longest_context_first(tokenizer: Tokenizer) -> None:
    names = [entry.name for entry in Copier(tokenizer).identifiers(ABOVE + "books = client.", "\n", path="a.py")]
    assert names[:2] == ["create_collection", "get_collection"]
    typed = [entry.name for entry in Copier(tokenizer).identifiers(ABOVE + "books = client.get", "\n", path="a.py")]
    assert typed[0] == "get_collection"


def test_a_packed_corpus_is_read_in_its_own_vocabulary_only(tokenizer: Tokenizer, tmp_path: Path) -> None:
    for group in ("chroma", "general"):
        ids = tokenizer.encode("\n    return frobnicate(seven)\n")
        np.array(ids, "<u2").tofile(tmp_path / f"{group}.bin")
    (tmp_path / "meta.json").write_text(f'{{"tokenizer_sha256": "{tokenizer.sha256}"}}')
    copier = Copier(tokenizer, corpus=read_corpus(tmp_path, tokenizer))
    assert rest(copier, "x = 1\n    return frobnicate(") == "seven)"
    (tmp_path / "meta.json").write_text('{"tokenizer_sha256": "another"}')
    with pytest.raises(CorpusError, match="another vocabulary"):
        read_corpus(tmp_path, tokenizer)
    with pytest.raises(CorpusError, match="no packed corpus"):
        read_corpus(tmp_path / "nowhere", tokenizer)
