"""The layers of XLNet's two-stream network as nodes, the same for both graphs: rows of both streams look at the keys of content rows.

Sizes: B batch, R rows, C content rows, N keys, H heads, D head size, d = H * D model size, L longest sequence. Attention is that of
Transformer-XL (Dai et al. 2019, arXiv 1901.02860): scores by content and by relative position.
"""

from __future__ import annotations

import math
from typing import Protocol

from asarm_tools.graphs.arithmetic import Arithmetic
from asarm_tools.graphs.names import Names
from asarm_tools.graphs.shared import Rows
from asarm_tools.graphs.writer import GraphWriter

SQUARE_ROOT_OF_2 = math.sqrt(2)


class Keys(Protocol):
    """Where a layer takes its keys and values from."""

    def of_layer(self, layer: int, content: str) -> tuple[str, str]:
        """Keys and values [B, H, N, D], of content [B, C, d] and of whatever else there is."""

    def distances(self, layer: int, rows: str, columns: str) -> str:
        """Scores by distance [H, B * R, N] of rows [H, B * R, D]."""


def new_keys(writer: GraphWriter, arithmetic: Arithmetic, names: Names, layer: int, content: str) -> list[str]:
    """Keys and values [B, C, H, D] of content rows [B, C, d]."""
    heads = names.config.n_head
    both = arithmetic.product("key_value", content, names.key_value(layer))
    both = writer.node("Reshape", "key_value.heads", both, writer.integers(0, 0, 2 * heads, names.config.d_head))
    return writer.nodes("Split", ("new_keys", "new_values"), both, writer.integers(heads, heads), axis=2)


class Layers:
    """Writes layers, one after the other."""

    def __init__(self, writer: GraphWriter, arithmetic: Arithmetic, names: Names):
        self.writer, self.arithmetic, self.names = writer, arithmetic, names

    def write(self, layer: int, rows: str, content: str, keys: Keys, shared: Rows) -> str:
        """One layer over rows [B, R, d], with content rows [B, C, d] as keys: the rows after it."""
        with self.writer.scope(f"layer.{layer}"):
            with self.writer.scope("attention"):
                rows = self._attention(layer, rows, content, keys, shared)
            with self.writer.scope("feed_forward"):
                return self._feed_forward(layer, rows)

    def _attention(self, layer: int, rows: str, content: str, keys: Keys, shared: Rows) -> str:
        writer, config = self.writer, self.names.config
        query = self.arithmetic.product("query", rows, self.names.query(layer))
        query = writer.node("Reshape", "query.heads", query, writer.integers(0, 0, config.n_head, config.d_head))
        by_content = self._biased(query, "content_bias", layer, [0, 2, 1, 3])
        by_distance = self._biased(query, "distance_bias", layer, [2, 0, 1, 3])
        by_distance = writer.node("Reshape", "distance_bias.rows", by_distance, writer.integers(config.n_head, -1, config.d_head))
        key, value = keys.of_layer(layer, content)
        scores = self._scores(key, by_content, keys.distances(layer, by_distance, shared.columns), shared)
        mixed = writer.node("MatMul", "mixed", writer.node("Softmax", "weights", scores, axis=-1), value)
        mixed = writer.node("Transpose", "mixed.rows", mixed, perm=[0, 2, 1, 3])
        mixed = writer.node("Reshape", "mixed.merged", mixed, writer.integers(0, 0, config.d_model))
        projected = self.arithmetic.product("projected", mixed, self.names.output(layer))
        if self.names.has_output_bias(layer):
            projected = writer.node("Add", "projected.biased", projected, self.arithmetic.vector(self.names.output_bias(layer)))
        return self._normed(self.names.attention_norm(layer), projected, rows)

    def _biased(self, query: str, name: str, layer: int, order: list[int]) -> str:
        """The query plus one of its two biases, laid out for products."""
        bias = self.arithmetic.vector(self.names.query_bias(layer, name))
        return self.writer.node("Transpose", f"{name}.query", self.writer.node("Add", f"{name}.added", query, bias), perm=order)

    def _scores(self, key: str, by_content: str, distances: str, shared: Rows) -> str:
        """[B, H, R, N]"""
        writer = self.writer
        scaled = writer.node("Mul", "content_bias.scaled", by_content, self.arithmetic.number(self.names.config.d_head ** -0.5))
        scores = writer.node("MatMul", "scores.content", scaled, writer.node("Transpose", "keys.columns", key, perm=[0, 1, 3, 2]))
        distances = writer.node("Reshape", "scores.distance.heads", distances, shared.shape)
        distances = writer.node("Transpose", "scores.distance", distances, perm=[1, 0, 2, 3])
        return writer.node("Add", "scores", writer.node("Add", "scores.all", scores, distances), shared.hidden)

    def _feed_forward(self, layer: int, rows: str) -> str:
        writer, names, arithmetic = self.writer, self.names, self.arithmetic
        inner = arithmetic.product("inner", rows, names.inner(layer))
        inner = writer.node("Add", "inner.biased", inner, arithmetic.vector(names.inner_bias(layer)))
        inner = self._activated(names.config.ff_activation, inner)
        outer = arithmetic.product("outer", inner, names.outer(layer))
        outer = writer.node("Add", "outer.biased", outer, arithmetic.vector(names.outer_bias(layer)))
        return self._normed(names.feed_forward_norm(layer), outer, rows)

    def _normed(self, norm: tuple[str, str], change: str, rows: str) -> str:
        total = self.writer.node("Add", "residual", change, rows)
        weight, bias = (self.arithmetic.vector(name) for name in norm)
        return self.writer.node("LayerNormalization", "normed", total, weight, bias, axis=-1, epsilon=self.names.config.layer_norm_eps)

    def _activated(self, kind: str, rows: str) -> str:
        """In the forms that ONNX Runtime's optimiser knows and fuses."""
        writer, number = self.writer, self.arithmetic.number
        if kind == "relu":
            return writer.node("Relu", "activated", rows)
        if kind in ("silu", "swish"):
            return writer.node("Mul", "activated", rows, writer.node("Sigmoid", "activated.gate", rows))
        if kind == "gelu":
            erf = writer.node("Erf", "activated.erf", writer.node("Div", "activated.scaled", rows, number(SQUARE_ROOT_OF_2)))
            gate = writer.node("Mul", "activated.gate", rows, writer.node("Add", "activated.erf.plus_1", erf, number(1)))
            return writer.node("Mul", "activated", gate, number(0.5))
        # gelu_new: the approximation by tanh (Hendrycks & Gimpel 2016, arXiv 1606.08415)
        cubed = writer.node("Pow", "activated.cubed", rows, number(3))
        total = writer.node("Add", "activated.sum", rows, writer.node("Mul", "activated.cubed.scaled", cubed, number(0.044715)))
        tanh = writer.node("Tanh", "activated.tanh", writer.node("Mul", "activated.scaled", total, number(math.sqrt(2 / math.pi))))
        gate = writer.node("Mul", "activated.gate", rows, writer.node("Add", "activated.tanh.plus_1", tanh, number(1)))
        return writer.node("Mul", "activated", gate, number(0.5))
