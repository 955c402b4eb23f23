"""The two graphs of a model folder, written node by node from the weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from asarm_tools.command_line.failure import InputError
from asarm_tools.graphs.arithmetic import Arithmetic
from asarm_tools.graphs.cached import write_cached
from asarm_tools.graphs.contract import Contract
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.stateless import write_stateless
from asarm_tools.graphs.writer import OPSETS, GraphWriter


@dataclass(frozen=True)
class Graph:
    """A graph without its initializers, and these by name."""

    model: onnx.ModelProto
    weights: dict[str, np.ndarray]


def build(contract: Contract, opset: int, weights: GraphWeights, length: int, arithmetic: Callable[[GraphWriter], Arithmetic]) -> Graph:
    """The graph of a contract, for sequences of up to `length` tokens.

    Raises InputError for an opset that is none of OPSETS.
    """
    if opset not in OPSETS:
        raise InputError(f"opset {opset} is outside the contract's {OPSETS[0]}..{OPSETS[-1]}")
    writer = GraphWriter(opset)
    write = write_cached if contract.has_cache else write_stateless
    write(writer, arithmetic(writer), weights, length)
    model = writer.finish([port.described() for port in contract.inputs], [port.described() for port in contract.outputs], contract.file)
    return Graph(model, writer.weights)
