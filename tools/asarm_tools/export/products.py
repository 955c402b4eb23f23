"""Puts rounded matrices into a traced graph: their products are taken in integers, every row with a scale of its own.

A row x [K] becomes bytes round(127 x / max|x|) + 128, and its product with a matrix an exact sum of integers, whatever rows share the
call. Matrices are int8 [K, N], or bytes of two quantized values each that standard operators widen to that, once, when the graph is loaded.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.integer_products import CONSTANTS, DOMAIN, Writer
from asarm_tools.export.tracing import Traced
from asarm_tools.network.cached import POSITION_ENCODING
from asarm_tools.quantization.rounding import Rounded

TABLE = ".rel_attn.r"  # how the names of matrices end that make the table of positions


def matrix_key(matrix: np.ndarray) -> bytes:
    """Identifies a matrix [N, K] by its float32 values."""
    return hashlib.sha256(str(matrix.shape).encode() + np.ascontiguousarray(matrix, np.float32).tobytes()).digest()


def replace_matrices(traced: Traced, rounded: dict[bytes, tuple[str, Rounded]], lowest: float, bounded: set[str]) -> None:
    """rounded: by matrix_key, the name of the parameter and what it becomes; bounded: the names of matrices whose rows are rounded as what an
    activation function with the least value `lowest` gives. Weights that nobody reads any more are dropped.

    Raises InputError where a matrix has no quantized values, or is read as float32 as well: a tracer may write it in a way that is not known here.
    """
    graph, weights = traced.model.graph, traced.weights
    opset = next(entry.version for entry in traced.model.opset_import if entry.domain in ("", "ai.onnx"))
    nodes = Rewriter(traced, rounded, bounded, Writer(traced, lowest, opset)).run()
    del graph.node[:]
    graph.node.extend(_used(nodes, {port.name for port in graph.output}))
    weights.update({name: np.asarray(value) for name, value in CONSTANTS.items()})
    read = {name for node in graph.node for name in node.input}
    for name in [name for name in weights if name not in read]:
        del weights[name]
    traced.model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    check_all(weights, rounded)


def check_all(weights: dict[str, np.ndarray], rounded: dict[bytes, tuple[str, Rounded]]) -> None:
    """Raises InputError where a matrix has no integers among the weights, or one is left in float32."""
    missing = [name for name, value in rounded.values() if f"{name}.int{value.bits}" not in weights]
    if missing:
        raise InputError(f"PyTorch wrote matrices in a way that this exporter does not know, they have no quantized values: {', '.join(missing[:5])}")
    least = min(value.quantized.size for _, value in rounded.values())
    wide = [name for name, array in weights.items() if array.dtype == np.float32 and array.ndim > 1 and array.size >= least and name != POSITION_ENCODING]
    if wide:
        raise InputError(f"PyTorch wrote matrices in a way that this exporter does not know, they are left in float32: {', '.join(wide[:5])}")


class Rewriter:
    """Goes through the nodes of a graph once and writes those of the products anew."""

    def __init__(self, traced: Traced, rounded: dict[bytes, tuple[str, Rounded]], bounded: set[str], writer: Writer):
        self._graph, self._weights, self._rounded, self._bounded, self._writer = traced.model.graph, traced.weights, rounded, bounded, writer
        self._makers = {name: node for node in self._graph.node for name in node.output}
        self._largest: dict[str, str] = {}  # of the rows of products with tables

    def run(self) -> list[onnx.NodeProto]:
        products: dict[str, list[onnx.NodeProto]] = {}  # by their rows
        for node in self._graph.node:
            if node.op_type in ("MatMul", "Gemm") and (name := self._name(node)) and not name.endswith(TABLE):
                products.setdefault(node.input[0], []).append(node)
        for node in self._graph.node:
            if node.output[0] not in self._writer.made and not self._replace(node, products):
                self._writer.nodes.append(node)
        return self._writer.nodes

    def _name(self, node: onnx.NodeProto) -> str | None:
        """The parameter that a node multiplies with or looks up, if it was rounded; the matrix is in the graph then."""
        matrix = self._value(node.input[0 if node.op_type == "Gather" else 1])
        if matrix is None or matrix.ndim != 2:
            return None
        found = self._rounded.get(matrix_key(matrix.T if node.op_type == "MatMul" else matrix))
        if found is None:
            return None
        self._writer.matrix(*found)
        return found[0]

    def _replace(self, node: onnx.NodeProto, products: dict[str, list[onnx.NodeProto]]) -> bool:
        """Whether the node was written anew."""
        if node.op_type == "MatMul" and self._is_constant(node.input[1]):
            self._table_product(node)
        elif node.op_type == "GatherElements" and node.input[0] in self._largest:
            self._distances(node)
        elif any(node is other for other in products.get(node.input[0] if node.input else "", ())):
            self._products(products[node.input[0]])
        elif node.op_type in ("MatMul", "Gather") and (name := self._name(node)):
            (self._widened_product if node.op_type == "MatMul" else self._lookup)(node, name)
        else:
            return False
        return True

    def _products(self, nodes: list[onnx.NodeProto]) -> None:
        """All products of the same rows in one, and its parts."""
        if nodes[0].op_type == "Gemm":
            return self._head(nodes[0])
        names = [str(self._name(node)) for node in nodes]
        if len(nodes) == 1:
            return self._writer.product(nodes[0].input[0], f"{names[0]}.int8", f"{names[0]}.scales", nodes[0].output[0], names[0] in self._bounded)
        both = "+".join(names)
        columns = self._writer.once("Concat", f"{both}.int8", [f"{name}.int8" for name in names], axis=1)
        scales = self._writer.once("Concat", f"{both}.scales", [f"{name}.scales" for name in names], axis=0)
        outputs = [node.output[0] for node in nodes]
        self._weights[f"{both}.sizes"] = np.array([len(self._weights[f"{name}.scales"]) for name in names], np.int64)
        self._writer.product(nodes[0].input[0], columns, scales, f"{outputs[0]}.parts")
        self._writer.nodes.append(helper.make_node("Split", [f"{outputs[0]}.parts", f"{both}.sizes"], outputs, f"Rounded/{both}/{outputs[0]}", axis=-1))
        self._writer.made.update(outputs)

    def _head(self, node: onnx.NodeProto) -> None:
        """The trace lays rows [B, T, d] out as [B * T, d] and the logits back, which would copy them: here they stay as they are."""
        name, rows, readers = self._name(node), self._makers.get(node.input[0]), [other for other in self._graph.node if node.output[0] in other.input]
        if rows is None or [rows.op_type, *(reader.op_type for reader in readers)] != ["Reshape", "Reshape"]:
            raise InputError("PyTorch wrote the head in a way that this exporter does not know")
        logits = readers[0].output[0]
        self._writer.product(rows.input[0], f"{name}.int8", f"{name}.scales", f"{logits}.unbiased")
        self._writer.node("Add", logits, [f"{logits}.unbiased", node.input[2]])
        self._writer.made.add(logits)

    def _lookup(self, node: onnx.NodeProto, name: str) -> None:
        output, ids = node.output[0], node.input[1]
        rows = self._writer.once("Transpose", f"{name}.rows", [f"{name}.int8"], perm=[1, 0])
        self._writer.node("Gather", f"{output}.codes", [rows, ids], axis=0)
        self._writer.node("Cast", f"{output}.values", [f"{output}.codes"], to=TensorProto.FLOAT)
        column = self._writer.once("Unsqueeze", f"{name}.scales.column", [f"{name}.scales", "rounding.last_axis"])
        self._writer.node("Gather", f"{output}.scales", [column, ids], axis=0)
        self._writer.node("Mul", output, [f"{output}.values", f"{output}.scales"])

    def _widened_product(self, node: onnx.NodeProto, name: str) -> None:
        """As float32: where it makes the table of positions, that is computed once, when the graph is loaded."""
        self._writer.once("Cast", f"{name}.floats", [f"{name}.int8"], to=TensorProto.FLOAT)
        self._writer.once("Mul", f"{name}.values", [f"{name}.floats", f"{name}.scales"])
        self._writer.nodes.append(helper.make_node("MatMul", [node.input[0], f"{name}.values"], node.output, node.name))

    def _table_product(self, node: onnx.NodeProto) -> None:
        """Rows [H, R, D] times a constant [H, D, L]: the table as integers with a step for each head and each of its D, which goes over
        to the rows. The rows' own steps are left to _distances, as few of the L are taken."""
        (rows, table), output = node.input, node.output[0]
        readers = [other for other in self._graph.node if output in other.input]
        if not readers or any(other.op_type != "GatherElements" or other.attribute[0].i != 2 for other in readers):
            raise InputError("PyTorch wrote the products with distances in a way that this exporter does not know")
        self._writer.node("Abs", f"{table}.sizes", [table])
        self._writer.reduce_max(f"{table}.largest", f"{table}.sizes")
        self._writer.node("Mul", f"{table}.exact", [f"{table}.largest", "rounding.table_step"])
        self._writer.node("Max", f"{table}.step", [f"{table}.exact", "rounding.least"])
        self._writer.node("Div", f"{table}.steps", [table, f"{table}.step"])
        self._writer.node("Round", f"{table}.rounded", [f"{table}.steps"])
        self._writer.node("Cast", f"{table}.codes", [f"{table}.rounded"], to=TensorProto.INT8)
        self._writer.node("Transpose", f"{table}.step.rows", [f"{table}.step"], perm=[0, 2, 1])
        self._writer.node("Mul", f"{output}.rows", [rows, f"{table}.step.rows"])
        quantized, self._largest[output] = self._writer.as_bytes(f"{output}.rows")
        self._writer.node("MatMulIntegerToFloat", output, [quantized, f"{table}.codes", "rounding.step", "rounding.one", "rounding.middle", "rounding.zero"], domain=DOMAIN)

    def _distances(self, node: onnx.NodeProto) -> None:
        """What a row takes from its product with a table."""
        taken = f"{node.output[0]}.taken"
        self._writer.node("GatherElements", taken, list(node.input), axis=2)
        self._writer.node("Mul", node.output[0], [taken, self._largest[node.input[0]]])

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
