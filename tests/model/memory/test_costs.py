"""The memory is quick: three times what it may cost at most, so that a busy machine does not fail it."""

from __future__ import annotations

from slm_lsp.data import base_checkpoint
from slm_lsp.model.memory import Memory
from slm_lsp.model.memory.costs import measure
from slm_lsp.model.runtime.checkpoint import Checkpoint


def test_a_workspace_is_learned_and_edits_are_followed_in_time() -> None:
    costs = measure(Memory(Checkpoint.open(base_checkpoint()).tokenizer()), 150_000)
    assert costs.tokens > 120_000
    assert costs.learned_s / costs.tokens < 3 * 20 / 1_000_000
    assert costs.edit_p50_ms < 3 * 2
