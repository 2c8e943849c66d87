"""The engine: one model, one sequence of tokens, one KV cache in a fixed buffer.

Knows: how to append tokens, go back and get logits, on ONNX Runtime. Must not know: text, prompts, decoding.

Shapes: T appended tokens, V vocabulary, H heads, S head size, M context (length of the KV buffer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime as ort

from slm_lsp.model.config import QUANTIZATION_BLOCK, ModelConfig
from slm_lsp.model.errors import CheckpointDamaged, ContextOverflow
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.quantize import Array, Floats, dequantize_state


class Engine:
    """Runs a model token by token; the tokens seen so far are `ids`, and any tail of them can be taken back.

    Not safe for use from two threads at once: it owns one KV cache.
    """

    def __init__(self, config: ModelConfig, graph: bytes, weights: Mapping[str, Array], *, threads: int = 1) -> None:
        self.config = config
        self.ids: list[int] = []
        self._session = _session(graph, {**weights, **_rotary_tables(config)}, threads)
        self._binding = self._session.io_binding()
        shape = (1, config.heads, config.context, config.head_size)
        self._cache: list[ort.OrtValue] = []  # kept alive as long as the binding points into it
        for layer in range(config.layers):
            for kind in ("key", "value"):
                buffer = ort.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                self._cache.append(buffer)
                self._binding.bind_ortvalue_input(f"past_{kind}_{layer}", buffer)
                self._binding.bind_ortvalue_output(f"present_{kind}_{layer}", buffer)

    @classmethod
    def load(cls, checkpoint: Checkpoint, *, threads: int = 1) -> Engine:
        """The int8 engine of a checkpoint; raises CheckpointDamaged when graph and weights do not fit."""
        tensors = checkpoint.tensors()
        try:
            engine = cls(checkpoint.config, checkpoint.graph(), _int8_weights(tensors), threads=threads)
            engine.append([0])  # a config that does not fit the graph shows only when it runs
            engine.rewind(0)
            return engine
        except Exception as error:  # onnxruntime's exceptions share no public root
            raise CheckpointDamaged(f"{checkpoint.folder}: the graph does not load: {error}") from error

    @classmethod
    def float32(cls, config: ModelConfig, state: Mapping[str, Floats], *, threads: int = 1) -> Engine:
        """A float engine of a network's state, the reference that int8 is measured against; needs onnx."""
        from slm_lsp.model.runtime.graph import build_graph

        weights = {name: value.T.copy() if value.ndim == 2 else value for name, value in state.items()}
        weights["embedding.table"] = state["embedding.weight"]
        return cls(config, build_graph(config, quantized=False), weights, threads=threads)

    @classmethod
    def float32_of(cls, checkpoint: Checkpoint, *, threads: int = 1) -> Engine:
        """The float engine of a checkpoint's dequantized weights; needs onnx."""
        return cls.float32(checkpoint.config, dequantize_state(checkpoint.tensors()), threads=threads)

    @property
    def free(self) -> int:
        """Tokens that can still be appended."""
        return self.config.context - len(self.ids)

    def rewind(self, length: int) -> None:
        """Keep only the first `length` tokens; raises ContextOverflow when there are fewer."""
        if not 0 <= length <= len(self.ids):
            raise ContextOverflow(f"cannot rewind to {length}: the sequence has {len(self.ids)} tokens")
        del self.ids[length:]

    def append(self, ids: Sequence[int], *, last: int | None = None) -> Floats:
        """Append T tokens in one pass; the logits (T, V) that follow each of them, or only the `last` ones.

        Raises ContextOverflow, leaving the sequence as it was, when they do not fit or are none.
        """
        count = len(ids)
        if not 0 < count <= self.free:
            raise ContextOverflow(f"cannot append {count} tokens: {len(self.ids)} of {self.config.context} are used")
        total = len(self.ids) + count
        wanted = count if last is None else min(last, count)
        bind = self._binding.bind_cpu_input
        bind("ids", np.asarray([ids], np.int64))
        bind("last_position", np.asarray([total - 1], np.int32))
        bind("total_length", np.asarray(total, np.int32))
        bind("first_logit", np.asarray([count - wanted], np.int64))
        self._binding.bind_output("logits")
        self._session.run_with_iobinding(self._binding)
        self.ids.extend(ids)
        # Outputs come in the order of binding, and rebinding keeps the place: logits were bound last.
        logits: Floats = self._binding.get_outputs()[-1].numpy()[0]
        return logits

    def prefill(self, ids: Sequence[int]) -> Floats:
        """Make the sequence equal to `ids`, reusing the cache up to the first difference; the last logits (V,).

        At least the last token is run again, since its logits are wanted.
        """
        common = 0
        for old, new in zip(self.ids, ids[:-1], strict=False):
            if old != new:
                break
            common += 1
        self.rewind(common)
        logits: Floats = self.append(ids[common:], last=1)[0]
        return logits


def _int8_weights(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The checkpoint's tensors in the shapes of the graph; the embedding's codes serve as table and as head."""
    weights: dict[str, Array] = {}
    for name, value in tensors.items():
        weights[name] = value.reshape(value.shape[0], -1, QUANTIZATION_BLOCK) if value.dtype == np.uint8 else value
    weights["embedding.table"] = tensors["embedding.weight"]
    weights["embedding.table.scales"] = tensors["embedding.weight.scales"]
    return weights


def _rotary_tables(config: ModelConfig) -> dict[str, Floats]:
    half = config.head_size // 2
    frequency = config.rope_base ** (-np.arange(half, dtype=np.float64) / half)
    angle = np.outer(np.arange(config.context, dtype=np.float64), frequency)  # (M, S/2)
    return {"cos": np.cos(angle).astype(np.float32), "sin": np.sin(angle).astype(np.float32)}


def _session(graph: bytes, weights: Mapping[str, Array], threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning threads would burn a core between keystrokes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    names = list(weights)
    values = [ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(weights[name])) for name in names]
    options.add_external_initializers(names, values)
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
