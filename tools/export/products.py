"""Puts rounded matrices into a traced graph: their products are taken in whole numbers, every row with a scale of its own.

A row x [K] becomes bytes round(127 x / max|x|) + 128, and its product with a matrix an exact sum of whole numbers, whatever rows share the
call. Matrices are int8 [N, K], or bytes of two codes each that standard operators widen to that, once, when the graph is loaded.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper

from cached import POSITION_ENCODING
from failure import InputError
from rounding import LARGEST, Rounded
from tracing import Traced

DOMAIN = "com.microsoft"
TABLE = ".rel_attn.r"  # how the names of matrices end that make the table of positions
_CONSTANTS = {"rounding.one": np.float32(1), "rounding.row_step": np.float32(1 / 127), "rounding.column_step": np.float32(1 / (LARGEST - 1)),
              "rounding.middle": np.uint8(128), "rounding.middle_value": np.float32(128), "rounding.zero": np.int8(0), "rounding.least": np.float32(1e-30),
              "rounding.half_byte": np.uint8(4), "rounding.zero4": np.int32(8), "rounding.last_axis": np.array([-1]), "rounding.inner_axis": np.array([1])}


def matrix_key(matrix: np.ndarray) -> bytes:
    """Identifies a matrix [N, K] by its float32 values."""
    return hashlib.sha256(np.ascontiguousarray(matrix, np.float32)).digest()


def replace_matrices(traced: Traced, rounded: dict[bytes, tuple[str, Rounded]]) -> None:
    """rounded: by matrix_key, the name of the parameter and what it becomes. Weights that nobody reads any more are dropped.

    Raises InputError where a matrix did not get its codes, or is read as float32 as well: a tracer may write it in a way that is not known here.
    """
    graph, weights = traced.model.graph, traced.weights
    opset = next(entry.version for entry in traced.model.opset_import if entry.domain in ("", "ai.onnx"))
    nodes = Rewriter(traced, rounded, opset).run()
    del graph.node[:]
    graph.node.extend(_used(nodes, {port.name for port in graph.output}))
    weights.update({name: np.asarray(value) for name, value in _CONSTANTS.items()})
    read = {name for node in graph.node for name in node.input}
    for name in [name for name in weights if name not in read]:
        del weights[name]
    traced.model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    _check_all(weights, rounded)


def _check_all(weights: dict[str, np.ndarray], rounded: dict[bytes, tuple[str, Rounded]]) -> None:
    missing = [name for name, value in rounded.values() if f"{name}.int{value.bits}" not in weights]
    if missing:
        raise InputError(f"PyTorch wrote matrices in a way that this exporter does not know, they have no codes: {', '.join(missing[:5])}")
    least = min(value.codes.size for _, value in rounded.values())
    wide = [name for name, array in weights.items() if array.dtype == np.float32 and array.size >= least and name != POSITION_ENCODING]
    if wide:
        raise InputError(f"PyTorch wrote matrices in a way that this exporter does not know, they are left in float32: {', '.join(wide[:5])}")


class Rewriter:
    """Goes through the nodes of a graph once and writes those of the products anew."""

    def __init__(self, traced: Traced, rounded: dict[bytes, tuple[str, Rounded]], opset: int):
        self._graph, self._weights, self._rounded, self._opset = traced.model.graph, traced.weights, rounded, opset
        self._makers = {name: node for node in self._graph.node for name in node.output}
        self._nodes: list[onnx.NodeProto] = []
        self._made: dict[str, str] = {}  # what is there already: rows as bytes by the name of the rows, matrices by theirs

    def run(self) -> list[onnx.NodeProto]:
        for node in self._graph.node:
            if not self.replace(node):
                self._nodes.append(node)
        return self._nodes

    def replace(self, node: onnx.NodeProto) -> bool:
        """Whether the node was written anew."""
        if node.op_type == "MatMul" and self._is_constant(node.input[0]):
            self._table_product(node)
            return True
        if node.op_type not in ("MatMul", "Gemm", "Gather"):
            return False
        matrix = self._value(node.input[0 if node.op_type == "Gather" else 1])
        if matrix is None or matrix.ndim != 2:
            return False
        found = self._rounded.get(matrix_key(matrix.T if node.op_type == "MatMul" else matrix))
        if found is None:
            return False
        name, values = found
        whole = self._matrix(name, values)
        if name.endswith(TABLE):
            self._widened_product(node, name, whole)
        elif node.op_type == "Gather":
            self._lookup(node, name, whole)
        else:
            self._product(node, name, whole)
        return True

    def _product(self, node: onnx.NodeProto, name: str, whole: str) -> None:
        """Rows as bytes times the matrix, then the two scales; bias last, as the row's scale is not the bias's."""
        columns = self._once("Transpose", f"{name}.columns", [whole], perm=[1, 0])
        codes, step = self._as_bytes(node.input[0])
        output = node.output[0]
        scaled = output if node.op_type == "MatMul" else f"{output}.unbiased"
        self._node("MatMulIntegerToFloat", f"{output}.sums", [codes, columns, "rounding.one", f"{name}.scales", "rounding.middle", "rounding.zero"], domain=DOMAIN)
        self._node("Mul", scaled, [f"{output}.sums", step])
        if node.op_type == "Gemm":
            self._node("Add", output, [scaled, node.input[2]])

    def _as_bytes(self, rows: str) -> tuple[str, str]:
        """uint8 rows around 128, and the step [.., 1] between neighbouring codes. A row of zeros has a step of 0 and any codes."""
        codes, step = f"{rows}.bytes", f"{rows}.step"
        if codes not in self._made:
            self._largest(rows, -1, f"{rows}.largest")
            self._node("Mul", step, [f"{rows}.largest", "rounding.row_step"])
            self._node("Div", f"{rows}.steps", [rows, step])
            self._node("QuantizeLinear", codes, [f"{rows}.steps", "rounding.one", "rounding.middle"])
            self._made[codes] = codes
        return codes, step

    def _largest(self, values: str, axis: int, output: str) -> None:
        """The largest size along an axis, which stays as one of length 1."""
        self._node("Abs", f"{output}.size", [values])
        if self._opset < 18:
            self._node("ReduceMax", output, [f"{output}.size"], axes=[axis], keepdims=1)
        else:
            self._node("ReduceMax", output, [f"{output}.size", "rounding.last_axis" if axis == -1 else "rounding.inner_axis"], keepdims=1)

    def _lookup(self, node: onnx.NodeProto, name: str, whole: str) -> None:
        output, ids = node.output[0], node.input[1]
        self._node("Gather", f"{output}.codes", [whole, ids], axis=0)
        self._node("Cast", f"{output}.values", [f"{output}.codes"], to=TensorProto.FLOAT)
        self._node("Unsqueeze", f"{name}.scales.column", [f"{name}.scales", "rounding.last_axis"])
        self._node("Gather", f"{output}.scales", [f"{name}.scales.column", ids], axis=0)
        self._node("Mul", output, [f"{output}.values", f"{output}.scales"])

    def _widened_product(self, node: onnx.NodeProto, name: str, whole: str) -> None:
        """As float32: where it makes the table of positions, that is computed once, when the graph is loaded."""
        columns = self._once("Transpose", f"{name}.columns", [whole], perm=[1, 0])
        self._once("Cast", f"{name}.floats", [columns], to=TensorProto.FLOAT)
        self._once("Mul", f"{name}.values", [f"{name}.floats", f"{name}.scales"])
        self._nodes.append(helper.make_node("MatMul", [node.input[0], f"{name}.values"], node.output, node.name))

    def _table_product(self, node: onnx.NodeProto) -> None:
        """A constant [H, L, D] times columns [H, D, R]: the table as bytes with a step for each head and each of its D, which goes over to the columns."""
        (table, columns), output = node.input, node.output[0]
        self._largest(table, 1, f"{table}.largest")
        self._node("Mul", f"{table}.exact", [f"{table}.largest", "rounding.row_step"])
        self._node("Max", f"{table}.step", [f"{table}.exact", "rounding.least"])
        self._node("Div", f"{table}.steps", [table, f"{table}.step"])
        self._node("Round", f"{table}.rounded", [f"{table}.steps"])
        self._node("Add", f"{table}.moved", [f"{table}.rounded", "rounding.middle_value"])
        self._node("Cast", f"{table}.codes", [f"{table}.moved"], to=TensorProto.UINT8)
        self._node("Transpose", f"{table}.step.columns", [f"{table}.step"], perm=[0, 2, 1])
        self._node("Mul", f"{output}.scaled", [columns, f"{table}.step.columns"])
        self._largest(f"{output}.scaled", 1, f"{output}.largest")
        self._node("Mul", f"{output}.step", [f"{output}.largest", "rounding.column_step"])
        self._node("Div", f"{output}.steps", [f"{output}.scaled", f"{output}.step"])
        self._node("QuantizeLinear", f"{output}.codes", [f"{output}.steps", "rounding.one", "rounding.zero"])
        self._node("MatMulIntegerToFloat", output, [f"{table}.codes", f"{output}.codes", "rounding.one", f"{output}.step", "rounding.middle", "rounding.zero"],
                   domain=DOMAIN)

    def _matrix(self, name: str, values: Rounded) -> str:
        """The name of the int8 matrix [N, K]."""
        if f"{name}.int8" in self._made:
            return f"{name}.int8"
        self._made[f"{name}.int8"] = f"{name}.int8"
        self._weights[f"{name}.scales"] = values.scales
        if values.multipliers is None:
            self._weights[f"{name}.int8"] = values.codes
            return f"{name}.int8"
        self._weights[f"{name}.int4"] = values.packed()
        self._weights[f"{name}.multipliers"] = values.multipliers[:, :, None]
        self._weights[f"{name}.blocks"] = np.array([*values.multipliers.shape, -1])
        self._weights[f"{name}.shape"] = np.array(values.codes.shape)
        self._node("BitShift", f"{name}.high", [f"{name}.int4", "rounding.half_byte"], direction="RIGHT")
        self._node("BitShift", f"{name}.raised", [f"{name}.int4", "rounding.half_byte"], direction="LEFT")
        self._node("BitShift", f"{name}.low", [f"{name}.raised", "rounding.half_byte"], direction="RIGHT")
        self._node("Concat", f"{name}.codes", [f"{name}.low", f"{name}.high"], axis=1)
        self._node("Cast", f"{name}.codes.int32", [f"{name}.codes"], to=TensorProto.INT32)
        self._node("Sub", f"{name}.signed", [f"{name}.codes.int32", "rounding.zero4"])
        self._node("Reshape", f"{name}.signed.blocks", [f"{name}.signed", f"{name}.blocks"])
        self._node("Cast", f"{name}.multipliers.int32", [f"{name}.multipliers"], to=TensorProto.INT32)
        self._node("Mul", f"{name}.products", [f"{name}.signed.blocks", f"{name}.multipliers.int32"])
        self._node("Reshape", f"{name}.int32", [f"{name}.products", f"{name}.shape"])
        self._node("Cast", f"{name}.int8", [f"{name}.int32"], to=TensorProto.INT8)
        return f"{name}.int8"

    def _once(self, kind: str, output: str, inputs: list[str], **attributes) -> str:
        if output not in self._made:
            self._made[output] = output
            self._node(kind, output, inputs, **attributes)
        return output

    def _node(self, kind: str, output: str, inputs: list[str], **attributes) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], f"Rounded/{output}", **attributes))

    def _is_constant(self, name: str) -> bool:
        """Whether weights alone make the tensor, by way of at least one product."""
        seen, product = [name], False
        while seen:
            current = seen.pop()
            if current in self._weights:
                continue
            node = self._makers.get(current)
            if node is None:
                return False
            product |= node.op_type == "MatMul"
            seen += [read for read in node.input if read]
        return product

    def _value(self, name: str) -> np.ndarray | None:
        """The tensor, where it is a weight or a Flatten or Transpose of one."""
        if name in self._weights:
            return self._weights[name]
        node = self._makers.get(name)
        if node is None or node.op_type not in ("Flatten", "Transpose", "Cast"):
            return None
        source = self._value(node.input[0])
        if source is None:
            return None
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Flatten":
            return source.reshape(int(np.prod(source.shape[:attributes["axis"]])), -1)
        return source.transpose(attributes["perm"]) if node.op_type == "Transpose" else source


def _used(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """The nodes, in order, whose results somebody reads."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    return kept[::-1]
