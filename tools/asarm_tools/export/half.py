"""Turns a traced graph into one that computes in float16, for GPUs; inputs and outputs stay those of the contract, in float32.

Angles of the position encoding stay float32, since a float16 tells distances beyond 2,048 no longer apart and fractions of them much earlier.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.tracing import Traced

_HIDDEN = 3e4  # what hides a score, in float16: exp of it is zero, and a score can be added without an overflow


def compute_in_float16(traced: Traced) -> None:
    """Weights, constants and casts become float16; ports get a cast."""
    graph = traced.model.graph
    angles = _ancestors(graph, {"Sin", "Cos"})
    kept = {name for node in graph.node if node.name in angles for name in node.input}
    for name, values in traced.weights.items():
        if values.dtype == np.float32 and name not in kept:
            traced.weights[name] = _halved(values, name)
    for node in graph.node:
        if node.name not in angles:
            _convert(node)
    _cast_ports(graph)
    _cast_angles(graph)


def _halved(values: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    if not np.isfinite(halved).all():
        raise InputError(f"{name} holds values beyond the range of float16: export another precision")
    return halved


def _ancestors(graph: onnx.GraphProto, kinds: set[str]) -> set[str]:
    """Names of the nodes of these kinds and of all that they follow from."""
    wanted: set[str] = set()
    found: set[str] = set()
    for node in reversed(graph.node):
        if node.op_type in kinds or wanted & set(node.output):
            found.add(node.name)
            wanted |= set(node.input)
    return found


def _convert(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16
        elif attribute.name == "value" and attribute.t.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(attribute.t).clip(-_HIDDEN, _HIDDEN)
            attribute.t.CopyFrom(numpy_helper.from_array(values.astype(np.float16), attribute.t.name))


def _cast_ports(graph: onnx.GraphProto) -> None:
    before = [(port.name, f"{port.name}.float16") for port in graph.input if port.type.tensor_type.elem_type == TensorProto.FLOAT]
    after = [(f"{port.name}.float16", port.name) for port in graph.output]
    renamed = {**dict(before), **{name: inner for inner, name in after}}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    nodes = [*(_cast(*pair, TensorProto.FLOAT16) for pair in before), *graph.node, *(_cast(*pair, TensorProto.FLOAT) for pair in after)]
    del graph.node[:]
    graph.node.extend(nodes)


def _cast_angles(graph: onnx.GraphProto) -> None:
    """Sines and cosines go on as float16."""
    nodes = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type in ("Sin", "Cos"):
            result = node.output[0]
            node.output[0] = result + ".float32"
            nodes.append(_cast(node.output[0], result, TensorProto.FLOAT16))
    del graph.node[:]
    graph.node.extend(nodes)


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name="Cast/" + target, to=kind)
