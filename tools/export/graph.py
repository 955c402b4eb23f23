"""From PyTorch modules to ONNX files that share their weights, and the checks of those files against docs/model-format.md."""

from __future__ import annotations

import hashlib
import inspect
import os
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from cached import POSITION_ENCODING
from contract import DATA_FILE, Contract
from failure import InputError
from precision import LARGE

OPSETS = range(17, 22)
_PAGE, _PAGED_FROM = 1 << 16, 1 << 20  # tensors of a MiB and more begin at a page, so that they can be mapped on every system
_ALIGNMENT = 64  # bytes, of the others: an odd number of float16 would leave no place for float32


def trace(module: torch.nn.Module, contract: Contract, opset: int, scratch: str) -> onnx.ModelProto:
    """The module as an ONNX graph with the contract's names and dynamic sizes; scratch is an empty folder."""
    if opset not in OPSETS:
        raise InputError(f"opset {opset} is outside the contract's {OPSETS[0]}..{OPSETS[-1]}")
    path = os.path.join(scratch, contract.file)
    options = {"opset_version": opset, "input_names": [port.name for port in contract.inputs],
               "output_names": [port.name for port in contract.outputs], "dynamic_axes": contract.dynamic_axes()}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # PyTorch 2: the exporter by tracing, whose graph the checks below know
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(module, contract.examples(), path, **options)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"PyTorch {torch.__version__} cannot export opset {opset}: {str(error).splitlines()[0]}") from error
    return onnx.load(path)


def describe(model: onnx.ModelProto, properties: dict[str, object]) -> None:
    """Writes metadata_props, for stacks that see the ONNX file alone."""
    helper.set_model_props(model, {name: str(value) for name, value in properties.items()})


def save(models: dict[str, onnx.ModelProto], folder: str) -> None:
    """Writes the graphs by file name; every large tensor goes once into the data file beside them, whichever graphs use it."""
    places: dict[bytes, int] = {}
    with open(os.path.join(folder, DATA_FILE), "wb") as data:
        for model in models.values():
            for tensor in model.graph.initializer:
                if np.prod(tensor.dims, dtype=np.int64) >= LARGE:
                    _move_out(tensor, data, places)
    for file, model in models.items():
        onnx.save(model, os.path.join(folder, file))


def _move_out(tensor: TensorProto, data, places: dict[bytes, int]) -> None:
    raw = tensor.raw_data
    digest = hashlib.sha256(raw).digest()
    if digest not in places:
        data.seek(-data.tell() % (_PAGE if len(raw) >= _PAGED_FROM else _ALIGNMENT), os.SEEK_CUR)
        places[digest] = data.tell()
        data.write(raw)
    set_external_data(tensor, DATA_FILE, offset=places[digest], length=len(raw))
    tensor.ClearField("raw_data")


def check(folder: str, contracts: list[Contract], opset: int) -> None:
    """Reads the written files back and refuses them where they break their contracts or hold a weight twice."""
    graphs = []
    for contract in contracts:
        path = os.path.join(folder, contract.file)
        try:
            onnx.checker.check_model(path)  # by path: also finds external data
            graphs.append(onnx.load(path, load_external_data=False))
            inferred = onnx.shape_inference.infer_shapes(graphs[-1], strict_mode=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise InputError(f"the exported graph {contract.file} is not valid: {error}") from error
        _check_operators(graphs[-1], opset)
        _check_ports(inferred.graph, contract)
    _check_weights(onnx.load(os.path.join(folder, contracts[0].file)))
    for graph, contract in zip(graphs[1:], contracts[1:]):
        _check_shared(graphs[0], graph, contract.dimension)


def _check_operators(model: onnx.ModelProto, opset: int) -> None:
    domains = {node.domain for node in model.graph.node} | {entry.domain for entry in model.opset_import}
    if domains - {"", "ai.onnx"}:
        raise InputError(f"the exported graph has operators outside the standard: {sorted(domains)}")
    if [entry.version for entry in model.opset_import] != [opset]:
        raise InputError(f"the exported graph has another opset than {opset}")


def _check_ports(graph: onnx.GraphProto, contract: Contract) -> None:
    """Names, types and dynamic axes of inputs and outputs."""
    expected = [(port.name, port.kind, port.axes) for port in (*contract.inputs, *contract.outputs)]
    found = []
    for port in (*graph.input, *graph.output):
        kind = port.type.tensor_type
        found.append((port.name, kind.elem_type, tuple(axis.dim_param or axis.dim_value for axis in kind.shape.dim)))
    if found != expected:
        raise InputError(f"the exported graph {contract.file} has other inputs and outputs than the contract: {found}")
    made = {name for node in graph.node for name in node.output}
    for port in contract.outputs:
        if port.name not in made:  # onnx's checker lets that pass
            raise InputError(f"the exported graph is not valid: no node makes {port.name}")


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
    _check_constants(model)


def _check_shared(first: onnx.ModelProto, other: onnx.ModelProto, dimension: int) -> None:
    """Large weights of the other graph must be at places of the data file that the first one uses, but for biases, which it scales."""
    places = {_place(tensor) for tensor in first.graph.initializer if tensor.external_data}
    for tensor in other.graph.initializer:
        size = np.prod(tensor.dims, dtype=np.int64)
        if size >= LARGE and size > dimension and tensor.name != POSITION_ENCODING and _place(tensor) not in places:
            raise InputError(f"the exported graphs do not share {tensor.name}")
    _check_constants(other)


def _place(tensor: TensorProto) -> tuple[int, int]:
    """Offset and length in the data file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    return int(entries.get("offset", 0)), int(entries.get("length", 0))


def _check_constants(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if any(attribute.t.ByteSize() > 16 * LARGE for attribute in node.attribute if attribute.HasField("t")):
            raise InputError(f"the exported graph has a large constant in {node.name}")
