"""How the graphs compute: what a product with a weight matrix, a lookup and a table of distances become in each precision."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from onnx import TensorProto

from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.names import EMBEDDING, LOGITS_BIAS, POSITIONS
from asarm_tools.graphs.writer import GraphWriter


class Arithmetic(Protocol):
    """Writes what depends on the precision. `kind` is the type of rows, keys and values."""

    kind: int

    def number(self, value: float) -> str:
        """A constant of the kind of rows."""

    def vector(self, name: str) -> str:
        """A bias, a norm's weight or the mask embedding."""

    def product(self, name: str, rows: str, matrix: str) -> str:
        """Rows [.., K] times a weight matrix [K, N]."""

    def take_rows(self, name: str, rows: str, start: str, end: str) -> str:
        """Rows [B, start:end, K]; products of them share what was computed for all rows."""

    def embed(self, name: str, ids: str) -> str:
        """Rows of the embedding."""

    def logits(self, name: str, rows: str) -> str:
        """float32 [B, T, V], by the tied embedding."""

    def table(self, name: str, layer: int) -> str:
        """[H, D, 2 L], scaled: an expression of weights alone, which ONNX Runtime evaluates when it loads the graph."""

    def distances(self, name: str, rows: str, table: str, place: str) -> str:
        """Rows [H, B * R, D] times the table, and of each row the columns `place` [H, B * R, N]."""

    def dynamic_table(self, name: str, encoding: str, layer: int) -> str:
        """[H, D, M], scaled, of encodings [M, d] that are known when the graph runs only."""


def distance_table(writer: GraphWriter, weights: GraphWeights, name: str, encoding: str, matrix: str, scale: str) -> str:
    """[H, D, M] of encodings [M, d] times a matrix [d, H * D], and times the scale of scores."""
    keys = writer.node("MatMul", f"{name}.rows", encoding, matrix)
    keys = writer.node("Reshape", f"{name}.heads", keys, writer.integers(-1, weights.config.n_head, weights.config.d_head))
    return writer.node("Mul", name, writer.node("Transpose", f"{name}.columns", keys, perm=[1, 2, 0]), scale)


class FloatArithmetic:
    """Products of floating-point matrices: float32, or float16 all through; `stored_as_float16` float32 with large weights stored as float16."""

    def __init__(self, writer: GraphWriter, weights: GraphWeights, kind: int = TensorProto.FLOAT, stored_as_float16: bool = False):
        self.writer, self.weights, self.kind = writer, weights, kind
        self._dtype = np.float16 if kind == TensorProto.FLOAT16 else np.float32
        self._stored_as_float16 = stored_as_float16

    def number(self, value: float) -> str:
        return self.writer.number(value, self._dtype)

    def vector(self, name: str) -> str:
        return self._tensor(name)

    def product(self, name: str, rows: str, matrix: str) -> str:
        return self.writer.node("MatMul", name, rows, self.matrix(matrix))

    def matrix(self, name: str) -> str:
        """A weight matrix [K, N]."""
        return self._tensor(name)

    def take_rows(self, name: str, rows: str, start: str, end: str) -> str:
        return self.writer.node("Slice", name, rows, start, end, self.writer.integers(1))

    def embed(self, name: str, ids: str) -> str:
        return self.writer.node("Gather", name, self.matrix(EMBEDDING), ids)

    def logits(self, name: str, rows: str) -> str:
        """By a product of two-dimensional rows, so that the embedding is shared without being transposed."""
        writer, sizes = self.writer, self.weights.config
        flat = writer.node("Reshape", f"{name}.rows", rows, writer.integers(-1, sizes.d_model))
        flat = writer.node("Gemm", f"{name}.flat", flat, self.matrix(EMBEDDING), self.vector(LOGITS_BIAS), transB=1)
        shape = writer.node("Concat", f"{name}.shape", writer.size(f"{name}.batch", rows, 0), writer.integers(-1, sizes.vocab_size), axis=0)
        return self._float32(name, writer.node("Reshape", f"{name}.targets", flat, shape))

    def table(self, name: str, layer: int) -> str:
        """Of float16 in float32 and rounded at its end: ONNX Runtime evaluates it on the CPU, which has no float16 products on most processors."""
        if self.kind == TensorProto.FLOAT:
            return self.dynamic_table(name, self._tensor(POSITIONS), layer)
        writer = self.writer
        encoding = writer.node("Cast", f"{name}.encoding", self._tensor(POSITIONS), to=TensorProto.FLOAT)
        matrix = writer.node("Cast", f"{name}.weight", self.matrix(self.weights.names.position(layer)), to=TensorProto.FLOAT)
        wide = distance_table(writer, self.weights, f"{name}.float32", encoding, matrix, writer.number(self.weights.config.d_head ** -0.5))
        return writer.node("Cast", name, wide, to=self.kind)

    def dynamic_table(self, name: str, encoding: str, layer: int) -> str:
        scale = self.number(self.weights.config.d_head ** -0.5)
        return distance_table(self.writer, self.weights, name, encoding, self.matrix(self.weights.names.position(layer)), scale)

    def distances(self, name: str, rows: str, table: str, place: str) -> str:
        return self.writer.node("GatherElements", name, self.writer.node("MatMul", f"{name}.all", rows, table), place, axis=2)

    def _float32(self, name: str, values: str) -> str:
        return values if self.kind == TensorProto.FLOAT else self.writer.node("Cast", name, values, to=TensorProto.FLOAT)

    def _tensor(self, name: str) -> str:
        if self._dtype == np.float16:
            return self.writer.weight(name, self.weights.as_float16(name))
        values = self.weights[name]
        if not self._stored_as_float16 or name == POSITIONS or not self.weights.is_float16(name):
            return self.writer.weight(name, values)
        wide = name + ".float32"
        if not self.writer.has(wide):
            self.writer.weight(name, self.weights.as_float16(name))
            with self.writer.no_scope():
                self.writer.node("Cast", wide, name, to=TensorProto.FLOAT)
        return wide
