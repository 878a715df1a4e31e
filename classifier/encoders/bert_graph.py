"""A BERT encoder as an ONNX graph, straight from its safetensors weights: no torch anywhere.

The graph is the paper's (Devlin et al. 2019): summed embeddings, then per layer self-attention and a GELU
feed-forward block, each added back and layer-normalised. Inputs `input_ids`, `attention_mask` and
`token_type_ids`, int64 of shape (batch, tokens); output `last_hidden_state`, float32 (batch, tokens, width).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from classifier.errors import EncoderRefused

# 20 is the first with Gelu as an operator; 10 is the IR version onnxruntime has read since 1.18.
OPSET = 20
IR_VERSION = 10

WORD_TABLE = "embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class BertShape:
    """The numbers of a BERT model's config.json that the graph needs."""

    layers: int
    heads: int
    width: int
    epsilon: float


def read_shape(config: Path) -> BertShape:
    """Read config.json; raises EncoderRefused for an architecture this module cannot write."""
    values = json.loads(config.read_text(encoding="utf-8"))
    wanted = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    for key, value in wanted.items():
        if values.get(key) != value:
            raise EncoderRefused(
                f"{config.name} says {key} = {values.get(key)!r}; only {value!r} can be converted"
            )
    return BertShape(
        layers=values["num_hidden_layers"],
        heads=values["num_attention_heads"],
        width=values["hidden_size"],
        epsilon=values["layer_norm_eps"],
    )


class _Graph:
    """Collects nodes and weights; every method adds one operation and returns its output's name."""

    def __init__(self, weights: dict[str, NDArray[np.float32]], shape: BertShape) -> None:
        self.weights = weights
        self.shape = shape
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._known: set[str] = set()

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        if name not in self._known:
            self._known.add(name)
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def dense(self, x: str, name: str) -> str:
        # Stored as (out, in); MatMul wants (in, out), and so does per-channel quantisation.
        kernel = self.constant(f"{name}.kernel", self.weights[f"{name}.weight"].T)
        return self.op("Add", self.op("MatMul", x, kernel), self.weight(f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=self.shape.epsilon)

    def attention(self, x: str, mask: str, name: str) -> str:
        heads, width = self.shape.heads, self.shape.width
        split = self.constant("split_heads", np.array([0, 0, heads, width // heads], dtype=np.int64))
        merge = self.constant("merge_heads", np.array([0, 0, width], dtype=np.int64))
        scale = self.constant("head_scale", np.array((width // heads) ** -0.5, dtype=np.float32))

        def by_head(part: str, order: list[int]) -> str:
            dense = self.dense(x, f"{name}.self.{part}")
            return self.op("Transpose", self.op("Reshape", dense, split), perm=order)

        query, key = by_head("query", [0, 2, 1, 3]), by_head("key", [0, 2, 3, 1])
        value = by_head("value", [0, 2, 1, 3])
        scores = self.op("Add", self.op("Mul", self.op("MatMul", query, key), scale), mask)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), value)
        merged = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), merge)
        return self.dense(merged, f"{name}.output.dense")

    def layer(self, x: str, mask: str, index: int) -> str:
        name = f"encoder.layer.{index}"
        attended = self.op("Add", self.attention(x, mask, f"{name}.attention"), x)
        x = self.norm(attended, f"{name}.attention.output.LayerNorm")
        inner = self.op("Gelu", self.dense(x, f"{name}.intermediate.dense"))
        return self.norm(
            self.op("Add", self.dense(inner, f"{name}.output.dense"), x), f"{name}.output.LayerNorm"
        )

    def embeddings(self) -> str:
        words = self.op("Gather", self.weight(WORD_TABLE), "input_ids")
        kinds = self.op("Gather", self.weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
        count = self.op("Shape", "input_ids", start=1, end=2)
        zero, one = (
            self.constant("zero", np.array([0], np.int64)),
            self.constant("one", np.array([1], np.int64)),
        )
        table = self.weight("embeddings.position_embeddings.weight")
        places = self.op("Slice", table, zero, count, zero, one)
        return self.norm(self.op("Add", self.op("Add", words, kinds), places), "embeddings.LayerNorm")

    def mask(self) -> str:
        """(batch, 1, 1, tokens): 0 where a token counts, very negative where it is padding."""
        axes = self.constant("mask_axes", np.array([1, 2], dtype=np.int64))
        as_float = self.op("Cast", "attention_mask", to=TensorProto.FLOAT)
        hidden = self.op("Sub", self.constant("one_f", np.array(1, np.float32)), as_float)
        lowest = self.constant("lowest", np.array(np.finfo(np.float32).min / 2, np.float32))
        return self.op("Unsqueeze", self.op("Mul", hidden, lowest), axes)


def write_bert_graph(weights: Path, config: Path, out: Path) -> None:
    """Write the float32 graph of a safetensors BERT encoder to `out`."""
    shape = read_shape(config)
    graph = _Graph(load_file(weights), shape)
    x, mask = graph.embeddings(), graph.mask()
    for index in range(shape.layers):
        x = graph.layer(x, mask, index)
    graph.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"], name="last_hidden_state"))

    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names]
    output = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", shape.width]
    )
    body = helper.make_graph(graph.nodes, "bert", inputs, [output], graph.initializers)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, out)
