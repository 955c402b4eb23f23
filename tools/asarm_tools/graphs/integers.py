"""Products in integers: every row with a scale of its own, so that no other row of the call can change it (decision 11 of docs/decisions).

A row x [K] becomes bytes round(127 x / max|x|) + 128, and its product with a matrix an exact sum of integers. Matrices are int8 [K, N], or bytes of
two 4-bit values each that standard operators widen to that, once, when the graph is loaded.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from asarm_tools.graphs.arithmetic import distance_table
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.names import EMBEDDING, LOGITS_BIAS, POSITIONS
from asarm_tools.graphs.writer import ORT_DOMAIN, GraphWriter
from asarm_tools.quantization.rounding import LARGEST, pairs

_BELOW = 24  # quantized values for negative ones of an activation function
_STEP, _MIDDLE = 1 / 127, 128


def has_finer_steps(lowest: float, largest: float) -> bool:
    """Whether rows with this largest value get steps that are finer by a quarter at least from an activation function's least value."""
    below = _BELOW if lowest < 0 else 0
    return max(largest / (255 - below), -lowest / _BELOW) <= 0.75 * largest / 127


class IntegerMatrices:
    """Writes rounded matrices as int8 [K, N] with scales float32 [N]."""

    def __init__(self, writer: GraphWriter, weights: GraphWeights):
        self.writer, self.weights = writer, weights

    def matrix(self, name: str) -> str:
        """The int8 matrix; `NAME.scales` are its scales. One of 4-bit values is looked up, as what a byte and its group scale stand for: ONNX Runtime
        holds the results of all operators on constants at once while it loads a graph, so there must be few, and small ones."""
        values, writer, made = self.weights.rounded[name], self.writer, f"{name}.int8"
        if made in writer.weights or writer.has(made):
            return made
        writer.weight(f"{name}.scales", values.scales)
        if values.group_scales is None:
            return writer.weight(made, values.quantized.T)
        packed = writer.weight(f"{name}.int4", values.packed())
        multipliers = writer.weight(f"{name}.multipliers", (values.group_scales[:, :, None] + 8).astype(np.uint8))
        table = writer.weight("int4.pairs", pairs())
        with writer.no_scope():
            places = writer.node("Cast", f"{name}.bytes", packed, to=TensorProto.INT32)
            offsets = writer.node("Cast", f"{name}.multipliers.int32", multipliers, to=TensorProto.INT32)
            offsets = writer.node("Mul", f"{name}.offsets", offsets, writer.number(256, np.int32))
            places = writer.node("Add", f"{name}.places", places, offsets)
            rows = writer.node("Gather", f"{name}.pairs", table, places, axis=0)
            rows = writer.node("Reshape", f"{name}.rows", rows, writer.integers(*values.quantized.shape))
            return writer.node("Transpose", made, rows, perm=[1, 0])


