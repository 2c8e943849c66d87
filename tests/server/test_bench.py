"""The bench: it measures a real server, on a small scale here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from doubles import GOLDEN, TINY
from slm_lsp.model.errors import WorkspaceError
from slm_lsp.server.bench import measure, resident_set


def test_it_measures_a_real_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("SLM_LSP_BASE", str(TINY))
    monkeypatch.setenv("SLM_LSP_HOME", str(tmp_path))
    bench = measure(GOLDEN / "program.py", 120, {"model": "base"})
    assert bench.typing.requests == 120
    assert bench.typing.answered > 0.5, "the model knows this program by heart"
    assert 0 < bench.typing.p50 <= bench.typing.p95 <= bench.typing.p99
    for popup in (bench.after_dot, bench.in_word):
        assert popup.requests > 0
        assert popup.answered > 0.7, "where a word is whole, no name goes on"
        assert 0 < popup.p50 <= popup.p95 <= popup.p99
    assert bench.after_dot.requests + bench.in_word.requests == 120
    assert bench.initialize_ms > 10
    assert 20 < bench.memory_mb < 1_000


def test_a_file_that_cannot_be_typed_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="nowhere"):
        measure(tmp_path / "nowhere.py", 1, {})
    (tmp_path / "blank.py").write_text("\n" * 100)
    with pytest.raises(WorkspaceError, match=r"blank\.py: fewer than 10 lines"):
        measure(tmp_path / "blank.py", 1, {})


def test_the_memory_of_a_process_that_is_not_there() -> None:
    with pytest.raises(WorkspaceError, match="cannot tell the memory"):
        resident_set(2**22 + 1)
