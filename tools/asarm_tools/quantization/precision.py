"""The precisions of an export, and the storage of float32 weights as float16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from onnx import TensorProto, helper

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.tracing import Traced

FLOAT32, FLOAT16_WEIGHTS, FLOAT16, INT8, INT4 = "float32", "float16-weights", "float16", "int8", "int4"
LARGE = 1024  # elements; smaller tensors are not worth a Cast


@dataclass(frozen=True)
class Precision:
    """name in asarm.json; bits of a weight where they are quantized."""

    name: str
    bits: int | None = None


PRECISIONS = {
    "fp32": Precision(FLOAT32), "fp16": Precision(FLOAT16), "int8": Precision(INT8, 8), "int4": Precision(INT4, 4)}
WEIGHTS_ONLY = Precision(FLOAT16_WEIGHTS)
NAMES = {precision.name for precision in (*PRECISIONS.values(), WEIGHTS_ONLY)}


@torch.no_grad()
def round_weights(model: torch.nn.Module) -> None:
    """Rounds every large parameter through float16 in place, as store_as_float16 does in the graph."""
    for name, parameter in model.named_parameters():
        if parameter.numel() >= LARGE:
            rounded = parameter.half()
            if not torch.isfinite(rounded).all():
                raise InputError(f"{name} holds values beyond the range of float16: export float32 weights")
            parameter.copy_(rounded)


def store_as_float16(traced: Traced) -> None:
    """Replaces large float32 weights of rounded values by float16 ones, each followed by one Cast that takes over the name.

    The position encoding, which is no weight, stays float32.
    """
    casts, stored = [], {}
    for name, values in traced.weights.items():
        halved = _exactly_halved(values)
        if halved is None:
            stored[name] = values
        else:
            stored[name + ".float16"] = halved
            casts.append(helper.make_node("Cast", [name + ".float16"], [name], name="Widen/" + name, to=TensorProto.FLOAT))
    traced.weights = stored
    nodes = [*casts, *traced.model.graph.node]  # nodes stand in topological order
    del traced.model.graph.node[:]
    traced.model.graph.node.extend(nodes)


def _exactly_halved(values: np.ndarray) -> np.ndarray | None:
    """The same values as float16; None where that would round them, or where they are few."""
    if values.dtype != np.float32 or values.size < LARGE:
        return None
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    return halved if np.array_equal(halved, values) else None
