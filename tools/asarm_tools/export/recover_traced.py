"""Recovers the weights of folders of format 1 and 2, whose graphs were traced from PyTorch: some names and layouts are the tracer's."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.weights import Weights, shapes


def recover(folder: str, config: TwoStreamConfig, path: str) -> Weights:
    """path: the folder's stateless graph. Raises InputError where it does not hold a tensor as floating-point numbers."""
    graph = onnx.load(path).graph
    stored = {tensor.name.removesuffix(".float16"): numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer}
    # Equal tensors, such as norms of fresh weights, were stored once.
    stored.update({node.output[0]: stored[node.input[0]] for node in graph.node if node.op_type == "Identity" and node.input[0] in stored})
    network = Weights(config, {})
    for name, shape in shapes(config).items():
        key, transposed = _stored_name(name, graph, stored)
        array = stored.get(key, np.empty(0))
        array = array.T if transposed else array
        if array.squeeze().shape != np.empty(shape, bool).squeeze().shape:  # a folded bias has another axis of one
            raise InputError(f"{folder}: the graph does not hold {name} where its exporter put it")
        network[name] = np.ascontiguousarray(array).reshape(shape)
    return network


def _stored_name(name: str, graph: onnx.GraphProto, stored: dict[str, np.ndarray]) -> tuple[str, bool]:
    """The initializer that holds a parameter, and whether it holds it transposed: PyTorch's exporter folded some of them."""
    parts = name.split(".")
    if name.endswith(("layer_1.weight", "layer_2.weight")):
        added = [term for node in graph.node if name.replace(".weight", ".bias") in node.input for term in node.input]
        factors = [node.input[1] for node in graph.node if node.op_type == "MatMul" and node.output[0] in added]
        return (factors[0] if factors else name), True
    if parts[-1] in ("r_w_bias", "r_r_bias"):
        folded = [term for node in graph.node if node.op_type == "Add" for term in node.input
                  if term.startswith("onnx::Add_") and term in stored and stored[term].ndim > 1]  # some versions have constants there
        order = 2 * int(parts[2]) + (parts[-1] == "r_r_bias")
        return (folded[order] if order < len(folded) else name), False
    return name, False
