"""Puts rounded matrices into a traced graph for devices without kernels for integer products: widened to float32 when the graph is loaded.

Standard operators on constants (Cast, Mul, Transpose, Reshape) make the float32 matrix of the integers and their scales, so ONNX Runtime computes it
once, and all products are of float32. The integers are those of the graphs for CPUs, at the same place of the data file.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from asarm_tools.export.integer_products import CONSTANTS, Writer
from asarm_tools.export.products import check_all, matrix_key
from asarm_tools.export.tracing import Traced
from asarm_tools.quantization.rounding import Rounded


def widen_matrices(traced: Traced, rounded: dict[bytes, tuple[str, Rounded]]) -> None:
    """rounded: by matrix_key, the name of the parameter and what it becomes. Raises InputError where a matrix is not found."""
    opset = next(entry.version for entry in traced.model.opset_import if entry.domain in ("", "ai.onnx"))
    writer, weights = Writer(traced, 0, opset), traced.weights
    least = min(value.quantized.size for _, value in rounded.values())
    for name, array in list(weights.items()):
        if array.dtype == np.float32 and array.ndim > 1 and array.size >= least:
            found = _find(array, rounded)
            if found is not None:
                del weights[name]
                _widen(writer, name, array.shape, *found)
    weights.update({name: np.asarray(value) for name, value in CONSTANTS.items() if any(name in node.input for node in writer.nodes)})
    nodes = [*writer.nodes, *traced.model.graph.node]  # nodes stand in topological order
    del traced.model.graph.node[:]
    traced.model.graph.node.extend(nodes)
    check_all(weights, rounded)


def _find(array: np.ndarray, rounded: dict[bytes, tuple[str, Rounded]]) -> tuple[str, Rounded, bool] | None:
    """Name and values of the matrix that an initializer holds, and whether it has outputs first, [N, K]."""
    flat = array.reshape(len(array), -1)
    for matrix, outputs_first in ((flat, True), (flat.T, False)):
        found = rounded.get(matrix_key(matrix))
        if found is not None:
            return *found, outputs_first
    return None


def _widen(writer: Writer, output: str, shape: tuple[int, ...], name: str, values: Rounded, outputs_first: bool) -> None:
    """The initializer of a shape, from the matrix [K, N] of a parameter."""
    writer.matrix(name, values)
    writer.once("Cast", f"{name}.floats", [f"{name}.int8"], to=TensorProto.FLOAT)
    wide = writer.once("Mul", f"{name}.values", [f"{name}.floats", f"{name}.scales"])
    if outputs_first:
        wide = writer.once("Transpose", f"{name}.values.rows", [wide], perm=[1, 0])
    if len(shape) == 2:
        writer.node("Identity", output, [wide])
        return
    writer.constant(f"{name}.values.shape", np.array(shape, np.int64))
    writer.node("Reshape", output, [wide, f"{name}.values.shape"])
