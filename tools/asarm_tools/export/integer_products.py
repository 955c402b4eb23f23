"""Writes the nodes of products in integers: rows as bytes, int8 matrices, and what is made of both."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from asarm_tools.export.tracing import Traced
from asarm_tools.quantization.rounding import LARGEST, Rounded, pairs

DOMAIN = "com.microsoft"
_BELOW = 24  # quantized values for negative ones there
CONSTANTS = {"rounding.one": np.float32(1), "rounding.step": np.float32(1 / 127), "rounding.table_step": np.float32(1 / (LARGEST - 1)),
             "rounding.middle": np.uint8(128), "rounding.zero": np.int8(0), "rounding.least": np.float32(1e-30), "rounding.last_axis": np.array([-1], np.int64),
             "rounding.bytes": np.int32(256), "rounding.pairs": pairs()}


def has_finer_steps(lowest: float, largest: float) -> bool:
    """Whether rows with this largest value get steps that are finer by a quarter at least from an activation function's least value."""
    below = _BELOW if lowest < 0 else 0
    return max(largest / (255 - below), -lowest / _BELOW) <= 0.75 * largest / 127


class Writer:
    """Adds nodes to a list, and the constants that they read to the weights; what is there already is not made again."""

    def __init__(self, traced: Traced, lowest: float, opset: int):
        self.nodes: list[onnx.NodeProto] = []
        self.made: set[str] = set()
        self._makers = {name: node for node in traced.model.graph.node for name in node.output}
        self._weights, self._lowest, self._opset = traced.weights, lowest, opset

    def product(self, rows: str, columns: str, scales: str, output: str, bounded: bool = False) -> None:
        """Rows [.., K] times columns int8 [K, N] and their scales [N]; bounded: the rows are what the activation function gives."""
        quantized, factor, step, zero = self._bounded_as_bytes(rows) if bounded else (*self.as_bytes(rows), "rounding.step", "rounding.middle")
        self.node("MatMulIntegerToFloat", f"{output}.sums", [quantized, columns, step, scales, zero, "rounding.zero"], domain=DOMAIN)
        self.node("Mul", output, [f"{output}.sums", factor])

    def as_bytes(self, rows: str) -> tuple[str, str]:
        """uint8 rows around 128, and the largest size [.., 1] of a value in each, which becomes 1 or 255. Of a row of zeros that is 0,
        and whatever the quantized values are makes zeros again."""
        quantized, largest = f"{rows}.bytes", f"{rows}.largest"
        if quantized in self.made:
            return quantized, largest
        self.made.add(quantized)
        maker = self._makers.get(rows)
        if maker is not None and self._takes_rows(maker):
            for part, whole in zip((quantized, largest), self.as_bytes(maker.input[0])):
                self.node("Slice", part, [whole, *maker.input[1:]])
            return quantized, largest
        self.node("Abs", f"{rows}.sizes", [rows])
        self.reduce_max(largest, f"{rows}.sizes")
        self.node("Div", f"{rows}.shares", [rows, largest])
        self.node("QuantizeLinear", quantized, [f"{rows}.shares", "rounding.step", "rounding.middle"])
        return quantized, largest

    def _takes_rows(self, node: onnx.NodeProto) -> bool:
        """Whether a node is a Slice that certainly leaves the last axis whole: rows that enter products have three, those of the head apart."""
        if node.op_type != "Slice" or len(node.input) < 4:
            return False
        maker = self._makers.get(node.input[3])
        axes = self._weights.get(node.input[3])
        if maker is not None and maker.op_type == "Constant":
            axes = next((numpy_helper.to_array(attribute.t) for attribute in maker.attribute if attribute.name == "value"), None)
        return axes is not None and set(np.ravel(axes).tolist()) <= {0, 1}

    def _bounded_as_bytes(self, rows: str) -> tuple[str, str, str, str]:
        """Of what an activation function gives, which has a least value: few quantized values for what is below zero, and most for what is above. The step is
        no smaller than the few need."""
        zero = _BELOW if self._lowest < 0 else 0
        self._weights["rounding.below"] = np.array(zero, np.uint8)
        self._weights["rounding.above_step"] = np.array(1 / (255 - zero), np.float32)
        self._weights["rounding.below_step"] = np.array(-self._lowest / zero if zero else 1e-30, np.float32)
        self.reduce_max(f"{rows}.largest", rows)
        self.node("Mul", f"{rows}.above_step", [f"{rows}.largest", "rounding.above_step"])
        self.node("Max", f"{rows}.step", [f"{rows}.above_step", "rounding.below_step"])
        self.node("Div", f"{rows}.steps", [rows, f"{rows}.step"])
        self.node("QuantizeLinear", f"{rows}.bytes", [f"{rows}.steps", "rounding.one", "rounding.below"])
        return f"{rows}.bytes", f"{rows}.step", "rounding.one", "rounding.below"

    def reduce_max(self, output: str, values: str) -> None:
        """Over the last axis, which stays as one of length 1."""
        if self._opset < 18:
            self.node("ReduceMax", output, [values], axes=[-1], keepdims=1)
        else:
            self.node("ReduceMax", output, [values, "rounding.last_axis"], keepdims=1)

    def matrix(self, name: str, values: Rounded) -> None:
        """The int8 matrix [K, N], once. Of int4 it is looked up, as what a byte and its group scale stand for: ONNX Runtime holds the results of all
        operators on constants at once while it loads a graph, so there must be few, and small ones."""
        if f"{name}.int8" in self.made:
            return
        self.made.add(f"{name}.int8")
        self._weights[f"{name}.scales"] = values.scales
        if values.group_scales is None:
            self._weights[f"{name}.int8"] = values.quantized.T
            return
        self._weights[f"{name}.int4"] = values.packed()
        self._weights[f"{name}.multipliers"] = (values.group_scales[:, :, None] + 8).astype(np.uint8)
        self._weights[f"{name}.shape"] = np.array(values.quantized.shape, np.int64)
        self.node("Cast", f"{name}.bytes", [f"{name}.int4"], to=TensorProto.INT32)
        self.node("Cast", f"{name}.multipliers.int32", [f"{name}.multipliers"], to=TensorProto.INT32)
        self.node("Mul", f"{name}.offsets", [f"{name}.multipliers.int32", "rounding.bytes"])
        self.node("Add", f"{name}.places", [f"{name}.bytes", f"{name}.offsets"])
        self.node("Gather", f"{name}.pairs", ["rounding.pairs", f"{name}.places"], axis=0)
        self.node("Reshape", f"{name}.rows", [f"{name}.pairs", f"{name}.shape"])
        self.node("Transpose", f"{name}.int8", [f"{name}.rows"], perm=[1, 0])
        self.made.add(f"{name}.rows")

    def constant(self, name: str, value: np.ndarray) -> None:
        self._weights[name] = value

    def once(self, kind: str, output: str, inputs: list[str], **attributes: object) -> str:
        if output not in self.made:
            self.made.add(output)
            self.node(kind, output, inputs, **attributes)
        return output

    def node(self, kind: str, output: str, inputs: list[str], **attributes: object) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], f"Rounded/{output}", **attributes))
