"""The engine against the network: logits, then ids, then text; cached against fresh; int8 against float."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import PROGRAM, TINY
from slm_lsp.data import ROOT, base_checkpoint
from slm_lsp.model.errors import ContextOverflow
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine

CODE = (ROOT / "cookbook" / "clients").rglob("*.py")
"""Real programs that use ChromaDB."""


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return Checkpoint.open(base_checkpoint())


@pytest.fixture(scope="module")
def real_ids(base: Checkpoint) -> list[list[int]]:
    """Windows of real code, each a full context long."""
    encode = base.tokenizer().encode
    ids = [token for path in sorted(CODE) for token in encode(path.read_text())]
    context = base.config.context
    return [ids[start : start + context] for start in range(0, min(len(ids), 8 * context), context)]


@pytest.fixture(scope="module")
def tiny() -> Checkpoint:
    return Checkpoint.open(TINY)


@pytest.fixture(scope="module")
def tiny_ids(tiny: Checkpoint) -> list[int]:
    return tiny.tokenizer().encode(PROGRAM)[: tiny.config.context]


def torch_logits(checkpoint: Checkpoint, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return TinyGPT.load(checkpoint.folder)(torch.tensor([ids]))[0].numpy()


def greedy(engine: Engine, ids: list[int], count: int) -> list[int]:
    logits = engine.prefill(ids)
    chosen: list[int] = []
    for _ in range(count):
        chosen.append(int(logits.argmax()))
        logits = engine.append(chosen[-1:])[0]
    return chosen


def test_the_float_graph_equals_torch_on_real_code(base: Checkpoint, real_ids: list[list[int]]) -> None:
    engine, network = Engine.float32_of(base), TinyGPT.load(base.folder)
    ids = real_ids[0]
    np.testing.assert_allclose(engine.append(ids), torch_logits(base, ids), atol=1e-3)
    prompt = ids[:200]
    continued = greedy(engine, prompt, 24)
    assert continued == network.generate(prompt, 24)
    decode = base.tokenizer().decode
    assert decode(continued) == decode(network.generate(prompt, 24))


def test_int8_equals_float_but_for_rounding_on_real_code(base: Checkpoint, real_ids: list[list[int]]) -> None:
    quantized, floating = Engine.load(base), Engine.float32_of(base)
    agreed, positions = 0, 0
    losses = {"int8": 0.0, "float": 0.0}
    for ids in real_ids:
        quantized.rewind(0)
        floating.rewind(0)
        logits = {"int8": quantized.append(ids), "float": floating.append(ids)}
        agreed += int((logits["int8"].argmax(1) == logits["float"].argmax(1)).sum())
        positions += len(ids)
        for name, values in logits.items():
            scores = torch.from_numpy(values[:-1].copy())
            losses[name] += float(torch.nn.functional.cross_entropy(scores, torch.tensor(ids[1:])))
    assert agreed / positions >= 0.97
    assert losses["int8"] <= 1.01 * losses["float"]


@pytest.mark.parametrize(("kind", "tolerance"), [("float", 1e-4), ("int8", 0.05)])
def test_cached_and_rewound_equals_fresh(
    base: Checkpoint, real_ids: list[list[int]], kind: str, tolerance: float
) -> None:
    """Float: only the order of sums differs. Int8: its kernels round otherwise for another batch shape."""
    make = Engine.load if kind == "int8" else Engine.float32_of
    ids = real_ids[1][:240]
    fresh = make(base).append(ids)
    engine = make(base)
    engine.append(ids[:100])
    engine.append(ids[5:60])  # a wrong turn
    engine.rewind(100)
    pieces = [engine.append(ids[100:108]), engine.append(ids[108:109]), engine.append(ids[109:240])]
    assert engine.ids == ids
    scale = np.abs(fresh).max()
    assert np.abs(np.concatenate(pieces) - fresh[100:]).max() <= tolerance * max(scale, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_path_to_a_sequence_gives_its_logits(data: st.DataObject) -> None:
    """Append, rewind and prefill in any order: only the tokens that are there count."""
    checkpoint = Checkpoint.open(TINY)
    engine, fresh = Engine.float32_of(checkpoint), Engine.float32_of(checkpoint)
    tokens = st.lists(st.integers(0, checkpoint.config.vocab_size - 1), min_size=1, max_size=12)
    for _ in range(data.draw(st.integers(1, 5))):
        if engine.ids and data.draw(st.booleans()):
            engine.rewind(data.draw(st.integers(0, len(engine.ids))))
        engine.append(data.draw(tokens))
    wanted = engine.ids + data.draw(tokens)
    np.testing.assert_allclose(engine.prefill(wanted), fresh.append(wanted, last=1)[0], atol=1e-4)
    assert engine.ids == wanted


def test_one_and_two_threads_agree(tiny: Checkpoint, tiny_ids: list[int]) -> None:
    one, two = Engine.load(tiny, threads=1), Engine.load(tiny, threads=2)
    np.testing.assert_allclose(one.append(tiny_ids), two.append(tiny_ids), atol=1e-4)


def test_the_last_logits_are_the_last_of_all(tiny: Checkpoint, tiny_ids: list[int]) -> None:
    engine = Engine.load(tiny)
    everything = engine.append(tiny_ids[:40])
    engine.rewind(0)
    last = engine.append(tiny_ids[:40], last=3)
    assert last.shape == (3, tiny.config.vocab_size)
    np.testing.assert_allclose(last, everything[-3:], atol=1e-5)


def test_prefill_runs_only_what_is_new(tiny: Checkpoint, tiny_ids: list[int]) -> None:
    engine = Engine.load(tiny)
    first = engine.prefill(tiny_ids[:50])
    again = engine.prefill(tiny_ids[:50])
    np.testing.assert_allclose(first, again, atol=0.05)
    assert engine.ids == tiny_ids[:50]
    engine.prefill(tiny_ids[:20])
    assert engine.ids == tiny_ids[:20]


def test_overflow_is_refused_and_changes_nothing(tiny: Checkpoint, tiny_ids: list[int]) -> None:
    engine = Engine.load(tiny)
    engine.append(tiny_ids[:250])
    for bad in ([], [1] * 7):
        with pytest.raises(ContextOverflow):
            engine.append(bad)
    with pytest.raises(ContextOverflow):
        engine.rewind(251)
    assert engine.ids == tiny_ids[:250]
    assert engine.append([1] * 6).shape == (6, tiny.config.vocab_size)
    assert engine.free == 0
