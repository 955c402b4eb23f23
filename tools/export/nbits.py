"""Puts rounded matrices into a traced graph: products become MatMulNBits, the lookup of tokens GatherBlockQuantized."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper

from cached import POSITION_ENCODING
from failure import InputError
from rounding import Rounded
from tracing import Traced

DOMAIN = "com.microsoft"
TABLE = ".rel_attn.r"  # how the names of matrices end that make the table of positions
_ACCURACY = 4  # activations as int8, a scale for every block of every row: the only fast way; rows stay independent with the blocks of variant.py


def matrix_key(matrix: np.ndarray) -> bytes:
    """Identifies a matrix [N, K] by its float32 values."""
    return hashlib.sha256(np.ascontiguousarray(matrix, np.float32)).digest()


def replace_matrices(traced: Traced, rounded: dict[bytes, tuple[str, Rounded]]) -> None:
    """rounded: by matrix_key, the name of the parameter and what it becomes. Weights that nobody reads any more are dropped.

    Raises InputError where a matrix did not get its codes, or is read as float32 as well: a tracer may write it in a way that is not known here.
    """
    graph = traced.model.graph
    constants = _Constants(traced)
    nodes = []
    for node in graph.node:
        nodes += _replacement(node, constants, rounded, traced.weights) or [node]
    del graph.node[:]
    graph.node.extend(_used(nodes, {port.name for port in graph.output}))
    read = {name for node in graph.node for name in node.input}
    for name in [name for name in traced.weights if name not in read]:
        del traced.weights[name]
    traced.model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    _check_all(traced.weights, [values for _, values in rounded.values()], [name for name, _ in rounded.values()])


def _check_all(weights: dict[str, np.ndarray], values: list[Rounded], names: list[str]) -> None:
    missing = [name for name, value in zip(names, values) if f"{name}.int{value.bits}" not in weights]
    if missing:
        raise InputError(f"PyTorch wrote matrices in a way that this exporter does not know, they have no codes: {', '.join(missing[:5])}")
    least = min(value.codes.size for value in values)
    wide = [name for name, array in weights.items() if array.dtype == np.float32 and array.size >= least
            and name != POSITION_ENCODING and not name.endswith(".scales")]
    if wide:
        raise InputError(f"PyTorch wrote matrices in a way that this exporter does not know, they are left in float32: {', '.join(wide[:5])}")


class _Constants:
    """Matrices that follow from a weight alone."""

    def __init__(self, traced: Traced):
        self._weights = traced.weights
        self._makers = {name: node for node in traced.model.graph.node for name in node.output}

    def value(self, name: str) -> np.ndarray | None:
        """The tensor, where it is a weight or a Flatten or Transpose of one."""
        if name in self._weights:
            return self._weights[name]
        node = self._makers.get(name)
        if node is None or node.op_type not in ("Flatten", "Transpose", "Cast"):
            return None
        source = self.value(node.input[0])
        if source is None:
            return None
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Flatten":
            return source.reshape(int(np.prod(source.shape[:attributes["axis"]])), -1)
        return source.transpose(attributes["perm"]) if node.op_type == "Transpose" else source


def _replacement(node: onnx.NodeProto, constants: _Constants, rounded: dict[bytes, tuple[str, Rounded]],
                 weights: dict[str, np.ndarray]) -> list[onnx.NodeProto] | None:
    """The nodes that do the same with a rounded matrix; None where the node has none."""
    if node.op_type not in ("MatMul", "Gemm", "Gather"):
        return None
    matrix = constants.value(node.input[0 if node.op_type == "Gather" else 1])
    if matrix is None or matrix.ndim != 2:
        return None
    found = rounded.get(matrix_key(matrix.T if node.op_type == "MatMul" else matrix))
    if found is None:
        return None
    name, values = found
    if name.endswith(TABLE):
        return _widened(node, name, values, weights)
    return [_lookup(node, name, values, weights) if node.op_type == "Gather" else _product(node, name, values, weights)]


def _product(node: onnx.NodeProto, name: str, values: Rounded, weights: dict[str, np.ndarray]) -> onnx.NodeProto:
    _store(name, values, weights)
    inputs = [node.input[0], f"{name}.int{values.bits}", f"{name}.scales"]
    if node.op_type == "Gemm":
        inputs += ["", "", node.input[2]]
    outputs, inner = values.codes.shape
    return helper.make_node("MatMulNBits", inputs, node.output, node.name, domain=DOMAIN, K=inner, N=outputs, bits=values.bits,
                            block_size=values.block, accuracy_level=_ACCURACY)


def _lookup(node: onnx.NodeProto, name: str, values: Rounded, weights: dict[str, np.ndarray]) -> onnx.NodeProto:
    """The same bytes as the product's, without the axis of blocks."""
    rows = f"{name}.int{values.bits}.rows"
    weights[rows] = values.packed().reshape(len(values.codes), -1)
    weights[f"{name}.scales"] = values.scales
    return helper.make_node("GatherBlockQuantized", [rows, node.input[1], f"{name}.scales"], node.output, node.name, domain=DOMAIN,
                            gather_axis=0, quantize_axis=1, block_size=values.block, bits=values.bits)


def _widened(node: onnx.NodeProto, name: str, values: Rounded, weights: dict[str, np.ndarray]) -> list[onnx.NodeProto]:
    """Standard operators that make the float32 matrix again, once, when the graph is loaded: it makes a table, not a call's rows."""
    _store(name, values, weights)
    shapes = {"zero": np.float32(1 << values.bits - 1), "blocks": np.array([*values.scales.shape, 1]), "shape": np.array(values.codes.shape)}
    for suffix, array in shapes.items():
        weights[f"{name}.{suffix}"] = np.asarray(array)
    steps = [("Cast", [f"{name}.int{values.bits}"], {"to": TensorProto.FLOAT}), ("Sub", ["", f"{name}.zero"], {}),
             ("Mul", ["", f"{name}.scales.blocks"], {}), ("Reshape", ["", f"{name}.shape"], {}), ("Transpose", [""], {"perm": [1, 0]})]
    nodes = [helper.make_node("Reshape", [f"{name}.scales", f"{name}.blocks"], [f"{name}.scales.blocks"], f"Widen/{name}/scales")]
    for kind, inputs, attributes in steps:
        result = f"{name}.{kind.lower()}"
        nodes.append(helper.make_node(kind, [given or nodes[-1].output[0] for given in inputs], [result], f"Widen/{result}", **attributes))
    product = helper.make_node("MatMul", [node.input[0], nodes[-1].output[0]], node.output, node.name)
    return [*nodes, product]


def _store(name: str, values: Rounded, weights: dict[str, np.ndarray]) -> None:
    weights[f"{name}.int{values.bits}"] = values.packed()
    weights[f"{name}.scales"] = values.scales


def _used(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """The nodes, in order, whose results somebody reads."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    return kept[::-1]
