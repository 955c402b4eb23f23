"""Storage of the large weights as float16. All arithmetic stays in float32: only the values of the weights are rounded."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from failure import InputError

FLOAT32, FLOAT16_WEIGHTS = "float32", "float16-weights"
LARGE = 1024  # elements; smaller tensors are not worth a Cast


@torch.no_grad()
def round_weights(model: torch.nn.Module) -> None:
    """Rounds every large parameter through float16 in place, as store_as_float16 does in the graph."""
    for name, parameter in model.named_parameters():
        if parameter.numel() >= LARGE:
            rounded = parameter.half()
            if not torch.isfinite(rounded).all():
                raise InputError(f"{name} holds values beyond the range of float16: export float32 weights")
            parameter.copy_(rounded)


def store_as_float16(model: onnx.ModelProto) -> None:
    """Replaces large float32 initializers of rounded values by float16 ones, each followed by one Cast that takes over the name.

    What is no weight but made of some, or of none, stays float32: a scaled bias, the position encoding. Nothing is rounded twice.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims, dtype=np.int64) >= LARGE:
            name, values = tensor.name, numpy_helper.to_array(tensor)
            halved = values.astype(np.float16)
            if np.array_equal(halved, values):
                tensor.CopyFrom(numpy_helper.from_array(halved, name + ".float16"))
                casts.append(helper.make_node("Cast", [tensor.name], [name], name="Widen/" + name, to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]  # nodes stand in topological order
    del model.graph.node[:]
    model.graph.node.extend(nodes)
