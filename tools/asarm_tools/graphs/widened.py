"""float32 products of matrices that are stored as integers: for devices without kernels for integer products, and for cross-checks."""

from __future__ import annotations

from onnx import TensorProto

from asarm_tools.graphs.arithmetic import FloatArithmetic
from asarm_tools.graphs.integers import IntegerMatrices
from asarm_tools.graphs.names import EMBEDDING


class WidenedArithmetic(FloatArithmetic):
    """Standard operators on constants make the float32 matrix of the integers and their scales, so that ONNX Runtime computes it once, when it loads
    the graph. The integers are those of the graphs for CPUs, at the same place of the data file."""

    def matrix(self, name: str) -> str:
        wide, writer = name + ".float32", self.writer
        if name not in self.weights.rounded:
            return super().matrix(name)
        if writer.has(wide):
            return wide
        integers = IntegerMatrices(writer, self.weights).matrix(name)
        with writer.no_scope():
            values = writer.node("Cast", f"{name}.values", integers, to=TensorProto.FLOAT)
            if name != EMBEDDING:
                return writer.node("Mul", wide, values, f"{name}.scales")
            values = writer.node("Mul", f"{name}.scaled", values, f"{name}.scales")
            return writer.node("Transpose", wide, values, perm=[1, 0])
