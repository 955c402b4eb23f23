"""model.onnx: from the PyTorch module to a file, and the checks of that file against its contract (docs/model-format.md)."""

from __future__ import annotations

import hashlib
import inspect
import os
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from failure import InputError
from precision import LARGE
from two_stream import MODEL_INPUTS, TwoStreamModel

OUTPUT = "logits"
AXES = {**{name: ("batch", "sequence") for name in MODEL_INPUTS[:3]}, **{name: ("batch", "targets") for name in MODEL_INPUTS[3:]},
        OUTPUT: ("batch", "targets")}
GRAPH_FILE, DATA_FILE = "model.onnx", "model.onnx_data"
PROTOBUF_LIMIT = 2**31 - 2**24  # bytes in one file, less room for the nodes
OPSETS = range(17, 22)


def trace(model: TwoStreamModel, opset: int, scratch: str) -> onnx.ModelProto:
    """The module as an ONNX graph with dynamic batch, sequence and targets; scratch is an empty folder."""
    if opset not in OPSETS:
        raise InputError(f"opset {opset} is outside the contract's {OPSETS[0]}..{OPSETS[-1]}")
    path = os.path.join(scratch, "traced.onnx")
    options = {"opset_version": opset, "input_names": list(MODEL_INPUTS), "output_names": [OUTPUT],
               "dynamic_axes": {name: dict(enumerate(axes)) for name, axes in AXES.items()}}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # PyTorch 2: the exporter by tracing, whose graph the checks below know
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(model, example_inputs(), path, **options)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"PyTorch {torch.__version__} cannot export opset {opset}: {str(error).splitlines()[0]}") from error
    return onnx.load(path)


def example_inputs() -> tuple[torch.Tensor, ...]:
    """Sizes that differ from each other, so that the trace confuses none: batch 2, sequence 7, targets 3."""
    order = torch.arange(7).repeat(2, 1)
    return (torch.zeros_like(order), order, (order < 4).long(), torch.tensor([[4, 5, 6]] * 2), torch.full((2, 3), 4))


def describe(model: onnx.ModelProto, properties: dict[str, object]) -> None:
    """Writes metadata_props, for stacks that see the ONNX file alone."""
    helper.set_model_props(model, {name: str(value) for name, value in properties.items()})


def save(model: onnx.ModelProto, folder: str, limit: int = PROTOBUF_LIMIT) -> None:
    """Writes model.onnx, with the weights beside it only where they exceed what protobuf can hold."""
    path = os.path.join(folder, GRAPH_FILE)
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > limit:
        onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=DATA_FILE, size_threshold=LARGE)
    else:
        onnx.save(model, path)


def check(folder: str, opset: int, vocabulary: int) -> None:
    """Reads the written file back and refuses it where it breaks the contract."""
    path = os.path.join(folder, GRAPH_FILE)
    try:
        onnx.checker.check_model(path)  # by path: also finds external data
        model = onnx.load(path, load_external_data=False)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError(f"the exported graph is not valid: {error}") from error
    domains = {node.domain for node in model.graph.node} | {entry.domain for entry in model.opset_import}
    if domains - {"", "ai.onnx"}:
        raise InputError(f"the exported graph has operators outside the standard: {sorted(domains)}")
    if [entry.version for entry in model.opset_import] != [opset]:
        raise InputError(f"the exported graph has another opset than {opset}")
    _check_ports(inferred.graph, vocabulary)
    if OUTPUT not in {name for node in model.graph.node for name in node.output}:  # onnx's checker lets that pass
        raise InputError(f"the exported graph is not valid: no node makes {OUTPUT}")
    _check_weights(onnx.load(path))


def _check_ports(graph: onnx.GraphProto, vocabulary: int) -> None:
    """Names, types and dynamic axes of inputs and output."""
    expected = [(name, TensorProto.INT64, AXES[name]) for name in MODEL_INPUTS]
    expected.append((OUTPUT, TensorProto.FLOAT, (*AXES[OUTPUT], vocabulary)))
    found = []
    for port in (*graph.input, *graph.output):
        kind = port.type.tensor_type
        found.append((port.name, kind.elem_type, tuple(axis.dim_param or axis.dim_value for axis in kind.shape.dim)))
    if found != expected:
        raise InputError(f"the exported graph has other inputs and outputs than the contract: {found}")


def _check_weights(model: onnx.ModelProto) -> None:
    """No large weight may be there twice, also not transposed, nor hide in a Constant node."""
    seen: dict[bytes, str] = {}
    for tensor in model.graph.initializer:
        values = np.sort(numpy_helper.to_array(tensor), axis=None)
        if values.size < LARGE or values[0] == values[-1]:
            continue  # equal fresh biases are no copies
        other = seen.setdefault(hashlib.sha256(values.tobytes()).digest(), tensor.name)
        if other != tensor.name:
            raise InputError(f"the exported graph holds a weight twice: {other} and {tensor.name}")
    for node in model.graph.node:
        if any(attribute.t.ByteSize() > 16 * LARGE for attribute in node.attribute if attribute.HasField("t")):
            raise InputError(f"the exported graph has a large constant in {node.name}")
