"""Block-wise 8-bit weights."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slm_lsp.model.runtime.quantize import dequantize, dequantize_state, quantize, quantize_state

matrices = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.sampled_from([32, 64])), elements=st.floats(-1e3, 1e3, width=32)
)


@given(matrices)
def test_the_error_is_at_most_half_a_step_of_its_block(weight: np.ndarray) -> None:
    codes, scales = quantize(weight)
    assert codes.shape == weight.shape and scales.shape == (weight.shape[0], weight.shape[1] // 32)
    assert codes.min() >= 1  # symmetric: code 0 would be -128
    step = np.repeat(scales, 32, axis=1)
    assert np.all(np.abs(dequantize(codes, scales) - weight) <= step * 0.5001 + 1e-30)


@given(matrices)
def test_quantizing_twice_changes_nothing_more(weight: np.ndarray) -> None:
    once = dequantize(*quantize(weight))
    np.testing.assert_allclose(dequantize(*quantize(once)), once, rtol=1e-6, atol=1e-37)


def test_a_state_keeps_its_names_and_its_vectors() -> None:
    state = {"a.weight": np.ones((2, 32), np.float32), "norm.weight": np.arange(3, dtype=np.float32)}
    tensors = quantize_state(state)
    assert set(tensors) == {"a.weight", "a.weight.scales", "norm.weight"}
    again = dequantize_state(tensors)
    assert set(again) == set(state)
    np.testing.assert_array_equal(again["norm.weight"], state["norm.weight"])
