"""The network of a ModelConfig as an ONNX graph without weights, built node by node.

Knows: operators and tensor names. Must not know: weight values, files. The only module that imports onnx; the
server reads finished graphs and never loads it.

Inputs   ids (1, T) int64 · last_position (1,) int32 · total_length () int32 · first_logit (1,) int64
         past_key_i, past_value_i (1, H, M, S) float32, M = context
Outputs  logits (1, T - first_logit, V) · present_key_i, present_value_i (1, H, M, S), bound to the buffers of the past
Weights  named as in the network's state; matrices as codes and scales (int8) or transposed floats (float32)
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto, helper

from slm_lsp.model.config import QUANTIZATION_BLOCK, ModelConfig

OPSET = 21
MICROSOFT = "com.microsoft"


def build_graph(config: ModelConfig, *, quantized: bool = True) -> bytes:
    """The serialized graph of `config`; its initializers are external and must be attached when it is loaded."""
    return _Builder(config, quantized=quantized).build()


class _Builder:
    """Collects nodes and initializers while the forward pass is written down."""

    def __init__(self, config: ModelConfig, *, quantized: bool) -> None:
        self.config = config
        self.quantized = quantized
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def build(self) -> bytes:
        c = self.config
        x = self._embed("ids")  # (1, T, C)
        self._weight("cos", TensorProto.FLOAT, (c.context, c.head_size // 2))
        self._weight("sin", TensorProto.FLOAT, (c.context, c.head_size // 2))
        normed = self._norm(x, "blocks.0.attention_norm.weight")
        for layer in range(c.layers):
            block = f"blocks.{layer}."
            attended = self._attention(normed, layer)
            normed, x = self._add_norm(attended, x, block + "feed_forward_norm.weight")
            following = f"blocks.{layer + 1}.attention_norm.weight" if layer + 1 < c.layers else "norm.weight"
            normed, x = self._add_norm(self._feed_forward(normed, block + "feed_forward."), x, following)
        wanted = self._node(
            "Slice", [normed, "first_logit", self._constant("end", 2**31 - 1), self._constant("axis", 1)]
        )
        self._matmul(wanted, "embedding.weight", c.width, c.vocab_size, output="logits")
        return self._model().SerializeToString()  # type: ignore[no-any-return]

    def _model(self) -> onnx.ModelProto:
        c = self.config
        cache = (1, c.heads, c.context, c.head_size)
        value = helper.make_tensor_value_info
        inputs = [
            value("ids", TensorProto.INT64, (1, "T")),
            value("last_position", TensorProto.INT32, (1,)),
            value("total_length", TensorProto.INT32, ()),
            value("first_logit", TensorProto.INT64, (1,)),
        ]
        outputs = [value("logits", TensorProto.FLOAT, (1, "K", c.vocab_size))]
        for layer in range(c.layers):
            inputs += [value(f"past_{kind}_{layer}", TensorProto.FLOAT, cache) for kind in ("key", "value")]
            outputs += [value(f"present_{kind}_{layer}", TensorProto.FLOAT, cache) for kind in ("key", "value")]
        graph = helper.make_graph(self.nodes, "tiny_gpt", inputs, outputs, self.initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="slm-lsp")

    # --- the forward pass -----------------------------------------------------------------------------------

    def _embed(self, ids: str) -> str:
        c = self.config
        if not self.quantized:
            self._weight("embedding.table", TensorProto.FLOAT, (c.vocab_size, c.width))
            return self._node("Gather", ["embedding.table", ids], axis=0)
        # The same memory as the output head's codes, in the two-dimensional shape this operator wants.
        self._weight("embedding.table", TensorProto.UINT8, (c.vocab_size, c.width))
        self._weight("embedding.table.scales", TensorProto.FLOAT, (c.vocab_size, c.width // QUANTIZATION_BLOCK))
        return self._node(
            "GatherBlockQuantized", ["embedding.table", ids, "embedding.table.scales"], MICROSOFT,
            gather_axis=0, quantize_axis=1, block_size=QUANTIZATION_BLOCK, bits=8,
        )  # fmt: skip

    def _attention(self, x: str, layer: int) -> str:
        c, name = self.config, f"blocks.{layer}.attention."
        qkv = self._matmul(x, name + "qkv.weight", c.width, 3 * c.width)  # (1, T, 3C): packed, as the operator allows
        attended, past = name + "attended", (f"past_key_{layer}", f"past_value_{layer}")
        self.nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [qkv, "", "", *past, "last_position", "total_length", "cos", "sin"],
                [attended, f"present_key_{layer}", f"present_value_{layer}"],
                domain=MICROSOFT, num_heads=c.heads, kv_num_heads=c.heads, do_rotary=1,
            )
        )  # fmt: skip
        return self._matmul(attended, name + "out.weight", c.width, c.width)

    def _feed_forward(self, x: str, name: str) -> str:
        c = self.config
        gate_up = self._matmul(x, name + "gate_up.weight", c.width, 2 * c.hidden)
        gate, up = name + "gate", name + "up"
        self.nodes.append(helper.make_node("Split", [gate_up], [gate, up], axis=-1, num_outputs=2))
        active = self._node("QuickGelu", [gate], MICROSOFT, alpha=1.0)  # x * sigmoid(x) = SiLU
        return self._matmul(self._node("Mul", [active, up]), name + "down.weight", c.hidden, c.width)

    def _norm(self, x: str, weight: str) -> str:
        self._weight(weight, TensorProto.FLOAT, (self.config.width,))
        return self._node(
            "SimplifiedLayerNormalization", [x, weight], axis=-1, epsilon=self.config.norm_eps, stash_type=1
        )

    def _add_norm(self, x: str, residual: str, weight: str) -> tuple[str, str]:
        """Norm of the sum, and the sum, in one operator."""
        self._weight(weight, TensorProto.FLOAT, (self.config.width,))
        normed, total = weight + ".normed", weight + ".sum"
        self.nodes.append(
            helper.make_node(
                "SkipSimplifiedLayerNormalization", [x, residual, weight], [normed, "", "", total],
                domain=MICROSOFT, epsilon=self.config.norm_eps,
            )
        )  # fmt: skip
        return normed, total

    # --- building blocks ------------------------------------------------------------------------------------

    def _matmul(self, x: str, weight: str, k: int, n: int, output: str | None = None) -> str:
        if not self.quantized:
            self._weight(weight, TensorProto.FLOAT, (k, n))
            return self._node("MatMul", [x, weight], output=output)
        blocks = k // QUANTIZATION_BLOCK
        self._weight(weight, TensorProto.UINT8, (n, blocks, QUANTIZATION_BLOCK))
        self._weight(weight + ".scales", TensorProto.FLOAT, (n, blocks))
        return self._node(
            "MatMulNBits", [x, weight, weight + ".scales"], MICROSOFT, output=output,
            K=k, N=n, bits=8, block_size=QUANTIZATION_BLOCK, accuracy_level=4,
        )  # fmt: skip

    def _node(
        self, operator: str, inputs: list[str], domain: str = "", *, output: str | None = None, **attributes: Any
    ) -> str:
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def _weight(self, name: str, kind: int, shape: tuple[int, ...]) -> None:
        """Declare a weight that the engine attaches: an initializer with an external location and no data."""
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="weights")
        self.initializers.append(tensor)

    def _constant(self, name: str, value: int) -> str:
        self.initializers.append(helper.make_tensor(name, TensorProto.INT64, (1,), [value]))
        return name