class IntegerArithmetic:
    """Of int8 and int4, on CPUs; all but products with matrices is float32. `lowest` is the least value of the activation function, `bounded` the
    matrices whose rows are what it gives and get finer steps for that."""

    kind = TensorProto.FLOAT

    def __init__(self, writer: GraphWriter, weights: GraphWeights, lowest: float, bounded: set[str]):
        self.writer, self.weights = writer, weights
        self._matrices, self._lowest, self._bounded = IntegerMatrices(writer, weights), lowest, bounded
        self._bytes: dict[str, tuple[str, str]] = {}  # quantized rows and their largest sizes, by rows
        self._parts: dict[str, tuple[str, str, str]] = {}  # rows that are a part of others: whole, start, end

    def number(self, value: float) -> str:
        return self.writer.number(value)

    def vector(self, name: str) -> str:
        return self.writer.weight(name, self.weights[name])

    def take_rows(self, name: str, rows: str, start: str, end: str) -> str:
        part = self.writer.node("Slice", name, rows, start, end, self.writer.integers(1))
        self._parts[part] = rows, start, end
        return part

    def product(self, name: str, rows: str, matrix: str) -> str:
        columns = self._matrices.matrix(matrix)
        writer = self.writer
        if matrix in self._bounded:
            quantized, step, zero = self._bounded_as_bytes(f"{name}.input", rows)
            factor, row_step = step, writer.number(1)
        else:
            quantized, factor = self._as_bytes(rows)
            row_step, zero = writer.number(_STEP), writer.number(_MIDDLE, np.uint8)
        sums = writer.node("MatMulIntegerToFloat", f"{name}.sums", quantized, columns, row_step, f"{matrix}.scales", zero,
                           writer.number(0, np.int8), domain=ORT_DOMAIN)
        return writer.node("Mul", name, sums, factor)

    def embed(self, name: str, ids: str) -> str:
        writer, matrix = self.writer, self._matrices.matrix(EMBEDDING)
        with writer.no_scope():
            rows = writer.node("Transpose", f"{EMBEDDING}.rows", matrix, perm=[1, 0])
            column = writer.node("Unsqueeze", f"{EMBEDDING}.scales.column", f"{EMBEDDING}.scales", writer.integers(-1))
        values = writer.node("Cast", f"{name}.values", writer.node("Gather", f"{name}.int8", rows, ids), to=TensorProto.FLOAT)
        return writer.node("Mul", name, values, writer.node("Gather", f"{name}.scales", column, ids))

    def logits(self, name: str, rows: str) -> str:
        return self.writer.node("Add", name, self.product(f"{name}.unbiased", rows, EMBEDDING), self.vector(LOGITS_BIAS))

    def dynamic_table(self, name: str, encoding: str, layer: int) -> str:
        """In float32, as are the products with it."""
        writer, matrix = self.writer, self.weights.names.position(layer)
        values = writer.node("Cast", f"{name}.weight.values", self._matrices.matrix(matrix), to=TensorProto.FLOAT)
        values = writer.node("Mul", f"{name}.weight", values, f"{matrix}.scales")
        return distance_table(writer, self.weights, name, encoding, values, self.number(self.weights.config.d_head ** -0.5))

    def table(self, name: str, layer: int) -> str:
        """As integers, with a step for each head and each of its D (`NAME.step` [H, 1, D]), by which `distances` multiplies the rows."""
        writer = self.writer
        exact = self.dynamic_table(f"{name}.exact", writer.weight(POSITIONS, self.weights[POSITIONS]), layer)
        largest = writer.reduce_max(f"{name}.largest", writer.node("Abs", f"{name}.sizes", exact))
        step = writer.node("Mul", f"{name}.exact_step", largest, writer.number(1 / (LARGEST - 1)))
        step = writer.node("Max", f"{name}.step.column", step, writer.number(1e-30))
        rounded = writer.node("Round", f"{name}.rounded", writer.node("Div", f"{name}.steps", exact, step))
        writer.node("Transpose", f"{name}.step", step, perm=[0, 2, 1])
        return writer.node("Cast", name, rounded, to=TensorProto.INT8)

    def distances(self, name: str, rows: str, table: str, place: str) -> str:
        """Only what is taken of a row is multiplied by the row's step; of a table that is not known in advance all is float32."""
        writer = self.writer
        if not writer.has(f"{table}.step"):
            return writer.node("GatherElements", name, writer.node("MatMul", f"{name}.all", rows, table), place, axis=2)
        scaled = writer.node("Mul", f"{name}.rows", rows, f"{table}.step")
        quantized, largest = self._as_bytes(scaled)
        sums = writer.node("MatMulIntegerToFloat", f"{name}.all", quantized, table, writer.number(_STEP), writer.number(1),
                           writer.number(_MIDDLE, np.uint8), writer.number(0, np.int8), domain=ORT_DOMAIN)
        return writer.node("Mul", name, writer.node("GatherElements", f"{name}.taken", sums, place, axis=2), largest)

    def _as_bytes(self, rows: str) -> tuple[str, str]:
        """uint8 rows around 128, and the largest size [.., 1] of a value in each, which becomes 1 or 255. Of a row of zeros that is 0, and whatever the
        quantized values are makes zeros again."""
        if rows not in self._bytes:
            writer = self.writer
            with writer.no_scope():
                if rows in self._parts:
                    whole, *bounds = self._parts[rows]
                    quantized, largest = self._as_bytes(whole)
                    self._bytes[rows] = (writer.node("Slice", f"{rows}.bytes", quantized, *bounds, writer.integers(1)),
                                         writer.node("Slice", f"{rows}.largest", largest, *bounds, writer.integers(1)))
                else:
                    largest = writer.reduce_max(f"{rows}.largest", writer.node("Abs", f"{rows}.sizes", rows))
                    shares = writer.node("Div", f"{rows}.shares", rows, largest)
                    quantized = writer.node("QuantizeLinear", f"{rows}.bytes", shares, writer.number(_STEP), writer.number(_MIDDLE, np.uint8))
                    self._bytes[rows] = quantized, largest
        return self._bytes[rows]

    def _bounded_as_bytes(self, name: str, rows: str) -> tuple[str, str, str]:
        """Of what an activation function gives, which has a least value: few quantized values for what is below zero, and most for what is above. The
        step is no smaller than the few need."""
        writer, below = self.writer, _BELOW if self._lowest < 0 else 0
        zero = writer.number(below, np.uint8)
        step = writer.node("Mul", f"{name}.above_step", writer.reduce_max(f"{name}.largest", rows), writer.number(1 / (255 - below)))
        step = writer.node("Max", f"{name}.step", step, writer.number(-self._lowest / below if below else 1e-30))
        quantized = writer.node("QuantizeLinear", f"{name}.bytes", writer.node("Div", f"{name}.steps", rows, step), writer.number(1), zero)
        return quantized, step, zero
